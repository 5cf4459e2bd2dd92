"""The table of failures: each of LM Studio's own texts, as a string, as an object, and inside another server's reply."""

import json
from typing import Any

import pytest

from runtimeprobe.contract import (
    AdapterError,
    EngineDied,
    LoadFailed,
    ModelMissing,
    OutOfMemory,
    Rejected,
    RouteMissing,
    RuntimeTooOld,
    Unavailable,
)
from runtimeprobe_lmstudio import errors, listing

SEEN: list[tuple[str, type[AdapterError]]] = [
    ("Unexpected endpoint or method. (POST /v1/audio/transcriptions)", RouteMissing),
    ("Invalid 'content': 'content' objects must have a 'type' field that is either 'text' or 'image_url'.", Rejected),
    ("Invalid discriminator value. Expected 'text' | 'image'", Rejected),
    ("Invalid type for 'input'.", Rejected),
    ("No models loaded. Please load a model in the developer page or use the 'lms load' command.", ModelMissing),
    ("Failed to load model: unknown model architecture: 'gemma4'", RuntimeTooOld),
    ("unknown projector type: gemma4uv", RuntimeTooOld),
    ("llama-server process exited before becoming healthy. Signal: SIGSEGV", EngineDied),
    ("Model loading was stopped due to insufficient system resources.", OutOfMemory),
    ('Engine protocol predict request returned 400: {"error":{"type":"exceed_context_size_error","n_ctx":4096}}', AdapterError),
    ("Error rendering prompt with jinja template: unknown filter", AdapterError),
    ("audio input is not supported - hint: if this is unexpected, you may need to provide the mmproj", Rejected),
    ("Failed to load model", LoadFailed),
    ("something nobody has seen", AdapterError),
]


def reported(data: dict[str, Any]) -> AdapterError:
    with pytest.raises(AdapterError) as caught:
        errors.raise_reported(data, "answered /v1 with an error")
    return caught.value


@pytest.mark.parametrize(("words", "kind"), SEEN)
def test_the_words_decide_in_whichever_shape_they_come(words: str, kind: type[AdapterError]) -> None:
    for shape in (
        {"error": words},
        {"error": {"message": words, "type": "invalid_request_error", "param": None, "code": None}},
        {"type": "error", "message": words, "code": None, "param": None},
        {"error": f"Engine protocol predict request returned 500: {json.dumps({'error': {'message': words}})}"},
    ):
        error = reported(shape)
        assert type(error) is kind
        assert error.fix or words == "something nobody has seen"
    assert reported({"error": words}).words == words  # verbatim


def test_a_code_counts_where_the_message_says_little() -> None:
    error = {"message": "Nope", "type": "invalid_request", "code": "invalid_api_key"}
    assert type(reported({"error": error})) is Unavailable
    assert "LM_API_TOKEN" in reported({"error": error}).fix
    assert type(reported({"error": {"message": "Nope", "code": "model_not_found"}})) is ModelMissing


@pytest.mark.parametrize("error", [["a", "list"], 7, {"message": {"deep": 1}}, {}, "", False])
def test_an_error_of_no_known_shape_is_still_an_error(error: Any) -> None:
    assert str(reported({"error": error}))


def test_a_reply_without_an_error_is_none() -> None:
    errors.raise_reported({"error": None, "choices": []}, "answered")
    errors.raise_reported({"type": "response.created", "response": {"error": None}}, "answered")


def test_an_endless_error_is_cut() -> None:
    error = reported({"error": "x" * 1_000_000})
    assert len(error.words) <= errors.MAX_WORDS
    assert len(str(error)) < 400


def test_the_keys_that_a_closed_schema_names() -> None:
    error = AdapterError("no", words="'input.0.content' is required, Unrecognized key(s) in object: 'seed', 'min_p'")
    assert list(errors.unrecognised(error)) == ["seed", "min_p"]
    assert not errors.unrecognised(AdapterError("no", words="no"))


@pytest.mark.parametrize(
    ("key", "architecture", "parameters", "model"),
    [
        ("google/gemma-4-e2b", "gemma4", "E2B", "gemma-4-e2b"),
        ("gemma-4-e2b-it-qat@q4_k_xl", "gemma4", "", "gemma-4-e2b"),
        ("gemma-4-E4B-it-GGUF", "gemma4", "", "gemma-4-e4b"),
        ("somebodys-tune", "gemma4", "E4B", "gemma-4-e4b"),
        ("google/gemma-4-26b-a4b", "gemma4", "26B-A4B", "gemma-4-26b-a4b"),
        ("google/gemma-3n-e2b", "gemma3n", "E2B", ""),
    ],
)
def test_gemma_4_by_key_else_by_architecture_and_size(key: str, architecture: str, parameters: str, model: str) -> None:
    assert listing.Entry(key, architecture=architecture, parameters=parameters).gemma == model


@pytest.mark.parametrize(
    ("answered", "same"),
    [
        ("google/gemma-4-e2b", True),
        ("gemma-4-e2b", True),
        ("google/gemma-4-e2b:2", True),
        ("gemma-4-e2b@q4_k_m", True),
        ("qwen2.5-7b-instruct", False),
        ("gemma-4-e2b-other", False),
    ],
)
def test_the_names_a_model_may_answer_by(answered: str, same: bool) -> None:
    assert listing.same_model(("google/gemma-4-e2b",), answered) is same
