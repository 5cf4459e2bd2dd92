"""mlx-vlm in this process, on the shipped twin."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import mlx.core as mx
import pytest

from runtimeprobe.audio.tokens import expected_soft_tokens
from runtimeprobe.contract import AdapterError, Ask, Claim, Config, LoadFailed, Model, Rejected, RouteMissing, RuntimeTooOld, Sampling
from runtimeprobe_mlx import Mlx, device

Describe = Callable[[str, Path], Model]
TEXT = Ask("generate.audio", "Transcribe.", max_tokens=16, sampling=Sampling(), thinking=False)


def test_the_clip_is_heard(vlm: Mlx, clip_a: str, clip_b: str) -> None:
    assert vlm.ask(replace(TEXT, clip=clip_a)).text.strip() == "three nine"
    assert vlm.ask(replace(TEXT, clip=clip_b)).text.strip() == "one four seven two six"


def test_the_engine_counts_the_clips_soft_tokens_and_two_markers(vlm: Mlx, clip_a: str, clip_b: str) -> None:
    control = vlm.ask(TEXT).prompt_tokens
    for clip, samples in ((clip_a, 24000), (clip_b, 40902)):
        counted = vlm.ask(replace(TEXT, clip=clip)).prompt_tokens
        assert control is not None
        assert counted is not None
        assert counted - control - expected_soft_tokens(samples) - 2 in (0, 1)


def test_the_clip_is_placed_after_the_text(vlm: Mlx, clip_a: str) -> None:
    assert "user\nTranscribe.<|audio|><turn|>" in vlm.ask(replace(TEXT, clip=clip_a)).raw["prompt"]


def test_thinking_is_off_by_default_and_can_be_turned_on(vlm: Mlx, clip_a: str) -> None:
    ask = replace(TEXT, clip=clip_a, max_tokens=1)
    off, default, on = (vlm.ask(replace(ask, thinking=value)).raw["prompt"] for value in (False, None, True))
    assert default == off
    assert "<|think|>" not in off
    assert "<|think|>" in on


def test_thoughts_are_told_apart_from_the_answer(vlm: Mlx, clip_a: str) -> None:
    reply = vlm.ask(replace(TEXT, clip=clip_a, max_tokens=48, thinking=True))
    assert reply.thinking
    assert reply.text.strip() == "three nine"
    assert "thinking_split" in reply.raw


def test_times_and_counts_are_reported(vlm: Mlx, clip_a: str) -> None:
    reply = vlm.ask(replace(TEXT, clip=clip_a))
    assert reply.first_token_seconds is not None
    assert 0 < reply.first_token_seconds <= reply.seconds
    assert reply.completion_tokens
    assert reply.finish_reason in ("stop", "length")


def test_a_budget_of_two_tokens_ends_by_length(vlm: Mlx) -> None:
    reply = vlm.ask(replace(TEXT, max_tokens=1))
    assert (reply.completion_tokens, reply.finish_reason) == (1, "length")


def test_without_sampling_the_engines_defaults_apply(vlm: Mlx) -> None:
    assert vlm.ask(replace(TEXT, sampling=None, max_tokens=2)).raw["sent"] == {"max_tokens": 2}


def test_a_seed_decides_what_is_sampled(vlm: Mlx, clip_a: str) -> None:
    hot = Sampling(temperature=5.0, top_k=0, seed=1)
    ask = replace(TEXT, clip=clip_a, sampling=hot)
    again, other = vlm.ask(ask), vlm.ask(replace(ask, sampling=replace(hot, seed=2)))
    assert vlm.ask(ask).text == again.text != other.text


def test_the_device_is_where_mlx_computes(vlm: Mlx) -> None:
    assert vlm.here
    said = vlm.here.loaded().device
    assert said == device.describe()
    assert said.startswith("CPU" if mx.default_device() == mx.Device(mx.DeviceType.cpu) else "Metal")


@pytest.mark.parametrize("data", [b"", b"junk" * 1000])
def test_a_clip_that_is_no_sound_is_refused(vlm: Mlx, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "clip.wav").write_bytes(data)
    with pytest.raises(Rejected) as caught:
        vlm.ask(replace(TEXT, clip=str(tmp_path / "clip.wav")))
    assert "could not open/decode file" in caught.value.words


def test_a_clip_that_is_not_there_is_an_error_and_no_refusal(vlm: Mlx, tmp_path: Path) -> None:
    with pytest.raises(AdapterError) as caught:
        vlm.ask(replace(TEXT, clip=str(tmp_path / "nowhere.wav")))
    assert type(caught.value) is AdapterError


def test_a_route_the_engine_lacks_is_a_missing_route(vlm: Mlx) -> None:
    with pytest.raises(RouteMissing, match=r"chat\.image_url"):
        vlm.ask(replace(TEXT, route="chat.image_url"))


def test_an_unknown_architecture_means_the_release_is_too_old(twin_copy: Path, describe: Describe) -> None:
    config = twin_copy / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"model_type": "gemma9"}))
    with pytest.raises(RuntimeTooOld) as caught:
        Mlx().load("mlx-vlm", describe("mlx-vlm", twin_copy), Config())
    assert "gemma9 not supported" in caught.value.words


def test_weights_that_are_cut_off_cannot_be_loaded(twin_copy: Path, describe: Describe) -> None:
    weights = twin_copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-50_000])
    with pytest.raises(LoadFailed) as caught:
        Mlx().load("mlx-vlm", describe("mlx-vlm", twin_copy), Config())
    assert "load_safetensors" in caught.value.words


def test_a_folder_without_an_audio_tower_claims_no_sound_and_takes_the_clip_all_the_same(
    twin_copy: Path, describe: Describe, clip_a: str
) -> None:
    config = twin_copy / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"audio_config": None}))
    adapter, model = Mlx(), describe("mlx-vlm", twin_copy)
    assert model.claim is Claim.NO
    assert adapter.load("mlx-vlm", model, Config()).claim is Claim.NO
    control, clip = adapter.ask(TEXT).prompt_tokens, adapter.ask(replace(TEXT, clip=clip_a)).prompt_tokens
    assert control is not None
    assert clip is not None
    assert clip > control + 30  # soft tokens without a tower: counted, and never filled
    adapter.unload()


def test_quantizing_the_cache_works_with_the_scheme_that_the_lever_names(twin_copy: Path, describe: Describe, clip_a: str) -> None:
    adapter, model = Mlx(), describe("mlx-vlm", twin_copy)
    adapter.load("mlx-vlm", model, Config(levers={"kv_bits": "8", "kv_quant_scheme": "turboquant"}))
    assert adapter.ask(replace(TEXT, clip=clip_a)).raw["sent"]["kv_bits"] == 8
    adapter.unload()
    adapter.unload()
