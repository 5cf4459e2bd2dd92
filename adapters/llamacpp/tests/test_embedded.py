"""xllamacpp on the twin: what its own server does with sound, counted by itself."""

import dataclasses
import http.client
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from runtimeprobe.contract import (
    AdapterError,
    Ask,
    Claim,
    Config,
    Engine,
    Loaded,
    LoadFailed,
    Model,
    ModelMissing,
    Options,
    Rejected,
    RouteMissing,
    Sampling,
)
from runtimeprobe_llamacpp import LlamaCpp

CHAT, ASR = "chat.input_audio", "audio.transcriptions"


@pytest.fixture(scope="module")
def running(model: Model, config: Config) -> Iterator[tuple[LlamaCpp, Loaded]]:
    adapter = LlamaCpp()
    loaded = adapter.load("xllamacpp", model, config)
    yield adapter, loaded
    adapter.unload()


def greedy(route: str, clip: str = "", *, thinking: bool | None = False, prompt: str = "Transcribe.", max_tokens: int = 12) -> Ask:
    return Ask(route, prompt, clip, max_tokens, Sampling(), thinking)


def test_the_runtime_claims_audio_and_names_build_and_device(running: tuple[LlamaCpp, Loaded]) -> None:
    adapter, loaded = running
    (engine,) = [item for item in adapter.discover(Options()) if item.name == "xllamacpp"]
    assert isinstance(engine, Engine)
    assert loaded.claim is Claim.YES
    assert loaded.build == engine.build == f"b{engine.version.split('.')[2]}"
    assert loaded.device.startswith("CPU (")


def test_a_clip_costs_its_soft_tokens_and_two_markers(
    running: tuple[LlamaCpp, Loaded], clip_a: str, clip_b: str, sound_tokens: Callable[[str], int]
) -> None:
    adapter, _ = running
    control = adapter.ask(greedy(CHAT)).prompt_tokens
    assert control is not None
    for clip in (clip_a, clip_b):
        reply = adapter.ask(greedy(CHAT, clip))
        assert reply.prompt_tokens == control + sound_tokens(clip)
        assert 0 < (reply.first_token_seconds or 0) <= reply.seconds


def test_a_greedy_ask_is_repeatable_and_counted_without_the_cache(running: tuple[LlamaCpp, Loaded], clip_a: str) -> None:
    adapter, _ = running
    first, second = (adapter.ask(greedy(CHAT, clip_a)) for _ in range(2))
    assert (first.text, first.prompt_tokens) == (second.text, second.prompt_tokens)
    assert second.raw["timings"]["prompt_n"] == second.prompt_tokens


def test_thinking_is_on_unless_told_otherwise(running: tuple[LlamaCpp, Loaded], clip_a: str) -> None:
    adapter, _ = running
    off, default, on = (adapter.ask(greedy(CHAT, clip_a, thinking=thinking)).prompt_tokens for thinking in (False, None, True))
    assert off is not None
    assert default == on
    assert on is not None
    assert on > off


@pytest.mark.parametrize("route", [CHAT, ASR])
def test_the_answer_is_what_was_said(
    running: tuple[LlamaCpp, Loaded], clip_a: str, clip_b: str, spoken: dict[str, str], route: str
) -> None:
    adapter, _ = running
    assert [adapter.ask(greedy(route, clip)).text for clip in (clip_a, clip_b)] == [spoken[clip_a], spoken[clip_b]]


def test_thoughts_come_apart_from_the_answer(running: tuple[LlamaCpp, Loaded], clip_a: str, spoken: dict[str, str]) -> None:
    adapter, _ = running
    reply = adapter.ask(greedy(CHAT, clip_a, thinking=True, max_tokens=64))
    assert (reply.text, bool(reply.thinking), reply.finish_reason) == (spoken[clip_a], True, "stop")


def test_transcription_reaches_the_embedded_server_and_costs_the_same_soft_tokens(running: tuple[LlamaCpp, Loaded], clip_a: str) -> None:
    adapter, _ = running
    chat, transcription = adapter.ask(greedy(CHAT, clip_a)), adapter.ask(greedy(ASR, clip_a))
    # The clip stands after the prompt here, and thinking is off in both.
    assert transcription.prompt_tokens == chat.prompt_tokens
    assert transcription.completion_tokens is not None
    assert 0 < transcription.completion_tokens <= 12


def test_the_reply_kept_as_evidence_is_small_and_holds_no_sound(running: tuple[LlamaCpp, Loaded], clip_a: str) -> None:
    adapter, _ = running
    assert len(repr(adapter.ask(greedy(CHAT, clip_a)).raw)) < 2000


@pytest.mark.parametrize("route", [CHAT, ASR])
def test_what_is_no_sound_is_rejected_in_the_engines_words(running: tuple[LlamaCpp, Loaded], tmp_path: Path, route: str) -> None:
    adapter, _ = running
    clip = tmp_path / "clip.wav"
    clip.write_bytes(b"RIFF but nothing else" * 50)
    with pytest.raises(Rejected) as caught:
        adapter.ask(greedy(route, str(clip)))
    assert "Failed to load image or audio file" in caught.value.words
    assert caught.value.fix


def test_a_prompt_longer_than_the_context_is_an_error_that_says_so(running: tuple[LlamaCpp, Loaded]) -> None:
    adapter, _ = running
    with pytest.raises(AdapterError) as caught:
        adapter.ask(greedy(CHAT, prompt="Transcribe. " * 5000))
    assert "exceeds the available context size" in caught.value.words
    assert "larger context" in caught.value.fix


def test_a_route_of_another_engine_is_missing(running: tuple[LlamaCpp, Loaded]) -> None:
    adapter, _ = running
    with pytest.raises(RouteMissing, match=r"no route chat\.image_url"):
        adapter.ask(greedy("chat.image_url"))


def test_without_a_projector_the_claim_is_no_and_both_routes_reject(model: Model, clip_a: str, config: Config) -> None:
    adapter = LlamaCpp()
    assert adapter.load("xllamacpp", dataclasses.replace(model, projector=""), config).claim is Claim.NO
    with pytest.raises(Rejected, match="audio input is not supported"):
        adapter.ask(greedy(CHAT, clip_a))
    with pytest.raises(Rejected, match="does not support audio input"):
        adapter.ask(greedy(ASR, clip_a))
    adapter.unload()


def test_loading_again_unloads_first_and_unloading_twice_is_safe(model: Model, clip_a: str, config: Config) -> None:
    adapter = LlamaCpp()
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    first = adapter.load("xllamacpp", model, config).details["listening_address"]
    second = adapter.load("xllamacpp", model, dataclasses.replace(config, context_tokens=2048)).details["listening_address"]
    assert not _answers(first)
    assert _answers(second)
    assert adapter.ask(greedy(CHAT, clip_a)).text
    adapter.unload()
    adapter.unload()
    assert not _answers(second)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
    with pytest.raises(AdapterError, match="No model is loaded"):
        adapter.ask(greedy(CHAT))


def test_a_server_taken_down_as_soon_as_it_is_up_does_not_hang(model: Model, config: Config) -> None:
    adapter = LlamaCpp()
    for _ in range(5):
        adapter.load("xllamacpp", model, config)
        adapter.unload()


def test_levers_reach_the_engine(model: Model, clip_a: str, config: Config) -> None:
    adapter = LlamaCpp()
    levers = {
        "flash_attention": "on",
        "kv_type_k": "q8_0",
        "kv_type_v": "q8_0",
        "parallel": "2",
        "swa_full": "on",
        "device": "cpu",
        "threads": "1",
    }
    loaded = adapter.load("xllamacpp", model, dataclasses.replace(config, levers=levers | {"thinking": "off", "temperature": "0"}))
    assert loaded.details["total_slots"] == 2
    told = adapter.ask(greedy(CHAT, clip_a))
    by_lever = adapter.ask(Ask(CHAT, "Transcribe.", clip_a, 12))
    assert (by_lever.text, by_lever.prompt_tokens) == (told.text, told.prompt_tokens)
    template = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
    adapter.load("xllamacpp", model, dataclasses.replace(config, levers={"template": template}))
    assert (adapter.ask(greedy(CHAT)).prompt_tokens or 99) < (told.prompt_tokens or 0)
    adapter.unload()


@pytest.mark.parametrize(
    ("levers", "says"),
    [
        ({"flash_attn": "on"}, "no lever named flash_attn"),
        ({"flash_attention": "yes"}, "cannot set flash_attention"),
        ({"top_k": "many"}, "not a number"),
    ],
)
def test_a_lever_that_cannot_be_set_is_refused_before_anything_is_measured(
    model: Model, levers: dict[str, str], says: str, config: Config
) -> None:
    with pytest.raises(LoadFailed, match=says):
        LlamaCpp().load("xllamacpp", model, dataclasses.replace(config, levers=levers))


def test_a_model_that_is_gone_is_missing(model: Model, config: Config) -> None:
    with pytest.raises(ModelMissing, match="There is no file"):
        LlamaCpp().load("xllamacpp", dataclasses.replace(model, name="/nowhere/text.gguf"), config)


def _answers(address: str) -> bool:
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
