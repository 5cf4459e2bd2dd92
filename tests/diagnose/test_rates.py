"""Bounds against published values, and the sequential test against its own promise."""

import random

import pytest

from runtimeprobe.diagnose import rates


@pytest.mark.parametrize(
    ("hits", "runs", "low", "high"),
    [  # R's binom.test
        (0, 10, 0.0, 0.3085),
        (3, 10, 0.0667, 0.6525),
        (10, 10, 0.6915, 1.0),
        (1, 100, 0.0003, 0.0545),
    ],
)
def test_intervals_are_the_exact_ones(hits: int, runs: int, low: float, high: float) -> None:
    assert rates.interval(hits, runs) == pytest.approx((low, high), abs=1e-4)


def test_none_of_forty_is_under_seven_and_a_half_percent() -> None:
    assert rates.upper_bound(0, 40) == pytest.approx(0.0722, abs=1e-4)


def test_without_runs_all_is_possible() -> None:
    assert rates.interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize("before", [0.2, 0.5, 1.0])
def test_a_lever_that_does_nothing_is_shown_to_matter_once_in_twenty_times_at_most(before: float) -> None:
    assert decided(before, min(max(before, rates.LEAST), rates.MOST), wanted=True) <= 0.07


@pytest.mark.parametrize("before", [0.2, 0.5, 1.0])
def test_a_cure_is_missed_once_in_twenty_times_at_most(before: float) -> None:
    assert decided(before, 0.0, wanted=False) <= 0.05


@pytest.mark.parametrize(("before", "most"), [(1.0, 3), (0.5, 7), (0.2, 20)])
def test_a_cure_is_shown_in_few_runs(before: float, most: int) -> None:
    assert next(runs for runs in range(1, 100) if rates.shown(0, runs, before)) <= most


def decided(before: float, rate: float, *, wanted: bool) -> float:
    """How often the test ends with `wanted`, the rate being `rate`."""
    chance = random.Random(1)
    ends = []
    for _ in range(4000):
        hits = runs = 0
        known = None
        while known is None:
            runs += 1
            hits += chance.random() < rate
            known = rates.shown(hits, runs, before)
        ends.append(known)
    return ends.count(wanted) / len(ends)
