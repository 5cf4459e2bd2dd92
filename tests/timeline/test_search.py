"""Bisecting: exact where a history changes once, honest where it does not."""

import itertools
import math
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from runtimeprobe.timeline import search

Histories = st.lists(st.sampled_from(["heard", "garbled", None]), min_size=1, max_size=120)


def bisected(history: Sequence[str | None]) -> tuple[dict[int, str | None], search.Assumed]:
    """What was found where, and what was assumed."""
    searcher, found = search.bisect(len(history)), {}
    outcome: search.Outcome = None
    try:
        while True:
            position = searcher.send(outcome)
            assert position not in found, "nothing is probed twice"
            outcome = found[position] = history[position]
    except StopIteration as end:
        return found, end.value


@given(st.integers(1, 400), st.data())
def test_one_change_costs_at_most_log2_plus_2(count: int, data: st.DataObject) -> None:
    change = data.draw(st.integers(0, count))
    found, _ = bisected(["garbled"] * change + ["heard"] * (count - change))
    assert len(found) <= math.ceil(math.log2(count)) + 2
    if 0 < change < count:
        assert found[change - 1] == "garbled"
        assert found[change] == "heard"


@given(st.integers(2, 200), st.data())
def test_each_further_change_costs_as_much_again_at_most(count: int, data: st.DataObject) -> None:
    changes = sorted(data.draw(st.sets(st.integers(1, count - 1), max_size=4)))
    history = [str(sum(position >= change for change in changes)) for position in range(count)]
    found, _ = bisected(history)
    assert len(found) <= 2 + len(changes) * (math.ceil(math.log2(count)) + 1)
    for change in changes:  # every stage has another name, so no stretch hides one
        assert found[change - 1] != found[change]


@given(Histories)
def test_every_stretch_between_probes_is_assumed_or_unmeasurable(history: list[str | None]) -> None:
    found, assumed = bisected(history)
    measured = sorted(position for position, outcome in found.items() if outcome is not None)
    if not measured:
        assert len(found) == len(history)
        return
    for low, high in itertools.pairwise(measured):
        if found[low] != found[high]:
            assert all(history[position] is None and position in found for position in range(low + 1, high))
        elif high - low > 1:
            said = any(start <= low and high <= end for start, end in assumed)
            assert said or all(position in found for position in range(low + 1, high))
    for start, end in assumed:
        assert history[start] == history[end] is not None
