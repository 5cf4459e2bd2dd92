"""Whole timelines of an engine with a real package index, real environments and real children."""

import shutil
import time
from pathlib import Path

import pytest

from runtimeprobe.results import Matrix, Verdict, decode, encode
from runtimeprobe.timeline import running
from runtimeprobe.timeline.results import Row, Timeline
from tests.timeline.conftest import Make
from tests.timeline.echo_adapter import PACKAGE, PROGRAM, EchoProgram
from tests.timeline.packages import Index

pytestmark = pytest.mark.timeout(240)


def verdicts(timeline: Timeline) -> dict[str, str]:
    return {cell.engine_version: str(cell.verdict) for cell in timeline.cells}


def test_every_way_a_release_can_end_costs_its_own_row_only(index: Index, runner: Make) -> None:
    index.engine("1.1", "2026-04-02", "refuses")
    index.engine("1.2", "2026-04-09", "garbles")
    index.engine("1.3", "2026-04-16", "hears", requires=("a-package-that-nobody-published",))
    index.engine("1.4", "2026-04-23", "dies")
    index.engine("1.5", "2026-04-30", "hangs")
    index.engine("1.6", "2026-05-07", "deaf")
    index.engine("1.7", "2026-05-14", "hears")
    began = time.monotonic()
    timeline = runner(limit_s=4).run()
    assert time.monotonic() - began < 60
    assert verdicts(timeline) == {
        "1.1": "rejected",
        "1.2": "garbled",
        "1.3": "skipped",
        "1.4": "crashed",
        "1.5": "timeout",
        "1.6": "deaf",
        "1.7": "heard",
    }
    skipped = next(cell for cell in timeline.cells if cell.verdict is Verdict.SKIPPED)
    assert "a-package-that-nobody-published" in skipped.reason
    assert [release.build for release in timeline.releases] == ["b1", "b2", "b3", "b4", "b5", "b6", "b7"]
    assert timeline.releases[0].reproduce == "runtimeprobe timeline echo --only 1.1 --again"
    (track,) = timeline.story
    assert track.first_heard
    assert track.first_heard.version == "1.7"
    assert [(change.before.version, change.after.version, change.between) for change in track.changes] == [
        ("1.1", "1.2", ()),
        ("1.2", "1.4", ("1.3",)),
        ("1.4", "1.5", ()),
        ("1.5", "1.6", ()),
        ("1.6", "1.7", ()),
    ]
    assert track.changes[0].compare == "https://example.org/compare/b1...b2"
    assert track.changes[-1].guess == "the engine itself: no other package of its environment changed"


def test_its_json_is_a_matrix(index: Index, runner: Make) -> None:
    index.engine("1.1", "2026-04-02", "hears")
    timeline = runner().run()
    matrix = decode(encode(timeline))
    assert type(matrix) is Matrix
    assert matrix.cells == timeline.cells


def test_dependencies_are_those_of_the_day_and_else_todays_which_is_said(index: Index, runner: Make) -> None:
    index.publish("echo-part", "1.0", "2026-04-01", {"echo_part.py": ""})
    index.publish("echo-part", "2.0", "2026-06-01", {"echo_part.py": ""})
    index.engine("1.1", "2026-05-01", "refuses", requires=("echo-part",))
    index.engine("1.2", "2026-05-08", "refuses", requires=("echo-part>=2",))
    index.engine("1.3", "2026-06-08", "hears", requires=("echo-part",))
    timeline = runner().run()
    assert [release.packages["echo-part"] for release in timeline.releases] == ["1.0", "2.0", "2.0"]
    assert [release.resolved for release in timeline.releases] == ["2026-05-02", "today", "2026-06-09"]
    assert [release.note for release in timeline.releases] == ["", running.OF_TODAY, ""]
    (change,) = timeline.story[0].changes
    assert change.also == {}


def test_what_else_changed_is_named_beside_a_change(index: Index, runner: Make) -> None:
    index.publish("echo-part", "1.0", "2026-04-01", {"echo_part.py": ""})
    index.publish("echo-part", "2.0", "2026-05-05", {"echo_part.py": ""})
    index.engine("1.1", "2026-05-01", "refuses", requires=("echo-part",))
    index.engine("1.2", "2026-05-08", "hears", requires=("echo-part",))
    (change,) = runner().run().story[0].changes
    assert change.also == {"echo-part": ("1.0", "2.0")}
    assert "echo-part 1.0 to 2.0" in change.guess


def test_what_is_known_is_not_measured_again_unless_asked(index: Index, runner: Make) -> None:
    index.engine("1.1", "2026-04-02", "refuses")
    index.engine("1.2", "2026-04-09", "hears")
    first = runner().run()
    second = runner().run()
    assert [release.cached for release in second.releases] == [True, True]
    assert second.cells == first.cells
    index.engine("1.3", "2026-04-16", "garbles")
    third = runner().run()
    assert [release.cached for release in third.releases] == [True, True, False]
    again = runner(again=True).run()
    assert not any(release.cached for release in again.releases)


def test_what_may_end_otherwise_next_time_is_not_kept(index: Index, runner: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    index.engine("1.1", "2026-04-02", "hangs")
    assert verdicts(runner(limit_s=1.5).run()) == {"1.1": "timeout"}
    made = runner(limit_s=1.5)
    assert not made.run().releases[0].cached
    index.engine("1.2", "2026-04-09", "hears")
    late = runner(limit_s=1.5)
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")  # nobody listens there
    row = next(cell for cell in late.run().cells if cell.engine_version == "1.2")
    assert row.verdict is Verdict.SKIPPED
    monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
    assert verdicts(runner(limit_s=1.5).run())["1.2"] == "heard"


def test_bisecting_finds_a_change_with_few_probes_and_says_what_it_assumed(index: Index, runner: Make) -> None:
    for number in range(16):
        index.engine(f"1.{number}", f"2026-04-{number + 1:02d}", "refuses" if number < 11 else "hears")
    rows: list[Row] = []
    timeline = runner(rows, bisect=True).run()
    assert len(rows) <= 6  # log2(16) + 2
    (change,) = timeline.story[0].changes
    assert (change.before.version, change.after.version) == ("1.10", "1.11")
    assert timeline.assumed
    assert len(timeline.releases) == 16
    unprobed = [release for release in timeline.releases if release.version not in {row.release.version for row in rows}]
    assert {release.note for release in unprobed} == {running.LEFT_OUT}
    whole = runner().run()
    assert [(change.before.version, change.after.version) for change in whole.story[0].changes] == [("1.10", "1.11")]


def test_an_interrupted_run_keeps_what_it_has(index: Index, runner: Make) -> None:
    for number in range(4):
        index.engine(f"1.{number}", f"2026-04-{number + 1:02d}", "hears")
    made = runner()
    seen: list[Row] = []

    def done(row: Row) -> None:
        seen.append(row)
        raise KeyboardInterrupt

    made.done = done
    timeline = made.run()
    assert not timeline.complete
    assert {cell.engine_version: str(cell.verdict) for cell in timeline.cells}[seen[0].release.version] == "heard"
    assert any(cell.verdict is Verdict.SKIPPED and "interrupted" in cell.reason for cell in timeline.cells)
    assert len(timeline.releases) == 4
    assert runner().run().complete  # and nothing of it is remembered as a result


def test_a_program_in_a_package_is_the_one_that_the_adapter_finds(
    index: Index, runner: Make, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(request.config.rootpath))  # its adapter runs under our Python
    for version in ("1.1", "1.2"):
        index.publish(PACKAGE, version, "2026-04-02", {f"echo_engine/bin/{PROGRAM}": f"#!/bin/sh\necho {version}\n"})
    index.publish(PACKAGE, "1.3", "2026-04-03", {"echo_engine/bin/another": "#!/bin/sh\n"})
    timeline = runner(kind=EchoProgram).run()
    assert verdicts(timeline) == {"1.1": "ignored", "1.2": "ignored", "1.3": "skipped"}
    assert f"holds no program {PROGRAM}" in timeline.cells[-1].reason
    assert not any(cell.notes for cell in timeline.cells)


def test_a_full_disk_costs_rows_and_is_not_remembered(index: Index, runner: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    index.engine("1.1", "2026-04-02", "hears")
    full = shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: full)
    (cell,) = runner().run().cells
    assert cell.verdict is Verdict.SKIPPED
    assert "0.0 GiB of disk are free" in cell.reason
    monkeypatch.undo()
    monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
    assert verdicts(runner().run()) == {"1.1": "heard"}


def test_environments_stay_within_their_bound_and_half_made_ones_are_made_again(index: Index, runner: Make, tmp_path: Path) -> None:
    for number in range(3):
        index.engine(f"1.{number}", f"2026-04-{number + 1:02d}", "hears")
    made = runner()
    made.environments.most_bytes = 1
    made.run()
    assert len(list(made.environments.all())) <= 1
    whole = runner(again=True)
    whole.run()
    (kept, *_) = whole.environments.all()
    (kept / "runtimeprobe.json").unlink()
    assert verdicts(runner(again=True).run()) == {"1.0": "heard", "1.1": "heard", "1.2": "heard"}
    count, _ = whole.environments.remove()
    assert count == 3
    assert not list((tmp_path / "environments").iterdir())
