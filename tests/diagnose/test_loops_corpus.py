"""The figures that the loop detector has to reach on the fixed corpus, and what the corpus has to hold."""

import functools
from collections import Counter

import pytest

from runtimeprobe.diagnose.loops import Detector, Kind, Loop
from runtimeprobe.diagnose.loops.evidence import classify
from tests.diagnose.corpus.build import corpus
from tests.diagnose.corpus.store import FOLDER, Entry, Half

LATE = 64  # characters; or three periods


@functools.cache
def outcomes() -> tuple[tuple[Entry, Loop | None], ...]:
    seen = []
    for entry in corpus():
        detector = Detector(thinking=entry.thinking)
        seen.append((entry, detector.feed(entry.text) or detector.finish()))
    return tuple(seen)


def test_the_corpus_is_large_enough_and_half_of_it_held_out() -> None:
    sizes = Counter((entry.looping, entry.half) for entry in corpus())
    assert sum(number for (looping, _), number in sizes.items() if looping) >= 500
    assert sum(number for (looping, _), number in sizes.items() if not looping) >= 2000
    assert min(sizes.values()) >= 350
    assert sum(entry.looping and entry.source != "made by rule" for entry in corpus()) >= 150
    assert all(entry.licence and entry.source for entry in corpus())
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 1_500_000


def test_the_corpus_is_the_same_every_time() -> None:
    first = corpus()
    corpus.cache_clear()
    assert corpus() == first


def test_a_made_loop_is_periodic_from_its_start_to_its_end() -> None:
    for entry in corpus():
        if entry.looping and entry.verbatim and entry.source == "made by rule":
            cycle = entry.text[entry.start :]
            assert cycle[entry.period :] == cycle[: -entry.period]


def test_there_is_no_false_alarm() -> None:
    alarms = [(entry.family, entry.source, loop) for entry, loop in outcomes() if loop and not entry.looping]
    assert alarms == []


@pytest.mark.parametrize("half", ["tune", "held out"])
def test_at_least_99_of_100_loops_are_found(half: Half) -> None:
    found = [loop is not None for entry, loop in outcomes() if entry.looping and entry.half == half]
    assert sum(found) >= 0.99 * len(found)


def test_an_established_cycle_is_called_within_three_periods_or_64_characters() -> None:
    late = []
    for entry, loop in outcomes():
        if entry.looping and entry.verbatim and loop and loop.period:
            needed = classify(loop.period, entry.text[loop.seen - 2 * loop.period : loop.seen]).needed.length(loop.period)
            late.append(loop.seen - loop.start - needed > max(LATE, 3 * loop.period))
    assert sum(late) <= 0.01 * len(late)


def test_made_loops_are_named_for_what_they_are() -> None:
    expected = {"enumeration": Kind.ENUMERATION, "tool calls": Kind.CALLS, "thinking": Kind.THINKING, "reserved tokens": Kind.RESERVED}
    named = Counter((entry.family, loop.kind) for entry, loop in outcomes() if loop and entry.family in expected)
    for family, kind in expected.items():
        assert named[family, kind] >= 0.95 * sum(number for (other, _), number in named.items() if other == family), named
