"""What a change is called."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimeprobe.history.classify import changes
from runtimeprobe.history.known import Issue, Known, Upstream
from runtimeprobe.history.model import Change, Kind, Track
from runtimeprobe.history.rates import interval
from runtimeprobe.results import Cell, Matrix, Verdict
from tests.history.made import cell, matrix, night
from tests.history.test_ledger import ledger

HEARD, GARBLED, IGNORED, SKIPPED, ERROR = Verdict.HEARD, Verdict.GARBLED, Verdict.IGNORED, Verdict.SKIPPED, Verdict.ERROR
URL = "https://example.org/issues/1"


def told(*runs: Matrix, known: Known | None = None, now: str = "", stale_days: int = 7) -> list[Change]:
    """Oldest first, without the first sight of the cell."""
    tracks: tuple[Track, ...] = ledger(*runs).tracks()
    found = changes(tracks, known or Known(), now=now or runs[-1].created, stale_days=stale_days)
    return [change for change in reversed(found) if change.kind is not Kind.NEW or change.when != runs[0].created]


def nightly(*cells: Cell) -> list[Change]:
    return told(*(matrix(number, item) for number, item in enumerate(cells)))


def kinds(found: list[Change]) -> list[str]:
    return [change.kind.value for change in found]


def test_the_first_sight_of_a_cell_is_new() -> None:
    found = changes(ledger(matrix(0, cell())).tracks(), Known(), now=night(0))
    assert [(change.kind, change.when, change.before) for change in found] == [(Kind.NEW, night(0), None)]
    assert found[0].after is not None
    assert found[0].after.verdict is HEARD


def test_better_with_a_new_version_is_improved_and_worse_is_regressed() -> None:
    found = nightly(cell(IGNORED), cell(engine_version="1.1"), cell(GARBLED, engine_version="1.2"))
    assert kinds(found) == ["improved", "regressed"]
    before, after = found[1].before, found[1].after
    assert before is not None
    assert after is not None
    assert (before.verdict, before.engine_version, after.verdict, after.engine_version) == (HEARD, "1.1", GARBLED, "1.2")
    assert found[1].note == ""


def test_a_new_version_with_the_old_verdict_is_no_change() -> None:
    assert nightly(cell(), cell(engine_version="1.1"), cell(engine_version="1.2", build="b9")) == []


def test_both_ways_within_one_version_is_flaky_each_time() -> None:
    assert kinds(nightly(cell(), cell(GARBLED), cell())) == ["flaky", "flaky"]


def test_one_way_within_one_version_is_no_flake_and_says_that_the_version_is_the_same() -> None:
    (change,) = nightly(cell(), cell(GARBLED))
    assert (change.kind, change.note) == (Kind.REGRESSED, "the same version and build as before")


def test_attempts_that_disagree_make_a_change_within_one_version_flaky() -> None:
    assert kinds(nightly(cell(heard=3), cell(GARBLED, heard=1))) == ["flaky"]


def test_a_version_change_is_never_called_a_flake() -> None:
    back_and_forth = nightly(cell(), cell(GARBLED, engine_version="1.1"), cell(), cell(GARBLED, engine_version="1.1"))
    assert kinds(back_and_forth) == ["regressed", "improved", "regressed"]
    assert kinds(nightly(cell(heard=3), cell(GARBLED, heard=1, engine_version="1.1"))) == ["regressed"]
    assert kinds(nightly(cell(), cell(GARBLED, build="b2"), cell(build="b2"), cell(GARBLED, build="b2"))) == ["regressed", "flaky", "flaky"]


def test_without_a_version_nothing_is_called_a_flake() -> None:
    found = nightly(cell(engine_version="", build=""), cell(GARBLED, engine_version="", build=""), cell(engine_version="", build=""))
    assert kinds(found) == ["regressed", "improved"]
    assert found[0].note == "the engine does not tell its version"


def test_nights_without_a_measurement_do_not_hide_a_flake_nor_make_one() -> None:
    assert kinds(nightly(cell(), cell(SKIPPED), cell(ERROR), cell())) == []
    assert kinds(nightly(cell(), cell(SKIPPED), cell(GARBLED), cell(ERROR), cell())) == ["flaky", "flaky"]


def test_when_only_the_hearing_test_changed_the_note_says_so() -> None:
    (change,) = told(matrix(0, cell()), matrix(1, cell(GARBLED), hearing_test="hearing-test/2"))
    assert change.kind is Kind.REGRESSED
    assert change.note == "the hearing test changed from hearing-test/1 to hearing-test/2; nothing about the runtime did"


def test_when_only_the_model_files_changed_the_note_says_so() -> None:
    (change,) = nightly(cell(), cell(GARBLED, digest="sha256:b"))
    assert change.note == "the model's files changed; nothing about the runtime did"


def test_when_the_hearing_test_changed_with_the_version_both_are_named() -> None:
    (change,) = told(matrix(0, cell()), matrix(1, cell(GARBLED, engine_version="1.1"), hearing_test="hearing-test/2"))
    assert change.note == "the hearing test changed from hearing-test/1 to hearing-test/2 as well"


def test_another_hearing_test_is_no_flake() -> None:
    found = told(matrix(0, cell()), matrix(1, cell(GARBLED), hearing_test="hearing-test/2"), matrix(2, cell()))
    assert kinds(found) == ["regressed", "improved"]


def test_gone_and_back() -> None:
    speech = cell(route="speech")
    found = told(matrix(0, cell(), speech), matrix(1, cell()), matrix(2, cell(), speech))
    assert [(change.kind, change.when) for change in found] == [(Kind.GONE, night(1)), (Kind.NEW, night(2))]


@pytest.mark.parametrize(("last", "stale"), [(7, False), (8, True)])
def test_a_cell_is_stale_when_it_was_not_measured_for_more_than_seven_days(last: int, stale: bool) -> None:
    found = told(matrix(0, cell()), now=night(last))
    assert [(change.kind, change.when) for change in found] == ([(Kind.STALE, night(8))] if stale else [])


def test_skipped_and_error_do_not_count_as_measured() -> None:
    found = told(matrix(0, cell()), *(matrix(number, cell(SKIPPED, reason="no room")) for number in range(1, 10)))
    assert [(change.kind, change.note) for change in found] == [(Kind.STALE, "skipped: no room")]
    assert kinds(told(matrix(0, cell()), matrix(9, cell(ERROR)))) == ["stale"]
    assert kinds(told(matrix(0, cell()), matrix(3, cell()), now=night(5), stale_days=1)) == ["stale"]


def test_what_is_gone_is_not_stale_and_what_was_never_measured_is_nothing() -> None:
    assert kinds(told(matrix(0, cell(), cell(route="speech")), *(matrix(number, cell()) for number in range(1, 30)))) == ["gone"]
    assert told(matrix(0, cell(SKIPPED)), now=night(30)) == []


def expecting(verdict: Verdict, **given: str) -> Known:
    return Known((Issue(url=URL, title="it is deaf", verdict=verdict, **given),))


def test_an_expected_failure_that_passes_is_news() -> None:
    (change,) = told(matrix(0, cell(IGNORED)), matrix(1, cell(engine_version="1.1")), known=expecting(IGNORED))
    assert (change.kind, change.issue, change.note) == (Kind.FIXED, URL, "expected ignored: it is deaf")
    first = changes(ledger(matrix(0, cell())).tracks(), expecting(IGNORED), now=night(0))
    assert [(change.kind, change.issue) for change in first] == [(Kind.FIXED, URL)]


def test_a_failure_that_becomes_the_expected_one_is_a_regression_with_its_issue() -> None:
    (change,) = told(matrix(0, cell()), matrix(1, cell(IGNORED, engine_version="1.1")), known=expecting(IGNORED, versions=">=1.1"))
    assert (change.kind, change.issue) == (Kind.REGRESSED, URL)


def test_worse_than_expected_is_broken() -> None:
    (change,) = told(matrix(0, cell(GARBLED)), matrix(1, cell(Verdict.CRASHED)), known=expecting(GARBLED))
    assert (change.kind, change.issue) == (Kind.BROKEN, URL)


def test_leaving_the_versions_of_an_issue_is_an_improvement_that_names_it() -> None:
    (change,) = told(matrix(0, cell(IGNORED)), matrix(1, cell(engine_version="1.1")), known=expecting(IGNORED, versions="<1.1"))
    assert (change.kind, change.issue, change.note) == (Kind.IMPROVED, URL, "was: it is deaf")


def test_a_flake_is_a_flake_whatever_is_known() -> None:
    found = told(matrix(0, cell(IGNORED)), matrix(1, cell()), matrix(2, cell(IGNORED)), known=expecting(IGNORED))
    assert [(change.kind, change.issue) for change in found] == [(Kind.FLAKY, URL), (Kind.FLAKY, URL)]


def test_an_upstream_change_between_the_versions_is_named() -> None:
    known = Known(changes=(Upstream(engine="alpha", url=URL, title="an encoder", first_version="1.1"),))
    (change,) = told(matrix(0, cell(IGNORED)), matrix(1, cell(engine_version="1.2")), known=known)
    assert (change.kind, change.issue, change.note) == (Kind.IMPROVED, URL, "an encoder")


def test_changes_come_newest_first_and_worst_first_within_a_night() -> None:
    runs = [matrix(0, cell(), cell(IGNORED, route="b")), matrix(1, cell(GARBLED, engine_version="2"), cell(route="b", engine_version="2"))]
    found = changes(ledger(*runs).tracks(), Known(), now=night(1))
    assert [change.kind for change in found] == [Kind.REGRESSED, Kind.IMPROVED, Kind.NEW, Kind.NEW]


CELLS = st.builds(
    lambda verdict, version, heard: cell(verdict, engine_version=version, heard=heard),
    st.sampled_from([HEARD, GARBLED, IGNORED, SKIPPED, ERROR]), st.sampled_from(["1", "2", "3"]), st.integers(0, 3),
)  # fmt: skip


@given(st.lists(CELLS, min_size=1, max_size=20))
def test_whatever_happened_flakes_keep_the_version_and_every_verdict_change_is_told_once(cells: list[Cell]) -> None:
    found = nightly(*cells)
    for change in found:
        if change.kind is Kind.FLAKY:
            assert change.before is not None
            assert change.after is not None
            assert change.before.release == change.after.release
    measured = [item.verdict for item in cells if item.verdict not in (SKIPPED, ERROR)]
    turns = sum(left is not right for left, right in itertools.pairwise(measured))
    assert sum(change.kind in (Kind.FLAKY, Kind.IMPROVED, Kind.REGRESSED) for change in found) == turns


@pytest.mark.parametrize(
    ("passes", "attempts", "low", "high"), [(0, 0, 0, 1), (3, 3, 0.4385, 1), (0, 3, 0, 0.5615), (5, 10, 0.2366, 0.7634)]
)
def test_intervals_are_those_of_the_literature(passes: int, attempts: int, low: float, high: float) -> None:
    assert interval(passes, attempts) == pytest.approx((low, high), abs=1e-4)


@given(st.integers(0, 500).flatmap(lambda attempts: st.tuples(st.integers(0, attempts), st.just(attempts))))
def test_an_interval_holds_its_rate(counts: tuple[int, int]) -> None:
    passes, attempts = counts
    low, high = interval(passes, attempts)
    assert 0 <= low <= high <= 1
    if attempts:
        assert low - 1e-4 <= passes / attempts <= high + 1e-4
