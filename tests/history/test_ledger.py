"""Runs become tracks, one at a time, and it makes no difference whether they are read again."""

import gzip

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimeprobe.history.ledger import Ledger, Seen
from runtimeprobe.history.model import RunEntry, Track
from runtimeprobe.results import Cell, Matrix, Verdict
from tests.history.made import MAC, cell, matrix, night


def entry(number: int) -> RunEntry:
    return RunEntry(
        id=f"run-{number}", created=night(number), file="", hearing_test="", platforms=(), cells=0, complete=True, digest=str(number)
    )


def seen(run: Matrix) -> Seen:
    return msgspec.json.decode(msgspec.json.encode(run), type=Seen)


def ledger(*runs: Matrix) -> Ledger:
    made = Ledger()
    for number, run in enumerate(runs):
        made.add(entry(number), seen(run))
    return made


def nights(*each: tuple[Cell, ...]) -> tuple[Track, ...]:
    return ledger(*(matrix(number, *cells) for number, cells in enumerate(each))).tracks()


def test_runs_that_saw_the_same_are_one_spell() -> None:
    (track,) = nights((cell(),), (cell(),), (cell(heard=2),), (cell(Verdict.IGNORED),))
    assert [(spell.verdict, spell.first, spell.last, spell.runs, spell.passes, spell.attempts) for spell in track.spells] == [
        (Verdict.HEARD, night(0), night(2), 3, 9, 9),
        (Verdict.IGNORED, night(3), night(3), 1, 0, 3),
    ]
    assert (track.spells[0].first_run, track.spells[0].last_run, track.spells[1].reason) == ("run-0", "run-2", "it is ignored")


@pytest.mark.parametrize("change", [{"engine_version": "1.1"}, {"build": "b2"}, {"digest": "sha256:b"}, {"projector_digest": "sha256:p"}])
def test_another_version_build_or_model_file_begins_a_spell(change: dict[str, str]) -> None:
    (track,) = nights((cell(),), (cell(**change),))
    assert [spell.verdict for spell in track.spells] == [Verdict.HEARD, Verdict.HEARD]


def test_another_hearing_test_begins_a_spell() -> None:
    (track,) = ledger(matrix(0, cell()), matrix(1, cell(), hearing_test="hearing-test/2")).tracks()
    assert [spell.hearing_test for spell in track.spells] == ["hearing-test/1", "hearing-test/2"]


@pytest.mark.parametrize("part", ["platform", "runtime", "engine", "route", "model", "weights", "quantization"])
def test_each_part_of_the_key_makes_a_track_of_its_own(part: str) -> None:
    tracks = nights((cell(), cell(**{part: "another"})))
    assert len({track.key.slug for track in tracks}) == 2


def test_slugs_of_different_keys_differ_even_where_parts_hold_slashes() -> None:
    one, two = nights((cell(route="a/b", model="c"), cell(route="a", model="b/c")))
    assert one.key.slug != two.key.slug
    assert one.key.slug.count("/") == two.key.slug.count("/") == 6


def test_of_two_cells_with_one_key_the_worse_measured_one_counts() -> None:
    (track,) = nights((cell(), cell(Verdict.GARBLED), cell(Verdict.SKIPPED)))
    assert [spell.verdict for spell in track.spells] == [Verdict.GARBLED]


def test_a_route_that_its_engine_has_no_more_is_gone_once() -> None:
    speech = cell(route="speech")
    tracks = nights((cell(), speech), (cell(),), (cell(),))
    assert {track.key.route: track.gone for track in tracks} == {"chat": (), "speech": (night(1),)}
    tracks = nights((cell(), speech), (cell(),), (cell(), speech), (cell(),))
    assert {track.key.route: track.gone for track in tracks} == {"chat": (), "speech": (night(1), night(3))}
    assert [spell.runs for spell in tracks[1].spells] == [1, 1]


@pytest.mark.parametrize(
    "second",
    [
        matrix(1, cell(Verdict.SKIPPED)),  # the engine measured nothing
        matrix(1, cell(engine="beta")),  # the engine was not asked
        matrix(1, cell(model="gemma-4-e4b")),  # another model
        matrix(1, cell(platform=MAC)),  # another machine
        matrix(1, cell(), complete=False),  # interrupted
        matrix(1, cell(), partial=True),  # --route chat
        matrix(1, cell(), cell(Verdict.SKIPPED, route="speech")),
    ],
)
def test_a_route_that_was_only_not_measured_is_not_gone(second: Matrix) -> None:
    tracks = ledger(matrix(0, cell(), cell(route="speech")), second).tracks()
    assert not [track for track in tracks if track.gone]


VERDICTS = st.sampled_from([Verdict.HEARD, Verdict.IGNORED, Verdict.SKIPPED, Verdict.ERROR])
CELLS = st.builds(
    lambda verdict, version, route, heard: cell(verdict, engine_version=version, route=route, heard=heard),
    VERDICTS, st.sampled_from(["1", "2"]), st.sampled_from(["chat", "speech", "text"]), st.integers(0, 3),
)  # fmt: skip
RUNS = st.lists(st.builds(lambda cells, complete: matrix(0, *cells, complete=complete), st.lists(CELLS), st.booleans()), max_size=8)


@given(RUNS, st.integers(0, 8))
def test_written_in_the_middle_and_read_again_it_is_the_same(runs: list[Matrix], stop: int) -> None:
    whole = ledger(*runs)
    read = Ledger.read(ledger(*runs[:stop]).write())
    assert read is not None
    assert read.holds([entry(number) for number in range(len(runs))]) == len(runs[:stop])
    for number, run in list(enumerate(runs))[stop:]:
        read.add(entry(number), seen(run))
    assert read.tracks() == whole.tracks()
    assert read.write() == whole.write()


@given(RUNS)
def test_every_measured_run_of_a_cell_is_in_exactly_one_spell(runs: list[Matrix]) -> None:
    for track in ledger(*runs).tracks():
        there = [run for run in runs if any(item.route == track.key.route for item in run.cells)]
        assert sum(spell.runs for spell in track.spells) == len(there)


def test_what_is_no_ledger_is_not_read() -> None:
    data = ledger(matrix(0, cell())).write()
    assert Ledger.read(data) is not None
    for wrong in (b"", data[:-9], data + b"x", gzip.compress(b"[]"), gzip.compress(b"\xff"), gzip.compress(b"[" * 100_000)):
        assert Ledger.read(wrong) is None


def test_a_ledger_of_other_runs_is_of_no_use() -> None:
    made = ledger(matrix(0, cell()), matrix(1, cell()))
    assert made.holds([entry(0), entry(1), entry(2)]) == 2
    assert made.holds([entry(0)]) is None
    assert made.holds([entry(1), entry(0)]) is None
