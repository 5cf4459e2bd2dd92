"""Parts of a run: every load in exactly one, as even as can be, the same on every machine."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from runtimeprobe import shards
from runtimeprobe.contract import Engine, Model, Route
from runtimeprobe.plan import Selection, plan
from runtimeprobe.registry import Found, FoundEngine
from runtimeprobe.results import Verdict
from runtimeprobe.shards import Piece, cut, longest
from runtimeprobe.worker.process import Target
from tests.history.made import LINUX, MAC, cell, matrix

PIECES = st.lists(st.builds(lambda together, cost: Piece(together=together, cost=cost), st.integers(0, 4), st.floats(0, 900)), max_size=30)


@given(PIECES, st.integers(1, 12))
def test_every_piece_is_in_exactly_one_shard_and_their_order_is_kept(pieces: list[Piece], count: int) -> None:
    made = cut(pieces, count)
    assert len(made) == count
    assert sorted(itertools.chain(*made)) == list(range(len(pieces)))
    assert all(list(shard) == sorted(shard) for shard in made)
    assert made == cut(pieces, count)


FEW = st.lists(st.builds(lambda together, cost: Piece(together=together, cost=cost), st.integers(0, 2), st.floats(0, 900)), max_size=6)


@given(FEW, st.integers(1, 3))
def test_the_longest_shard_is_at_most_a_third_over_the_best_cut_there_is_and_five_percent(pieces: list[Piece], count: int) -> None:
    def slowest(cut_so: tuple[int, ...]) -> float:
        return max(sum(piece.cost for piece, at in zip(pieces, cut_so, strict=True) if at == shard) for shard in range(count))

    best = min(slowest(cut_so) for cut_so in itertools.product(range(count), repeat=len(pieces)))
    assert longest(pieces, cut(pieces, count)) <= best * 4 / 3 * shards.SPARE + 1e-6


@given(st.integers(1, 12), st.integers(1, 40))
def test_equal_loads_are_spread_to_within_one(count: int, loads: int) -> None:
    sizes = [len(shard) for shard in cut([Piece(together="all", cost=1.0)] * loads, count)]
    assert max(sizes) - min(sizes) <= 1


def test_loads_of_one_engine_stay_together_where_that_is_as_even() -> None:
    pieces = [Piece(together=engine, cost=10.0) for engine in "abababab"]
    made = cut(pieces, 2)
    assert sorted("".join(str(pieces[position].together) for position in shard) for shard in made) == ["aaaa", "bbbb"]


def test_a_large_engine_is_broken_where_it_would_unbalance() -> None:
    pieces = [Piece(together="a", cost=10.0)] * 6 + [Piece(together="b", cost=10.0)] * 2
    assert [len(shard) for shard in cut(pieces, 2)] == [4, 4]
    assert longest(pieces, cut(pieces, 2)) == 40


def test_costs_are_what_a_load_took_on_this_platform() -> None:
    run = matrix(
        0,
        cell(seconds=3.0),
        cell(route="b", seconds=1.5),
        cell(platform=MAC, seconds=50.0),
        cell(Verdict.SKIPPED, route="c", seconds=9.0),
        cell(engine="beta"),
    )
    assert shards.costs(run, LINUX) == {("alpha", "gemma-4-e2b", "twin", "F16"): 4.5}


def test_an_unknown_load_costs_what_is_usual() -> None:
    model = Model("gemma-4-e2b", "twin", "a", quantization="F16")
    known = {("a", "m", "twin", "F16"): 2.0, ("b", "m", "twin", "F16"): 4.0, ("c", "m", "twin", "F16"): 90.0}
    assert shards.cost("new", model, known) == 4.0
    assert shards.cost("new", model, {}) == 1.0


def engine(name: str) -> FoundEngine:
    models = tuple(Model(model, "twin", "a", quantization="F16") for model in ("gemma-4-e2b", "gemma-4-e4b"))
    return FoundEngine(runtime="R", target=Target("m:C"), engine=Engine(name, "1"), routes=(Route("chat"),), models=models)


@given(st.integers(1, 6), st.integers(1, 9), st.dictionaries(st.integers(0, 5), st.floats(0.1, 500)))
def test_the_parts_of_a_plan_are_the_plan_and_each_knows_them_all(engines: int, count: int, seconds: dict[int, float]) -> None:
    found = Found(engines=tuple(engine(f"engine-{number}") for number in range(engines)))
    costs = {(f"engine-{number}", "gemma-4-e2b", "twin", "F16"): cost for number, cost in seconds.items()}
    whole = plan(found, Selection(), {}, costs)
    parts = [plan(found, Selection(shard=(number, count)), {}, costs) for number in range(1, count + 1)]
    loads = [(load.found.engine.name, load.model.model) for part in parts for load in part.loads]
    assert sorted(loads) == sorted((load.found.engine.name, load.model.model) for load in whole.loads)
    assert sum((part.skipped for part in parts), ()) == whole.skipped
    if count == 1:
        assert whole.shards == ()
        return
    for number, part in enumerate(parts, 1):
        assert [shard.delivered for shard in part.shards] == [other == number for other in range(1, count + 1)]
        assert [shard.planned for shard in part.shards] == [shard.planned for shard in parts[0].shards]
        mine = {(item.engine, item.model) for item in part.shards[number - 1].planned}
        assert mine == {(load.found.engine.name, load.model.model) for load in part.loads}
