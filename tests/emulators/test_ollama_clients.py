"""The emulated Ollama from outside: the `ollama` and `openai` packages, as they come, work against it."""

import base64
import hashlib
from collections.abc import Iterator
from contextlib import closing

import httpx
import ollama
import openai
import pytest

from runtimeprobe.audio import clips
from runtimeprobe.twins import files
from tests.emulators.serving import started

TWIN = files.DATA / "twin-e2b"
NAME = "gemma4:e2b"
MODEL = f"{NAME}={TWIN / 'text.gguf'},{TWIN / 'mmproj.gguf'}"
CLIP = clips.pair("twin", 0).a
SOUND = CLIP.path.read_bytes()
GREEDY = {"temperature": 0, "num_predict": 48}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with started("tests.emulators.ollama", "--model", MODEL) as (where, _):
        yield where


@pytest.fixture
def client(address: str) -> Iterator[ollama.Client]:
    made = ollama.Client(host=address)
    yield made
    made.close()  # type: ignore[no-untyped-call]


@pytest.fixture
def other(address: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{address}/v1", api_key="ollama", max_retries=0) as made:
        yield made


def user(*, sound: bool = True) -> list[dict[str, object]]:
    return [{"role": "user", "content": "Transcribe.", **({"images": [SOUND]} if sound else {})}]


def spoken() -> list[dict[str, object]]:
    sound = {"data": base64.b64encode(SOUND).decode(), "format": "wav"}
    return [{"role": "user", "content": [{"type": "input_audio", "input_audio": sound}, {"type": "text", "text": "Transcribe."}]}]


def test_chat_hears(client: ollama.Client) -> None:
    reply = client.chat(NAME, user(), options=GREEDY, think=False)
    assert (reply.message.content, reply.message.thinking, reply.done_reason) == (CLIP.transcript, None, "stop")
    deaf = client.chat(NAME, user(sound=False), options=GREEDY, think=False)
    assert CLIP.expected_tokens <= (reply.prompt_eval_count or 0) - (deaf.prompt_eval_count or 0) <= CLIP.expected_tokens + 4


def test_chat_streams_thoughts_and_words(client: ollama.Client) -> None:
    pieces = list(client.chat(NAME, user(), options=GREEDY, think=True, stream=True))
    assert len(pieces) > 3
    assert "".join(piece.message.thinking or "" for piece in pieces) == "Listen.\n"
    assert "".join(piece.message.content or "" for piece in pieces) == CLIP.transcript
    assert [piece.done for piece in pieces] == [False] * (len(pieces) - 1) + [True]


def test_thinking_is_on_when_nothing_is_said(client: ollama.Client) -> None:
    assert client.chat(NAME, user(), options=GREEDY).message.thinking == "Listen.\n"


def test_generate_hears_and_streams(client: ollama.Client) -> None:
    assert client.generate(NAME, "Transcribe.", images=[SOUND], options=GREEDY, think=False).response == CLIP.transcript
    pieces = client.generate(NAME, "Transcribe.", images=[SOUND], options=GREEDY, think=False, stream=True)
    assert "".join(piece.response or "" for piece in pieces) == CLIP.transcript


def test_generate_without_a_prompt_only_loads_and_drops_the_sound(client: ollama.Client) -> None:
    reply = client.generate(NAME, images=[SOUND])
    assert (reply.response, reply.done_reason, reply.prompt_eval_count) == ("", "load", None)


def test_load_ps_and_unload(client: ollama.Client) -> None:
    assert client.chat(NAME, [], options={"num_ctx": 2048}).done_reason == "load"
    (running,) = client.ps().models
    assert (running.model, running.context_length, running.size_vram) == (NAME, 2048, 0)
    assert running.digest == client.list().models[0].digest
    assert client.chat(NAME, [], keep_alive=0).done_reason == "unload"
    assert not client.ps().models


def test_import_show_list_and_delete(client: ollama.Client) -> None:
    digests = {path.name: client.create_blob(path) for path in (TWIN / "text.gguf", TWIN / "mmproj.gguf")}
    assert digests["text.gguf"] == f"sha256:{hashlib.sha256((TWIN / 'text.gguf').read_bytes()).hexdigest()}"
    steps = [step.status for step in client.create("mine-e2b", files=digests, parameters={"num_ctx": 1024}, stream=True)]
    assert steps[-2:] == ["writing manifest", "success"]
    assert client.chat("mine-e2b", user(), options=GREEDY, think=False).message.content == CLIP.transcript
    assert client.ps().models[0].context_length == 1024
    shown = client.show("mine-e2b")
    assert set(shown.capabilities or ()) == {"completion", "vision", "audio", "tools", "thinking"}
    assert shown.details is not None
    assert (shown.details.family, shown.details.quantization_level) == ("gemma4", "F16")
    assert "mine-e2b:latest" in [model.model for model in client.list().models]
    assert client.delete("mine-e2b").status == "success"
    assert [model.model for model in client.list().models] == [NAME]
    assert client.create("mine-e2b", files=digests, stream=False).status == "success"
    client.delete("mine-e2b")


def test_a_text_model_alone_gets_llama_servers_own_refusal(client: ollama.Client) -> None:
    client.create("deaf-e2b", files={"text.gguf": client.create_blob(TWIN / "text.gguf")})
    assert "audio" not in (client.show("deaf-e2b").capabilities or ())
    with pytest.raises(ollama.ResponseError, match="does not support multimodal requests") as caught:
        client.chat("deaf-e2b", user())
    assert caught.value.status_code == 400
    client.delete("deaf-e2b")


@pytest.mark.parametrize(("name", "status", "words"), [("nobody", 404, "model 'nobody' not found"), ("", 404, "model is required")])
def test_errors_of_the_native_api(client: ollama.Client, name: str, status: int, words: str) -> None:
    with closing(httpx.Client(base_url=str(client._client.base_url))) as plain:
        reply = plain.post("/api/chat", json={"model": name, "messages": user(sound=False)})
    assert (reply.status_code, reply.json()) == (status, {"error": words})


def test_an_image_that_is_no_sound_is_refused_by_llama_server(client: ollama.Client) -> None:
    with pytest.raises(ollama.ResponseError, match="Failed to load image or audio file"):
        client.chat(NAME, [{"role": "user", "content": "Transcribe.", "images": [b"noise and nothing else"]}])


def test_openai_chat_hears(other: openai.OpenAI) -> None:
    reply = other.chat.completions.create(model=NAME, messages=spoken(), temperature=0, max_tokens=48, reasoning_effort="none")  # type: ignore[call-overload]
    assert (reply.choices[0].message.content, reply.choices[0].finish_reason) == (CLIP.transcript, "stop")
    assert reply.usage.prompt_tokens > CLIP.expected_tokens


def test_openai_chat_streams_with_usage(other: openai.OpenAI) -> None:
    options: dict[str, object] = {"temperature": 0, "max_tokens": 48, "reasoning_effort": "none", "stream_options": {"include_usage": True}}
    stream = other.chat.completions.create(model=NAME, messages=spoken(), stream=True, **options)  # type: ignore[call-overload]
    chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == CLIP.transcript
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage.completion_tokens > 0


def test_openai_transcriptions_hear(other: openai.OpenAI) -> None:
    assert other.audio.transcriptions.create(model=NAME, file=CLIP.path).text == CLIP.transcript
    assert other.audio.transcriptions.create(model=NAME, file=CLIP.path, response_format="text") == CLIP.transcript


def test_openai_lists_models(other: openai.OpenAI) -> None:
    assert [model.id for model in other.models.list()] == [NAME]


def test_openai_errors(other: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="model 'nobody' not found"):
        other.chat.completions.create(model="nobody", messages=[{"role": "user", "content": "Hello"}])
    broken = {"type": "input_audio", "input_audio": {"data": "?", "format": "wav"}}
    with pytest.raises(openai.BadRequestError, match="invalid input_audio base64 data"):
        other.chat.completions.create(model=NAME, messages=[{"role": "user", "content": [broken]}])  # type: ignore[list-item,misc]


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("error-string", "audio input is not supported"),
        ("error-object", "audio input is not supported"),
        ("error-nested", "audio input is not supported"),
        ("auth-required", "unauthorized"),
        ("transient-html-500", "nginx"),
        ("runner-crash", "an error was encountered while running the model"),
        ("loop-guard-new", "token repeat limit reached"),
    ],
)
def test_the_ollama_package_sees_the_failures_too(behaviour: str, words: str) -> None:
    with started("tests.emulators.ollama", "--behaviour", behaviour, "--model", MODEL) as (where, _):
        client = ollama.Client(host=where)
        with pytest.raises(ollama.ResponseError, match=words):
            for _ in client.chat(NAME, user(), options=GREEDY, stream=True):
                pass
        client.close()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("behaviour", ["no-done", "loop-guard-old"])
def test_the_ollama_package_does_not_notice_that_the_end_is_missing(behaviour: str) -> None:
    """Why the adapter reads the stream itself."""
    with started("tests.emulators.ollama", "--behaviour", behaviour, "--model", MODEL) as (where, _):
        client = ollama.Client(host=where)
        assert not any(piece.done for piece in client.chat(NAME, user(), options=GREEDY, stream=True))
        client.close()  # type: ignore[no-untyped-call]


def test_a_name_without_a_tag_is_latest_and_routes_that_do_not_exist_are_gins(address: str) -> None:
    with httpx.Client(base_url=address) as plain:
        assert plain.head("/").status_code == 200
        assert plain.get("/").text == "Ollama is running"
        assert plain.get("/api/version").json() == {"version": "0.33.0"}
        assert (plain.get("/api/no-such").status_code, plain.get("/api/no-such").text) == (404, "404 page not found")
        assert plain.get("/api/chat").status_code == 405
        assert plain.post("/api/blobs/sha256:" + "0" * 64, content=b"x").json()["error"].startswith("digest mismatch")
        assert plain.head("/api/blobs/sha256:" + "0" * 64).status_code == 404
        assert plain.post("/v1/audio/transcriptions", data={"model": NAME}).status_code == 400
