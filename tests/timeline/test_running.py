"""Whole timelines of an engine with a real package index, real environments and real children."""

import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from runtimeprobe.results import Cell, Matrix, Verdict, decode, encode
from runtimeprobe.timeline import probing, running
from runtimeprobe.timeline.environments import interpreter
from runtimeprobe.timeline.results import Release, Row, Timeline
from tests.timeline.conftest import Make
from tests.timeline.echo_adapter import PACKAGE, PROGRAM, EchoBeside, EchoLater, EchoProgram
from tests.timeline.packages import Index

NOBODY = "http://127.0.0.1:9"  # nobody listens there
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
    assert [release.resolved for release in timeline.releases] == ["2026-05-01", "today", "2026-06-08"]
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
    monkeypatch.setenv("UV_DEFAULT_INDEX", NOBODY)
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
    assert set(verdicts(runner().run()).values()) == {"heard"}  # nothing of the interruption was kept


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
    assert {file.suffix for file in (tmp_path / "environments").iterdir()} == {".lock"}


def test_a_run_that_is_stopped_ends_at_once_and_starts_nothing_more(index: Index, runner: Make) -> None:
    for number in range(3):
        index.engine(f"1.{number}", f"2026-04-0{number + 1}", "hangs")
    made = runner(limit_s=40)
    threading.Timer(6, made.stop).start()
    began = time.monotonic()
    timeline = made.run()
    assert time.monotonic() - began < 12
    assert set(verdicts(timeline).values()) == {"skipped"}


def test_where_the_numbers_part_is_found_once_and_known_then(index: Index, runner: Make) -> None:
    index.engine("1.1", "2026-04-02", "garbles", steps={"encoder": [1.0, 2.0, 9.0], "decoder": [9.0, 9.0, 9.0]})
    index.engine("1.2", "2026-04-09", "hears", steps={"decoder": [4.0, 5.0, 6.001]})
    index.engine("1.3", "2026-04-16", "deaf")
    first = runner().run()
    assert [(found.version, found.against, found.step) for found in first.partings] == [("1.1", "1.2", "encoder"), ("1.3", "1.2", "")]
    assert first.partings[0].alike == (("front end", 0.0),)
    traced: list[str] = []
    again = runner()
    again.report = traced.append
    assert again.run().partings == first.partings
    assert traced == []


def test_a_trace_that_fails_is_tried_again(index: Index, runner: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    index.engine("1.1", "2026-04-02", "garbles", steps={"encoder": [1.0, 2.0, 9.0]})
    index.engine("1.2", "2026-04-09", "hears")
    monkeypatch.setattr(probing, "trace", lambda *_: None)
    assert runner().run().partings == ()
    monkeypatch.undo()
    monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
    assert [found.step for found in runner().run().partings] == ["encoder"]


def test_a_file_that_cannot_be_fetched_just_now_is_no_reason_for_todays_packages(index: Index, runner: Make) -> None:
    index.publish("echo-part", "1.0", "2026-04-01", {"echo_part.py": ""})
    index.publish("echo-part", "2.0", "2026-06-01", {"echo_part.py": ""})
    index.engine("1.1", "2026-05-01", "hears", requires=("echo-part",))
    index.gone.add("echo_part-1.0-py3-none-any.whl")
    assert verdicts(runner().run()) == {"1.1": "skipped"}
    index.gone.clear()
    (release,) = runner().run().releases
    assert (release.packages["echo-part"], release.note) == ("1.0", "")


def test_a_build_that_fails_here_is_tried_again(index: Index, runner: Make) -> None:
    index.source("1.1", "2026-04-02", "raise SystemExit('no compiler')")
    assert verdicts(runner().run()) == {"1.1": "skipped"}
    assert not runner().run().releases[0].cached


def test_an_environment_from_elsewhere_or_with_less_beside_it_is_not_used(index: Index, runner: Make) -> None:
    index.publish("echo-part", "1.0", "2026-04-01", {"echo_part.py": ""})
    index.engine("1.1", "2026-05-01", "hears")
    assert "echo-part" not in runner().run().releases[0].packages
    assert "echo-part" in runner(kind=EchoBeside, again=True).run().releases[0].packages


def test_an_environment_whose_python_is_gone_is_made_again(index: Index, runner: Make) -> None:
    index.engine("1.1", "2026-05-01", "hears")
    made = runner()
    made.run()
    (folder,) = made.environments.all()
    interpreter(folder).unlink()
    assert verdicts(runner(again=True).run()) == {"1.1": "heard"}


def test_the_users_project_and_settings_do_not_change_what_is_installed(
    index: Index, runner: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for version in ("1.0", "1.5"):
        index.publish("echo-part", version, "2026-04-01", {"echo_part.py": ""})
    index.engine("1.1", "2026-05-01", "hears", requires=("echo-part",))
    (tmp_path / "pyproject.toml").write_text('[tool.uv]\nconstraint-dependencies = ["echo-part<1.5"]\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UV_RESOLUTION", "lowest")
    assert runner().run().releases[0].packages["echo-part"] == "1.5"


def test_a_route_that_a_release_lacks_is_an_outcome(index: Index, runner: Make) -> None:
    for number in range(4):
        index.engine(f"1.{number}", f"2026-04-0{number + 1}", "hears")
    timeline = runner(kind=EchoLater, routes=("hum",), bisect=True).run()
    (track,) = timeline.story
    assert track.first_heard
    assert (track.first_heard.version, track.heard_before_that) == ("1.2", False)
    (change,) = track.changes
    assert (change.before.version, change.before.reason) == ("1.1", "it has no such route")


def test_two_runs_share_the_cache(index: Index, runner: Make) -> None:
    for number in range(3):
        index.engine(f"1.{number}", f"2026-04-0{number + 1}", "hears")
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda made: made.run(), (runner(), runner(jobs=2))))
    assert [set(verdicts(timeline).values()) for timeline in both] == [{"heard"}, {"heard"}]


def test_an_environment_in_use_stays(index: Index, runner: Make) -> None:
    index.engine("1.1", "2026-04-02", "hears")
    made = runner()
    release, how = made.request.releases[0], made.request.how
    other = runner().environments  # as in another process
    with made.environments.lent(release, how) as lent:
        assert other.remove() == (0, 0)
        other.shrink(0)
        assert Path(lent.python).exists()
    assert other.remove()[0] == 1
    assert other.remove("echo") == (0, 0)  # another package, of which this one's name begins


def test_our_own_fault_costs_a_row(index: Index, runner: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    index.engine("1.1", "2026-04-02", "hears")
    index.engine("1.2", "2026-04-09", "hears")
    cells = probing.cells

    def failing(entry: EntryPoint, subject: probing.Subject, release: Release, *rest: Any) -> tuple[Cell, ...]:
        if release.version == "1.2":
            raise RuntimeError("oh")
        return cells(entry, subject, release, *rest)

    monkeypatch.setattr(probing, "cells", failing)
    timeline = runner().run()
    assert verdicts(timeline) == {"1.1": "heard", "1.2": "error"}
    assert "our own fault" in next(cell.reason for cell in timeline.cells if cell.engine_version == "1.2")
