"""Looking into a real model: the steps between clip and answer, and which of them is wrong."""

from collections.abc import Callable, Iterator
from pathlib import Path

import mlx.core as mx
import pytest
from mlx.utils import tree_map

from runtimeprobe.contract import Ask, Candidate, Config, Model, Sampling
from runtimeprobe.timeline.parting import parting
from runtimeprobe_mlx import Mlx

ASK = Ask("generate.audio", "Transcribe.", max_tokens=16, sampling=Sampling(), thinking=False)
STEPS = ["front end", "encoder", "projector", "decoder"]


@pytest.fixture
def damaged(twin: Candidate, describe: Callable[[str, Path], Model]) -> Iterator[Mlx]:
    """A model of its own, for the test to damage."""
    adapter = Mlx()
    adapter.load("mlx-vlm", describe("mlx-vlm", Path(twin.hf_folder)), Config())
    yield adapter
    adapter.unload()


def louder(array: mx.array) -> mx.array:
    return array * 1.5 if array.ndim > 1 and mx.issubdtype(array.dtype, mx.floating) else array


def ask(clip: str) -> Ask:
    return Ask(ASK.route, ASK.prompt, clip, sampling=Sampling(), thinking=False)


def test_every_step_is_seen_and_the_same_each_time(vlm: Mlx, clip_a: str, clip_b: str) -> None:
    first, second = vlm.trace(ask(clip_a)), vlm.trace(ask(clip_a))
    assert [step.name for step in first] == STEPS
    same = parting("m", "r", "1", first, "2", second)
    assert same.step == ""
    assert [difference for _, difference in same.alike] == [0.0] * 4
    assert parting("m", "r", "1", vlm.trace(ask(clip_b)), "2", first).step == "front end"


def test_the_model_answers_as_before_when_it_was_looked_into(vlm: Mlx, clip_a: str) -> None:
    vlm.trace(ask(clip_a))
    assert vlm.ask(ask(clip_a)).text.strip() == "three nine"


@pytest.mark.parametrize(("module", "expected"), [("audio_tower", "encoder"), ("embed_audio", "projector"), ("language_model", "decoder")])
def test_a_damaged_step_is_the_one_that_is_named(vlm: Mlx, damaged: Mlx, clip_a: str, module: str, expected: str) -> None:
    assert damaged.here
    part = getattr(damaged.here.model, module)
    part.update(tree_map(louder, part.parameters()))
    found = parting("m", "r", "damaged", damaged.trace(ask(clip_a)), "healthy", vlm.trace(ask(clip_a)))
    assert found.step == expected
    assert [name for name, _ in found.alike] == STEPS[: STEPS.index(expected)]
    assert f"damaged parts from healthy at the {expected}" in found.told


def test_the_server_cannot_be_looked_into(vlm: Mlx, clip_a: str) -> None:
    assert vlm.trace(Ask("chat.input_audio", "Transcribe.", clip_a)) == ()
