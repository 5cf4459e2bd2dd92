"""Every failure signal of Ollama and of the llama-server behind it, to the error it stands for."""

import json

import pytest

from runtimeprobe.contract import (
    AdapterError,
    EngineDied,
    EngineMissing,
    LoadFailed,
    ModelMissing,
    OutOfMemory,
    Rejected,
    RouteMissing,
    RuntimeTooOld,
    Unavailable,
)
from runtimeprobe_ollama import errors

STOPPED = "model runner has unexpectedly stopped, this may be due to resource limitations or an internal error, check ollama server logs"
TOO_OLD = "error loading model: this model may be incompatible with your version of Ollama. If you previously pulled this model, try"
SIGNALS = [
    (400, "Multimodal data provided, but model does not support multimodal requests.", Rejected),
    (400, "Failed to load image or audio file", Rejected),
    (400, "Failed to tokenize prompt", AdapterError),
    (500, "audio input is not supported - hint: if this is unexpected, you may need to provide the mmproj", Rejected),
    (400, "this model does not support audio input", Rejected),
    (400, "invalid input_audio base64 data: illegal base64 data at input byte 3", AdapterError),
    (500, "prediction aborted, token repeat limit reached", AdapterError),
    (400, "the prompt is longer than the context length currently available to the model; shorten the prompt", AdapterError),
    (500, STOPPED, EngineDied),
    (500, "llama-server process has terminated: exit status 2", EngineDied),
    (500, "llama runner process has terminated: %!w(<nil>)", EngineDied),
    (500, "llama-server reported out-of-memory during startup: cudaMalloc failed: out of memory", OutOfMemory),
    (500, "llama-server process has terminated: exit status 1: error loading model: unable to allocate CPU buffer", OutOfMemory),
    (500, TOO_OLD, RuntimeTooOld),
    (500, "llama-server process has terminated: exit status 1: unknown model architecture: 'gemma4'", RuntimeTooOld),
    (404, "model 'gemma4:e2b' not found", ModelMissing),
    (404, 'model "gemma4:e2b" not found, try pulling it first', ModelMissing),
    (500, "llama-server binary not found (checked: /usr/lib/ollama). Run 'cmake ...' first", EngineMissing),
    (500, "timed out waiting for llama-server to start - ", LoadFailed),
    (401, "unauthorized", Unavailable),
    (503, "server busy, please try again.  maximum pending requests exceeded", Unavailable),
    (418, "something nobody has seen", AdapterError),
]


def wrapped(words: str) -> dict[str, str]:
    """As each route sends them."""
    nested = json.dumps({"error": {"code": 400, "message": words, "type": "invalid_request_error"}})
    return {
        "string": json.dumps({"error": words}),
        "object": json.dumps({"error": {"message": words, "type": "api_error", "param": None, "code": None}}),
        "nested": json.dumps({"error": nested}),
        "nested in an object": json.dumps({"error": {"message": nested, "type": "api_error"}}),
    }


@pytest.mark.parametrize("wrapping", wrapped(""))
@pytest.mark.parametrize(("status", "words", "kind"), SIGNALS)
def test_a_signal_is_its_error_with_the_words_verbatim(status: int, words: str, kind: type[AdapterError], wrapping: str) -> None:
    error = errors.from_status(status, wrapped(words)[wrapping], "/api/chat")
    assert type(error) is kind
    assert error.words == words.strip()
    assert words.strip() in str(error)


@pytest.mark.parametrize(("_", "words", "kind"), SIGNALS)
def test_what_the_reader_can_do_is_said_wherever_something_can_be_done(_: int, words: str, kind: type[AdapterError]) -> None:
    error = errors.from_words(words, "answered with an error")
    assert error.fix or kind is AdapterError


def test_a_page_of_the_router_is_a_missing_route() -> None:
    assert isinstance(errors.from_status(404, "404 page not found", "/v1/audio/transcriptions"), RouteMissing)


@pytest.mark.parametrize("body", ["", "{", "[" * 5000, '{"error": ' * 300, "<html>" * 100_000, '{"error": null}', '{"error": 7}'])
def test_rubbish_is_an_error_of_bounded_size(body: str) -> None:
    error = errors.from_status(500, body, "/api/chat")
    assert type(error) is AdapterError
    assert len(error.words) <= errors.MAX_WORDS


def test_the_loop_guard_is_named() -> None:
    assert "loop guard" in str(errors.from_words("prediction aborted, token repeat limit reached", "answered with an error"))
