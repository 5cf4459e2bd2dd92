"""Rows to a story: what changed where, and what is honestly not known."""

from runtimeprobe.contract import Releases, Step
from runtimeprobe.history import known as history
from runtimeprobe.plan import NO_ROUTE
from runtimeprobe.results import Cell, Verdict
from runtimeprobe.timeline.parting import parting
from runtimeprobe.timeline.results import Release, Row, Track
from runtimeprobe.timeline.story import story, what_is_known

HOW = Releases(package="engine", beside=("core[cpu]",), compare="https://example.org/compare/v{before}...v{after}")
M = "gemma-4-e2b"


def cell(version: str, verdict: Verdict, route: str = "a", reason: str = "") -> Cell:
    return Cell(runtime="R", engine="e", engine_version=version, route=route, model=M, weights="twin", verdict=verdict, reason=reason)


def row(version: str, *cells: Cell, **packages: str) -> Row:
    return Row(release=Release(version=version, date=f"2026-04-0{version[-1]}", packages=packages), cells=cells)


def told(*rows: Row) -> dict[str, Track]:
    return {track.route: track for track in story(rows, HOW)}


def sides(track: Track) -> list[tuple[str, str]]:
    return [(str(change.before.verdict), str(change.after.verdict)) for change in track.changes]


def test_heard_since_gone_and_back() -> None:
    track = told(
        row("0.1", cell("0.1", Verdict.REJECTED)),
        row("0.2", cell("0.2", Verdict.HEARD)),
        row("0.3", cell("0.3", Verdict.HEARD)),
        row("0.4", cell("0.4", Verdict.FAILED)),
        row("0.5", cell("0.5", Verdict.HEARD)),
    )["a"]
    assert track.first_heard
    assert (track.first_heard.version, track.heard_before_that) == ("0.2", False)
    assert sides(track) == [("rejected", "heard"), ("heard", "failed"), ("failed", "heard")]
    assert track.changes[0].compare == "https://example.org/compare/v0.1...v0.2"


def test_the_oldest_measured_release_that_hears_is_not_said_to_be_the_first() -> None:
    track = told(row("0.1", cell("0.1", Verdict.HEARD)), row("0.2", cell("0.2", Verdict.HEARD)))["a"]
    assert track.heard_before_that
    assert track.changes == ()


def test_what_could_not_be_measured_is_neither_a_change_nor_forgotten() -> None:
    track = told(
        row("0.1", cell("0.1", Verdict.REJECTED)),
        row("0.2", cell("0.2", Verdict.SKIPPED, NO_ROUTE)),
        row("0.3", cell("0.3", Verdict.ERROR)),
        row("0.4", cell("0.4", Verdict.HEARD)),
    )["a"]
    (change,) = track.changes
    assert change.between == ("0.2", "0.3")
    alike = told(row("0.1", cell("0.1", Verdict.HEARD)), row("0.2", cell("0.2", Verdict.SKIPPED, NO_ROUTE)))["a"]
    assert alike.changes == ()
    assert alike.now
    assert alike.now.version == "0.1"


def test_an_engine_too_old_for_the_model_is_told_with_its_reason() -> None:
    (change,) = told(row("0.1", cell("0.1", Verdict.SKIPPED, reason="no handler for Gemma 4")), row("0.2", cell("0.2", Verdict.HEARD)))[
        "a"
    ].changes
    assert change.before.verdict is Verdict.SKIPPED
    assert change.before.reason == "no handler for Gemma 4"


def test_a_route_that_came_later_was_absent_before() -> None:
    tracks = told(row("0.1", cell("0.1", Verdict.HEARD)), row("0.2", cell("0.2", Verdict.HEARD), cell("0.2", Verdict.HEARD, "b")))
    (change,) = tracks["b"].changes
    assert (change.before.verdict, change.after.verdict) == (None, Verdict.HEARD)


def test_a_guess_begins_with_what_the_engine_names_then_what_went_then_what_it_stands_on() -> None:
    before = {"core": "1", "zeta": "1", "alpha": "1", "gone": "1", "omega": "1", "engine": "0.1", "same": "1"}
    after = {"core": "2", "zeta": "2", "alpha": "2", "omega": "2", "engine": "0.2", "same": "1"}
    (change,) = told(
        row("0.1", cell("0.1", Verdict.HEARD), **before), row("0.2", cell("0.2", Verdict.FAILED, reason="zeta is not callable"), **after)
    )["a"].changes
    assert list(change.also) == ["alpha", "core", "gone", "omega", "zeta"]
    assert change.guess == (
        "the engine, or a package that changed with it: zeta 1 to 2, gone 1 to absent, core 1 to 2, alpha 1 to 2 and 1 more"
    )


def test_builds_go_into_the_comparison_where_a_release_holds_one() -> None:
    how = Releases(package="engine", upstream_build=r"(\d+)", compare="https://example.org/b{before}...b{after}")
    rows = [
        Row(release=Release(version=version, build=f"b{version}"), cells=(cell(version, verdict),))
        for version, verdict in (("8", Verdict.REJECTED), ("9", Verdict.HEARD))
    ]
    assert story(rows, how)[0].changes[0].compare == "https://example.org/b8...b9"


def test_known_upstream_changes_and_issues_name_what_happened() -> None:
    issue = history.Issue(url="https://example.org/1", title="broken in 0.2", verdict=Verdict.GARBLED, engine="e", versions="==0.2")
    change = history.Upstream(engine="e", url="https://example.org/2", title="mended", first_version="0.3")
    known = history.Known((issue,), (change,))
    rows = [
        Row(release=Release(version=version), cells=(known.told(cell(version, verdict)),))
        for version, verdict in (("0.1", Verdict.HEARD), ("0.2", Verdict.GARBLED), ("0.3", Verdict.HEARD))
    ]
    broke, mended = story(rows, HOW, what_is_known(known, "e"))[0].changes
    assert broke.guess == "broken in 0.2"
    assert mended.known == (("https://example.org/2", "mended"), ("https://example.org/1", "broken in 0.2"))


def test_the_first_step_that_differs_is_named_and_a_shape_is_a_difference() -> None:
    def steps(**values: tuple[float, ...]) -> tuple[Step, ...]:
        return tuple(Step(name, (len(numbers),), numbers) for name, numbers in values.items())

    right = steps(front=(0.0, 1.0, 2.0), encoder=(1.0, 2.0, 3.0), decoder=(5.0, 6.0, 7.0))
    wrong = steps(front=(0.0, 1.0, 2.001), encoder=(1.0, 2.0, 4.0), decoder=(9.0, 9.0, 9.0))
    found = parting(M, "a", "0.1", wrong, "0.2", right)
    assert found.step == "encoder"
    assert [name for name, _ in found.alike] == ["front"]
    assert parting(M, "a", "0.1", steps(front=(0.0, 1.0)), "0.2", right).difference is None
    assert parting(M, "a", "0.1", steps(front=(float("nan"), 1.0, 2.0)), "0.2", right).step == "front"
