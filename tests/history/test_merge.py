"""Shards become one matrix: in any order, with nothing lost and nothing made up."""

import itertools
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimeprobe import shards
from runtimeprobe.contract import Engine, Model, Route
from runtimeprobe.history.merge import Conflict, Part, delivered, merge, short
from runtimeprobe.plan import Plan, Selection, plan
from runtimeprobe.registry import Found, FoundEngine
from runtimeprobe.results import Cell, FormatResult, Host, Matrix, Verdict
from runtimeprobe.worker.process import Target
from tests.history.made import HOST, LINUX, MAC, cell, matrix, night

OTHER_HOST = msgspec.structs.replace(HOST, cpu="Another (4 cores)")


def found(engines: int) -> Found:
    return Found(
        engines=tuple(
            FoundEngine(
                runtime="R",
                target=Target("m:C"),
                engine=Engine(f"engine-{number}", "1.0"),
                routes=(Route("chat"), Route("speech")),
                models=(Model("gemma-4-e2b", "twin", "a", quantization="F16", digest="sha256:a"),),
            )
            for number in range(engines)
        )
    )


def planned(number: int, of: int, engines: int = 3) -> Plan:
    return plan(found(engines), Selection(shard=(number, of)), {})


def run(number: int, of: int, *, engines: int = 3, host: Host = HOST, platform: str = LINUX) -> Matrix:
    """What a run of this shard delivers: its cells, and the plan of all."""
    todo = planned(number, of, engines)
    mine = todo.shards[number - 1]
    cells = [
        cell(engine=item.engine, route=item.route, model=item.model, quantization=item.quantization, digest=item.digest, platform=platform)
        for item in mine.planned
        if item.digest
    ]
    skipped = [msgspec.structs.replace(item, platform=platform) for item in todo.skipped]
    parts = tuple(msgspec.structs.replace(shard, platform=platform) for shard in todo.shards)
    return matrix(number, *cells, *skipped, host=host, shards=parts)


def merged(*matrices: Matrix) -> Matrix:
    return merge([Part(name=f"{number}.json", matrix=item) for number, item in enumerate(matrices)])


def test_all_parts_make_the_whole_with_every_host_and_the_time_of_the_first() -> None:
    whole = merged(run(2, 2), run(1, 2, host=OTHER_HOST))
    assert sorted((item.engine, item.route) for item in whole.cells if item.verdict is Verdict.HEARD) == [
        (f"engine-{number}", route) for number in range(3) for route in ("chat", "speech")
    ]
    assert {item.verdict for item in whole.cells if item.model == "gemma-4-e4b"} == {Verdict.SKIPPED}  # no engine has that model
    assert set(whole.hosts) == {HOST, OTHER_HOST}
    assert whole.created == night(1)
    assert all(shard.delivered for shard in whole.shards)


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_a_missing_part_is_skipped_cell_by_cell_with_the_reason(lost: int) -> None:
    parts = {number: run(number, 3) for number in (1, 2, 3)}
    whole = merged(*parts.values())
    less = merged(*(item for number, item in parts.items() if number != lost))
    assert {shards.planned(item).engine for item in less.cells} == {item.engine for item in whole.cells}
    assert [(item.engine, item.route, item.model) for item in less.cells] == [(item.engine, item.route, item.model) for item in whole.cells]
    missing = [item for item in less.cells if item.reason == f"the results of part {lost} of 3 on {LINUX} are missing"]
    assert len(missing) == len(parts[lost].cells)
    assert all(item.verdict is Verdict.SKIPPED and item.fix and not item.answers.a for item in missing)
    assert [shard.delivered for shard in less.shards] == [number != lost for number in (1, 2, 3)]


def test_a_part_that_arrives_late_takes_its_place() -> None:
    parts = [run(number, 3) for number in (1, 2, 3)]
    assert merged(merged(parts[0], parts[2]), parts[1]) == merged(*parts)


def test_a_part_that_came_without_a_planned_cell_is_told_so() -> None:
    whole = merged(run(1, 2), run(2, 2))
    part = run(1, 2)
    less = msgspec.structs.replace(part, cells=part.cells[1:])
    (gap,) = [item for item in merged(less, run(2, 2)).cells if "came without this cell" in item.reason]
    assert (gap.engine, gap.route, gap.verdict) == (part.cells[0].engine, part.cells[0].route, Verdict.SKIPPED)
    assert len(merged(less, run(2, 2)).cells) == len(whole.cells)


def test_an_engine_that_tells_its_version_only_when_it_runs_is_not_missed() -> None:
    part = run(1, 2)
    cells = tuple(msgspec.structs.replace(item, engine_version="1.0+cpu") for item in part.cells)
    whole = merged(msgspec.structs.replace(part, cells=cells), run(2, 2))
    assert not [item for item in whole.cells if "part" in item.reason]


def test_different_results_for_one_cell_are_an_error_that_names_both_files() -> None:
    with pytest.raises(Conflict, match=r"0\.json and 1\.json hold different results for alpha 1\.0, chat, .*: heard and garbled"):
        merged(matrix(0, cell()), matrix(0, cell(Verdict.GARBLED)))
    with pytest.raises(Conflict):
        merged(matrix(0, cell(), cell(route="b")), matrix(0, cell(seconds=1.0)))


def test_the_same_cell_twice_another_version_and_another_platform_are_no_conflict() -> None:
    newer, elsewhere = cell(Verdict.GARBLED, engine_version="1.1"), cell(Verdict.GARBLED, platform=MAC)
    assert set(merged(matrix(0, cell()), matrix(0, cell(), newer), matrix(0, elsewhere)).cells) == {cell(), newer, elsewhere}


def test_two_hearing_tests_cannot_stand_in_one_table() -> None:
    with pytest.raises(Conflict, match=r"different hearing tests"):
        merged(matrix(0, cell()), matrix(0, cell(route="b"), hearing_test="hearing-test/2"))


def test_what_was_measured_counts_whatever_another_part_could_not_do() -> None:
    heard = cell()
    for other in (cell(Verdict.SKIPPED), cell(Verdict.ERROR), cell(Verdict.SKIPPED, engine_version="")):
        assert merged(matrix(0, other), matrix(0, heard)).cells == (heard,)
    assert merged(matrix(0, cell(Verdict.SKIPPED)), matrix(0, cell(Verdict.ERROR))).cells == (cell(Verdict.ERROR),)


def test_platforms_that_delivered_nothing_are_named_from_an_earlier_run_without_its_results() -> None:
    before = merged(run(1, 2), run(2, 2), matrix(0, cell(Verdict.GARBLED, platform=MAC, engine_version="0.9")))
    now = merged(run(1, 2), run(2, 2))
    told = short(now, 1, before)
    (absent,) = [item for item in told.cells if item.platform == MAC]
    assert (absent.verdict, absent.engine, absent.engine_version, absent.attempts) == (Verdict.SKIPPED, "alpha", "", ())
    assert absent.reason == f"no part of this run on {MAC} delivered results"
    assert told.problems == ("1 parts of this run are missing",)
    assert set(told.cells) - {absent} == set(now.cells)
    assert short(now, 1, None).cells == now.cells


def test_parts_are_counted_once_each() -> None:
    assert [delivered(item) for item in (run(1, 3), merged(run(1, 3), run(3, 3)), matrix(0, cell()))] == [1, 2, 1]


FORMAT = FormatResult(engine="e", route="r", model="m", clip="c", container="WAV", seconds=1.0, verdict=Verdict.HEARD, reason="")
PARTS: tuple[Matrix, ...] = (
    *(run(number, 3) for number in (1, 2, 3)),
    *(run(number, 2, platform=MAC, host=OTHER_HOST) for number in (1, 2)),
    run(1, 3, engines=4),  # another machine saw another engine, so its plan is another
    matrix(9, cell(), cell(Verdict.SKIPPED, route="b"), problems=("p",), formats=(FORMAT,), partial=True),
    matrix(5, cell(Verdict.SKIPPED), cell(Verdict.ERROR, route="b"), complete=False),
    matrix(5, cell(Verdict.SKIPPED, reason="another")),
)
SOME = st.lists(st.sampled_from(PARTS), min_size=1, max_size=6)


@given(SOME, st.randoms(use_true_random=False))
def test_the_order_of_the_parts_makes_no_difference(parts: list[Matrix], random: object) -> None:
    shuffled = list(parts)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert merged(*shuffled) == merged(*parts)


@given(SOME, SOME, SOME)
def test_merging_in_steps_is_merging_at_once(a: Sequence[Matrix], b: Sequence[Matrix], c: Sequence[Matrix]) -> None:
    at_once = merged(*a, *b, *c)
    assert merged(merged(merged(*a), *b), *c) == at_once
    assert merged(*a, merged(*b, merged(*c))) == at_once
    assert merged(at_once, *b) == at_once


@given(SOME)
def test_every_measured_cell_and_no_other_is_in_the_result(parts: list[Matrix]) -> None:
    def measured(cells: Sequence[Cell]) -> set[Cell]:
        return {item for item in cells if item.verdict is Verdict.HEARD}

    result = merged(*parts)
    assert measured(result.cells) == set(itertools.chain(*(measured(part.cells) for part in parts)))
    assert len(set(result.cells)) == len(result.cells)
