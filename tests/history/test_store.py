"""The store: nothing is lost, nothing is half there, and what is damaged stays alone with it."""

import contextlib
import gzip
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import msgspec
import pytest

from runtimeprobe.history import files
from runtimeprobe.history.files import StoreError, Unreadable
from runtimeprobe.history.index import Index, encoded
from runtimeprobe.history.model import Kind, RunEntry
from runtimeprobe.history.store import Store
from runtimeprobe.results import Verdict, decode, encode
from tests.history.made import MAC, cell, matrix, night

RUNS = [
    matrix(0, cell(), cell(route="speech")),
    matrix(1, cell(Verdict.IGNORED), cell(route="speech")),
    matrix(2, cell(engine_version="1.1"), cell(route="speech", platform=MAC)),
]
NEW = matrix(3, cell(Verdict.DEAF, engine_version="1.1"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "matrix")
    for run in RUNS:
        made.add(run)
    return made


def test_a_run_comes_back_whole_and_the_newest_is_latest(store: Store) -> None:
    assert [store.run(entry.id) for entry in store.history().runs] == RUNS
    assert store.latest() == RUNS[-1] == decode(store.latest_file.read_bytes())
    assert (store.run("latest"), store.run("previous")) == (RUNS[2], RUNS[1])
    entry = store.history().runs[2]
    assert (entry.cells, entry.platforms, entry.complete) == (2, ("linux-x86_64", MAC), True)


def test_the_same_run_twice_is_stored_once_and_changes_no_file(store: Store) -> None:
    before = {file: file.read_bytes() for file in store.folder.rglob("*") if file.is_file()}
    assert store.add(RUNS[1]) == store.history().runs[1]
    assert {file: file.read_bytes() for file in store.folder.rglob("*") if file.is_file()} == before


def test_results_of_before_cells_had_a_platform_get_that_of_their_host(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.add(matrix(0, cell(platform="")))
    assert store.latest().cells[0].platform == "linux-x86_64"


def test_an_older_run_takes_its_place_in_the_history(tmp_path: Path, store: Store) -> None:
    late = Store(tmp_path / "late")
    for run in (RUNS[2], RUNS[0], RUNS[1]):
        late.add(run)
    assert late.history(now=night(3)) == store.history(now=night(3))
    assert late.latest() == RUNS[2]


@pytest.mark.parametrize("name", ["nix", "", "2026-11-0"])
def test_a_run_that_is_not_there_or_not_clear_says_which_is_newest(store: Store, name: str) -> None:
    with pytest.raises(StoreError, match=r"the newest is 2026-11-03"):
        store.run(name)


def test_an_empty_store_says_how_to_fill_it(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="runtimeprobe matrix --store"):
        Store(tmp_path).latest()
    assert Store(tmp_path).history() == Store(tmp_path / "nowhere").history()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_only_the_file_latest_is_read(tmp_path: Path) -> None:
    (tmp_path / "latest.json").write_bytes(encode(RUNS[0]))
    assert Store(tmp_path).latest() == RUNS[0]


def damaged(file: Path, how: str) -> None:
    data = file.read_bytes()
    match how:
        case "gone":
            file.unlink()
        case "empty":
            file.write_bytes(b"")
        case "cut":
            file.write_bytes(data[: len(data) // 2])
        case "flipped":
            file.write_bytes(data[:-20] + bytes([data[-20] ^ 1]) + data[-19:])
        case "other":
            file.write_bytes(gzip.compress(b'{"cells": 7}'))
        case "more":
            file.write_bytes(data + b"x")


HOW = ["gone", "empty", "cut", "flipped", "other", "more"]


@pytest.mark.parametrize("how", HOW)
def test_a_damaged_run_is_reported_and_the_others_are_read(store: Store, how: str) -> None:
    entry = store.history().runs[1]
    damaged(store.runs_folder / entry.file, how)
    with pytest.raises(Unreadable, match=entry.id):
        store.run(entry.id)
    assert store.run("latest") == RUNS[2]
    store.tracks_file.unlink()
    history = store.history(now=night(3))
    assert [line for line in history.problems if entry.id in line]
    assert {track.spells[0].first for track in history.tracks} == {night(0), night(2)}
    assert not [change for change in history.changes if change.kind is Kind.REGRESSED]  # which only the damaged run saw


@pytest.mark.parametrize("how", HOW)
def test_a_damaged_run_may_be_added_again(store: Store, how: str) -> None:
    whole = store.history(now=night(3))
    damaged(store.runs_folder / whole.runs[1].file, how)
    store.tracks_file.unlink()
    store.add(NEW)  # writes tracks that lack the damaged run
    store.add(RUNS[1])
    assert store.run(whole.runs[1].id) == RUNS[1]
    expected = Store(store.folder.parent / "expected")
    for run in (*RUNS, NEW):
        expected.add(run)
    assert store.history(now=night(3)) == expected.history(now=night(3))


@pytest.mark.parametrize("how", HOW)
def test_a_damaged_run_is_named_each_time_and_counts_again_when_its_file_is_back(store: Store, how: str) -> None:
    whole = store.history(now=night(3))
    file = store.runs_folder / whole.runs[1].file
    data = file.read_bytes()
    damaged(file, how)
    store.tracks_file.unlink()
    store.add(NEW)  # writes tracks that lack the damaged run
    for _ in range(2):
        assert [line for line in store.history(now=night(3)).problems if whole.runs[1].id in line]
    file.write_bytes(data)
    assert store.history(now=night(3)).problems == ()
    assert [spell.verdict for spell in store.history().tracks[0].spells] == [Verdict.HEARD, Verdict.IGNORED, Verdict.HEARD, Verdict.DEAF]


def test_a_run_under_another_name_is_not_adopted(store: Store) -> None:
    first = store.runs_folder / store.history().runs[0].file
    shutil.copy(first, store.runs_folder / "2026-11-09T021700Z-abcdef.json.gz")
    store.index_file.unlink()
    history = store.history()
    assert len(history.runs) == 3
    assert [line for line in history.problems if "2026-11-09T021700Z-abcdef.json.gz is left out" in line]


def test_a_damaged_newest_run_is_not_passed_off_as_there(store: Store) -> None:
    damaged(store.runs_folder / store.history().runs[2].file, "cut")
    latest = store.latest()
    assert latest.created == RUNS[1].created
    assert "an older run is shown" in latest.problems[0]


@pytest.mark.parametrize("how", HOW)
def test_a_lost_or_damaged_index_is_made_again_from_the_runs(store: Store, how: str) -> None:
    whole = store.history(now=night(3))
    damaged(store.index_file, how)
    history = store.history(now=night(3))
    assert (history.runs, history.tracks, history.changes) == (whole.runs, whole.tracks, whole.changes)
    assert "made again from the runs" in history.problems[0]
    store.add(RUNS[0])
    assert store.history(now=night(3)) == whole


@pytest.mark.parametrize("how", HOW)
def test_lost_or_damaged_tracks_are_made_again_from_the_runs(store: Store, how: str) -> None:
    whole, data = store.history(now=night(3)), store.tracks_file.read_bytes()
    damaged(store.tracks_file, how)
    assert store.history(now=night(3)) == whole
    store.add(RUNS[0])
    assert store.tracks_file.read_bytes() == data


def test_tracks_of_another_format_or_of_other_runs_are_made_again(store: Store) -> None:
    whole, data = store.history(now=night(3)), json.loads(gzip.decompress(store.tracks_file.read_bytes()))
    old = {**data, "format": 0}
    other = {**data, "runs": [["2020-01-01T000000Z-abcdef", night(0), "0" * 64], *data["runs"][1:]]}
    outside = {**data, "rows": [[data["rows"][0][0], [[99, 0, 0, 1, 1, 1]], []]]}
    for wrong in (old, other, outside):
        store.tracks_file.write_bytes(gzip.compress(json.dumps(wrong).encode()))
        assert store.history(now=night(3)) == whole


def test_tracks_that_lag_behind_the_index_are_brought_up_to_date(store: Store) -> None:
    before = store.tracks_file.read_bytes()
    store.add(NEW)
    whole = store.history(now=night(3))
    store.tracks_file.write_bytes(before)
    assert store.history(now=night(3)) == whole


def test_a_reader_between_two_steps_of_a_writer_sees_the_new_run(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    old = store.index([])
    store.add(NEW)
    new = store.index([])
    seen = iter([old, new])
    monkeypatch.setattr(store, "index", lambda _problems: next(seen))
    monkeypatch.setattr(store, "content", lambda _entry: pytest.fail("a run was read again"))
    assert len(store.history().runs) == 4


def test_a_run_written_but_not_listed_is_adopted(store: Store) -> None:
    index = store.index_file.read_bytes()
    entry = store.add(NEW)
    store.index_file.write_bytes(index)
    assert len(store.history().runs) == 3
    store.add(RUNS[0])
    assert store.history().runs[-1] == entry


def test_an_index_that_leads_out_of_the_store_is_not_followed(store: Store) -> None:
    index = json.loads(store.index_file.read_bytes())
    entry = msgspec.convert({**index["runs"][0], "file": "../../../secret.json.gz"}, RunEntry)
    store.index_file.write_bytes(encoded(Index(runs=(entry,))))
    assert "secret" not in str(store.history())
    assert len(store.history().runs) == 3


def test_what_unpacks_to_more_than_the_limit_is_refused() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    with pytest.raises(Unreadable, match="too large"):
        files.unpacked(bomb, 1_000_000)


def test_a_file_larger_than_the_limit_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(2_000_001))
    with pytest.raises(Unreadable, match="larger than"):
        files.read(tmp_path / "large", 2_000_000)


@pytest.mark.parametrize("when", ["../../yesterday", "", "2026-13-01T00:00:00Z", "2026-11-24T02:17:00+01:00"])
def test_a_time_that_is_none_is_refused(tmp_path: Path, when: str) -> None:
    with pytest.raises(StoreError, match="no time"):
        Store(tmp_path).add(matrix(when, cell()))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot write to"):
        Store(tmp_path / "file").add(RUNS[0])


# Every step of writing, with a stop before it, in the middle of a write, and after it.


class Halfway:
    """A file that can be stopped in the middle of a write."""

    def __init__(self, stream: Any, step: Callable[[], None]) -> None:
        self.stream, self.step = stream, step

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, data: bytes) -> None:
        self.stream.write(data[: len(data) // 2])
        self.stream.flush()
        self.step()
        self.stream.write(data[len(data) // 2 :])


@contextlib.contextmanager
def stopped(at: int, stop: Callable[[], None], *, after: bool) -> Iterator[Callable[[], int]]:
    """Calls `stop` at the step with this number; `after`: there are steps after each call too. Yields how many steps there were."""
    numbers = itertools.count(1)
    reached = 0

    def step() -> None:
        nonlocal reached
        reached = next(numbers)
        if reached == at:
            stop()

    with pytest.MonkeyPatch.context() as patch:

        def watched(owner: Any, name: str) -> None:
            real = getattr(owner, name)

            def call(*args: Any, **given: Any) -> Any:
                step()
                result = real(*args, **given)
                if after:
                    step()
                return Halfway(result, step) if name == "fdopen" else result

            patch.setattr(owner, name, call)

        for owner, name in (
            (tempfile, "mkstemp"), (os, "fdopen"), (os, "fsync"), (os, "chmod"), (os, "replace"), (Path, "unlink"), (Path, "mkdir"),
        ):  # fmt: skip
            watched(owner, name)
        yield lambda: reached


def killed_at(number: int, folder: Path) -> bool:
    """Adds NEW in a process that kills itself at this step; False if it was through before."""
    child = os.fork()
    if child == 0:
        with stopped(number, lambda: os.kill(os.getpid(), signal.SIGKILL), after=True):
            Store(folder).add(NEW)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def check(folder: Path, before: list[Any], expected: dict[str, bytes]) -> None:
    """What readers see is the last whole state, or the new one; adding again makes it whole."""
    store = Store(folder)
    history = store.history(now=night(4))
    seen = [store.run(entry.id) for entry in history.runs]
    assert seen in (before, [*before, NEW])
    first_run_without_index = not before and seen and not store.index_file.exists()
    assert len(history.problems) == bool(first_run_without_index)
    if seen:
        assert store.latest() == seen[-1]
    if store.latest_file.exists():
        assert decode(store.latest_file.read_bytes()) in [*before, NEW]
    store.add(NEW)
    assert content(folder) == expected
    shutil.rmtree(folder)


def after_all(folder: Path, before: list[Any]) -> dict[str, bytes]:
    """What is in a store to which nothing happened."""
    undisturbed = Store(folder)
    for run in [*before, NEW]:
        undisturbed.add(run)
    return content(folder)


def content(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("filled", [False, True])
def test_a_kill_at_any_step_leaves_the_last_whole_state(tmp_path: Path, store: Store, filled: bool) -> None:
    steps, before = 0, RUNS if filled else []
    expected = after_all(tmp_path / "undisturbed", before)
    for number in itertools.count(1):
        folder = tmp_path / f"killed-{number}"
        if filled:
            shutil.copytree(store.folder, folder)
        if not killed_at(number, folder):
            break
        steps += 1
        check(folder, before, expected)
    assert steps > 40  # four files of at least ten steps each


@pytest.mark.parametrize("filled", [False, True])
def test_an_error_at_any_step_leaves_the_last_whole_state_and_no_litter(tmp_path: Path, store: Store, filled: bool) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    before = RUNS if filled else []
    expected = after_all(tmp_path / "undisturbed", before)
    for number in itertools.count(1):
        folder = tmp_path / f"full-{number}"
        if filled:
            shutil.copytree(store.folder, folder)
        with stopped(number, full, after=False) as reached, contextlib.suppress(StoreError):
            Store(folder).add(NEW)
        if reached() < number:
            break
        check(folder, before, expected)
    assert number > 20


ADDER = """
import sys
from pathlib import Path
from runtimeprobe.history.store import Store
from tests.history.made import cell, matrix

for number in range(8):
    Store(Path(sys.argv[1])).add(matrix(number * 4 + int(sys.argv[2]), cell()))
"""


def test_processes_that_add_at_once_lose_no_run(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    processes = [subprocess.Popen([sys.executable, "-c", ADDER, str(tmp_path), str(number)], cwd=root) for number in range(4)]
    assert [process.wait(60) for process in processes] == [0, 0, 0, 0]
    history = Store(tmp_path).history(now=night(40))
    assert [entry.created for entry in history.runs] == [night(number) for number in range(32)]
    assert [spell.runs for track in history.tracks for spell in track.spells] == [32]
    assert history.problems == ()
    assert msgspec.json.decode(Store(tmp_path).latest_file.read_bytes())["created"] == night(31)
