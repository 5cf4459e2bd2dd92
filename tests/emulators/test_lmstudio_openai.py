"""The emulator from outside: OpenAI's own client, unmodified, must be served by it.

LM Studio's SDK cannot serve as a second witness: it speaks to the app over WebSockets, not over the HTTP interface.
"""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from runtimeprobe.twins import files
from tests.emulators.lmstudio.bench import Bench, bench

SAMPLES = Path(__file__).resolve().parents[2] / "audio_samples"
CLIP, TRANSCRIPT = SAMPLES / "digits-1a.wav", "digits-1a.wav"
SOUND = base64.b64encode(CLIP.read_bytes()).decode()
KEY = "twin-e2b"


@pytest.fixture
def here(tmp_path: Path) -> Bench:
    made = bench(tmp_path)
    folder = made.models / "runtimeprobe" / KEY
    folder.mkdir(parents=True)
    twin = next(candidate for candidate in files.candidates() if candidate.model == "gemma-4-e2b")
    for file in (twin.text_gguf, twin.projector_gguf):
        (folder / Path(file).name).symlink_to(file)
    return made


def client(here: Bench) -> Any:
    return openai.OpenAI(base_url=f"{here.address}/v1", api_key="lm-studio", max_retries=0, timeout=60)


@pytest.fixture
def today(here: Bench) -> Iterator[Any]:
    with here.serving("healthy"), client(here) as made:
        yield made


@pytest.fixture
def future(here: Bench) -> Iterator[Any]:
    with here.serving("future"), client(here) as made:
        yield made


def spoken() -> str:
    import tomllib

    manifest = tomllib.loads((SAMPLES / "manifest.toml").read_text(encoding="utf-8"))
    return str(next(clip["transcript"] for clip in manifest["clip"] if clip["file"] == TRANSCRIPT))


def test_models(today: Any) -> None:
    assert [model.id for model in today.models.list()] == [KEY]


def test_chat_with_and_without_streaming(today: Any) -> None:
    """The model is loaded by the ask, as LM Studio does it."""
    given = {"model": KEY, "messages": [{"role": "user", "content": "Transcribe."}], "temperature": 0, "reasoning_effort": "none"}
    whole = today.chat.completions.create(**given)
    assert whole.usage.prompt_tokens > 5
    chunks = list(today.chat.completions.create(**given, stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == whole.choices[0].message.content
    assert chunks[-1].choices == []
    assert chunks[-1].usage.prompt_tokens == whole.usage.prompt_tokens
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == whole.choices[0].finish_reason == "stop"


def test_responses_with_and_without_streaming(today: Any) -> None:
    whole = today.responses.create(model=KEY, input="Transcribe.", temperature=0, reasoning={"effort": "none"})
    assert whole.status == "completed"
    with today.responses.stream(model=KEY, input="Transcribe.", temperature=0, reasoning={"effort": "none"}) as stream:
        kinds = [event.type for event in stream]
        streamed = stream.get_final_response()
    assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")
    assert streamed.output_text == whole.output_text
    assert streamed.output_text
    assert streamed.usage.input_tokens == whole.usage.input_tokens > 5


def test_sound_is_refused_today_and_a_route_that_is_none_answers_200(today: Any) -> None:
    part = {"type": "input_audio", "input_audio": {"data": SOUND, "format": "wav"}}
    with pytest.raises(openai.BadRequestError) as caught:
        today.chat.completions.create(model=KEY, messages=[{"role": "user", "content": [part]}])
    # A string as `error`, of which that client's message holds nothing.
    assert "'type' field that is either 'text' or 'image_url'" in caught.value.response.json()["error"]
    with pytest.raises(openai.BadRequestError, match="Invalid type for 'input'"):
        today.responses.create(model=KEY, input=[{"role": "user", "content": [part]}])
    with CLIP.open("rb") as file:  # the trap: that client takes the status's word for it, and raises nothing
        answer = today.audio.transcriptions.create(model=KEY, file=file)
    assert answer.to_dict() == {"error": "Unexpected endpoint or method. (POST /v1/audio/transcriptions)"}


def test_sound_is_heard_once_it_is_admitted(future: Any) -> None:
    part = {"type": "input_audio", "input_audio": {"data": SOUND, "format": "wav"}}
    content = [part, {"type": "text", "text": "Transcribe."}]
    chat = future.chat.completions.create(
        model=KEY,
        messages=[{"role": "user", "content": content}],
        temperature=0,
        reasoning_effort="none",
    )
    assert chat.choices[0].message.content == spoken()
    with CLIP.open("rb") as file:
        assert future.audio.transcriptions.create(model=KEY, file=file, prompt="Transcribe.").text == spoken()


def test_errors_are_openais(today: Any) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        today.chat.completions.create(model="nobody", messages=[{"role": "user", "content": "Hello."}])
    assert caught.value.code == "model_not_found"


@pytest.mark.parametrize(("behaviour", "error"), [("error-nested", openai.BadRequestError), ("auth-required", openai.AuthenticationError)])
def test_errors_of_a_server_that_fails(here: Bench, behaviour: str, error: type[Exception]) -> None:
    with here.serving(behaviour, "--token", "sk-lm-other:token"), client(here) as made, pytest.raises(error):
        made.chat.completions.create(model=KEY, messages=[{"role": "user", "content": "Hello."}])


def test_a_refusal_of_the_engine_in_a_stream_is_raised(here: Bench) -> None:
    part = {"type": "input_audio", "input_audio": {"data": SOUND, "format": "wav"}}
    with here.serving("no-projector"), client(here) as made, pytest.raises(openai.APIError, match="audio input is not supported"):
        list(made.chat.completions.create(model=KEY, messages=[{"role": "user", "content": [part]}], stream=True))
