"""llama-cpp-python on the twin: one route hears, the other drops the clip without a word. Both are reported as they are."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runtimeprobe.contract import AdapterError, Ask, Claim, Config, Loaded, LoadFailed, Model, Rejected, Sampling
from runtimeprobe_llamacpp import LlamaCpp

ENGINE, CHAT, IMAGE = "llama-cpp-python", "chat.input_audio", "chat.image_url"


@pytest.fixture(scope="module")
def running(model: Model, config: Config) -> Iterator[tuple[LlamaCpp, Loaded]]:
    adapter = LlamaCpp()
    loaded = adapter.load(ENGINE, model, config)
    yield adapter, loaded
    adapter.unload()


def greedy(route: str, clip: str = "", *, thinking: bool | None = False, prompt: str = "Transcribe.", max_tokens: int = 12) -> Ask:
    return Ask(route, prompt, clip, max_tokens, Sampling(), thinking)


def test_the_projector_claims_audio(running: tuple[LlamaCpp, Loaded]) -> None:
    _, loaded = running
    assert loaded.claim is Claim.YES
    assert loaded.device == "CPU"
    assert loaded.details["context_tokens"] == Config().context_tokens


def test_a_clip_in_an_image_part_costs_its_soft_tokens_and_two_markers(
    running: tuple[LlamaCpp, Loaded], clip_a: str, clip_b: str, sound_tokens: Callable[[str], int]
) -> None:
    adapter, _ = running
    control = adapter.ask(greedy(IMAGE)).prompt_tokens
    assert control is not None
    for clip in (clip_a, clip_b):
        reply = adapter.ask(greedy(IMAGE, clip))
        assert reply.prompt_tokens == control + sound_tokens(clip)
        assert 0 < (reply.first_token_seconds or 0) <= reply.seconds


def test_the_answer_is_what_was_said(running: tuple[LlamaCpp, Loaded], clip_a: str, clip_b: str, spoken: dict[str, str]) -> None:
    adapter, _ = running
    assert [adapter.ask(greedy(IMAGE, clip)).text for clip in (clip_a, clip_b)] == [spoken[clip_a], spoken[clip_b]]


def test_a_clip_as_input_audio_changes_nothing_and_raises_nothing(running: tuple[LlamaCpp, Loaded], clip_a: str) -> None:
    adapter, _ = running
    control, dropped = adapter.ask(greedy(CHAT)), adapter.ask(greedy(CHAT, clip_a))
    assert (dropped.text, dropped.prompt_tokens) == (control.text, control.prompt_tokens)


def test_thinking_reaches_the_template_though_the_call_has_no_switch_for_it(running: tuple[LlamaCpp, Loaded], clip_a: str) -> None:
    adapter, _ = running
    off, default, on = (adapter.ask(greedy(IMAGE, clip_a, thinking=thinking)).prompt_tokens for thinking in (False, None, True))
    assert off is not None
    assert default == off
    assert on is not None
    assert on > off


def test_counts_read_from_a_stream_are_those_that_the_engine_reports_in_one_piece(
    model: Model, running: tuple[LlamaCpp, Loaded], config: Config
) -> None:
    """The projector changes nothing about a text prompt; without one the engine's own usage is what is returned."""
    adapter, _ = running
    streamed = adapter.ask(greedy(CHAT, prompt="Say a word."))
    alone = LlamaCpp()
    assert alone.load(ENGINE, dataclasses.replace(model, projector=""), config).claim is Claim.UNDECLARED
    whole = alone.ask(greedy(CHAT, prompt="Say a word.", thinking=None))
    alone.unload()
    assert whole.raw["usage"]["prompt_tokens"] == whole.prompt_tokens == streamed.prompt_tokens


def test_what_is_no_sound_is_rejected_in_the_engines_words(running: tuple[LlamaCpp, Loaded], tmp_path: Path) -> None:
    adapter, _ = running
    clip = tmp_path / "clip.wav"
    clip.write_bytes(b"RIFF but nothing else" * 50)
    with pytest.raises(Rejected, match="Failed to create bitmap"):
        adapter.ask(greedy(IMAGE, str(clip)))


def test_a_prompt_longer_than_the_context_is_an_error_that_says_so(running: tuple[LlamaCpp, Loaded]) -> None:
    adapter, _ = running
    with pytest.raises(AdapterError, match="Prompt exceeds n_ctx") as caught:
        adapter.ask(greedy(CHAT, prompt="Transcribe. " * 5000))
    assert "larger context" in caught.value.fix


def test_a_projector_without_a_vision_tower_is_rejected(model: Model, tmp_path: Path, config: Config) -> None:
    """The engine's own limit: its handler asks the projector for vision, whatever the model is to be fed with."""
    data = Path(model.projector).read_bytes()
    key = b"clip.has_vision_encoder\x07\x00\x00\x00"
    assert data.count(key + b"\x01") == 1
    deaf = tmp_path / "mmproj.gguf"
    deaf.write_bytes(data.replace(key + b"\x01", key + b"\x00"))
    with pytest.raises(Rejected, match="Vision is not supported by this model"):
        LlamaCpp().load(ENGINE, dataclasses.replace(model, projector=str(deaf)), config)


def test_levers_reach_the_engine(model: Model, clip_a: str, config: Config) -> None:
    adapter = LlamaCpp()
    levers = {
        "flash_attention": "on",
        "kv_type_k": "q8_0",
        "kv_type_v": "q8_0",
        "swa_full": "on",
        "device": "cpu",
        "threads": "1",
        "context": "1024",
    }
    loaded = adapter.load(ENGINE, model, dataclasses.replace(config, levers=levers))
    assert loaded.details["context_tokens"] == 1024
    told = adapter.ask(greedy(IMAGE, clip_a))
    adapter.load(ENGINE, model, dataclasses.replace(config, levers={"bos": "off", "template": "{{ messages[0]['content'][-1]['text'] }}"}))
    assert (adapter.ask(greedy(IMAGE)).prompt_tokens or 99) < (told.prompt_tokens or 0)
    adapter.unload()


def test_a_second_load_replaces_the_first_even_after_a_failure(model: Model, clip_a: str, config: Config) -> None:
    adapter = LlamaCpp()
    adapter.load(ENGINE, model, config)
    with pytest.raises(LoadFailed):
        adapter.load(ENGINE, dataclasses.replace(model, projector=model.name), config)
    adapter.load(ENGINE, model, config)
    assert adapter.ask(greedy(IMAGE, clip_a)).text
    adapter.unload()
