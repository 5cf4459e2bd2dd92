"""What holds of the detector whatever the text: how it is cut does not matter, long cycles are found, the cost is linear."""

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimeprobe.diagnose.loops import Detector, Loop
from runtimeprobe.diagnose.loops.evidence import BLANK_LINES, CODE, NUMBERS
from runtimeprobe.diagnose.loops.period import STEP, Tracker

TEXT = st.text(alphabet="abc<>|{}10. \n-é😊", max_size=40)


def whole(text: str) -> Loop | None:
    detector = Detector()
    return detector.feed(text) or detector.finish()


@given(TEXT, TEXT.filter(bool), st.integers(1, 80), TEXT, st.integers(0, 2**32))
def test_how_a_stream_is_cut_changes_nothing(before: str, unit: str, times: int, after: str, seed: int) -> None:
    rng = random.Random(seed)
    text = before + unit * times + after
    detector = Detector()
    at = 0
    while at < len(text):
        size = rng.randint(0, 97)
        detector.feed(text[at : at + size])
        at += size
    assert detector.finish() == whole(text)


@given(st.text(max_size=300), st.text(min_size=1, max_size=300))
def test_a_cycle_that_goes_on_is_found_whatever_is_repeated(before: str, unit: str) -> None:
    longest = max(needed.length(len(unit)) for needed in (NUMBERS, CODE, BLANK_LINES)) + 20 * STEP
    text = before + unit * (longest // len(unit) + 2)
    loop = whole(text)
    assert loop is not None
    assert loop.start <= loop.seen <= len(text)
    if loop.period and loop.kind not in {"enumeration", "repeated tool call"}:
        assert text[loop.start : loop.seen - loop.period] == text[loop.start + loop.period : loop.seen]


@given(st.integers(1, 2000), st.integers(0, 2**32))
def test_a_random_unit_of_any_length_is_found_with_its_own_period(length: int, seed: int) -> None:
    rng = random.Random(seed)
    unit = "".join(rng.choice("abcdefghijklmnop ") for _ in range(length - 1)) + "\n"
    text = unit * (CODE.length(length) // length + 2) + unit * (20 * STEP // length + 1)
    loop = whole(text)
    assert loop is not None
    assert length % loop.period == 0
    assert loop.start < loop.period


@given(st.text(alphabet="ab", max_size=400))
def test_the_tracked_period_is_one(text: str) -> None:
    tracker = Tracker()
    for at in range(0, len(text), STEP):
        tracker.add(text[at : at + STEP])
        seen = text[: at + STEP]
        run = seen[len(seen) - tracker.run :] if tracker.run else ""
        assert len(run) == tracker.run
        assert not run or run[tracker.period :] == run[: -tracker.period]


def streams() -> dict[str, str]:
    rng = random.Random(4)
    size = 400_000
    return {
        "random letters": "".join(rng.choice("ACGT") for _ in range(size)),
        "runs that break off": "".join("a" * rng.randint(40, 90) + "b" for _ in range(size // 66)),
        "drawings": "".join(f'<circle cx="{rng.randint(0, 999)}" cy="{rng.randint(0, 999)}"/>\n' for _ in range(size // 30)),
        "numbers": "".join(f"{rng.random():.4f},{rng.random():.4f}\n" for _ in range(size // 14)),
    }


@pytest.mark.parametrize("name", list(streams()))
def test_the_cost_of_a_character_does_not_grow(name: str) -> None:
    """Eight times the text takes about eight times as long, hard text too: twice that at most, so that a busy machine does not fail it."""
    text = streams()[name]

    def seconds(part: str) -> float:
        taken = []
        for _ in range(3):
            detector, began = Detector(), time.process_time()
            assert detector.feed(part) is None
            taken.append(time.process_time() - began)
        return min(taken)

    assert seconds(text) < 16 * seconds(text[: len(text) // 8])
