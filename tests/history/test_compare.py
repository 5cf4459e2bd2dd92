"""Two runs, and the commands that join and compare them."""

import json
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from runtimeprobe.cli import compare as command
from runtimeprobe.cli import group
from runtimeprobe.history.compare import Comparison, compare
from runtimeprobe.history.known import Issue, Known
from runtimeprobe.history.model import Kind
from runtimeprobe.history.store import Store
from runtimeprobe.results import Matrix, Shard, Verdict, decode, encode
from runtimeprobe.shards import planned
from tests.history.made import LINUX, cell, matrix, night

BEFORE = matrix(0, cell(), cell(route="b"), cell(route="c"), cell(Verdict.IGNORED, route="d"), cell(engine="beta"))
AFTER = matrix(
    1,
    cell(Verdict.GARBLED, engine_version="1.1"),
    cell(route="b", engine_version="1.1"),
    cell(route="d", engine_version="1.1"),
    cell(route="e", engine_version="1.1"),
    cell(Verdict.SKIPPED, engine="beta", reason="not installed"),
)


def compared(before: Matrix = BEFORE, after: Matrix = AFTER, known: Known | None = None) -> Comparison:
    return compare(before, after, known or Known(), ("A", "B"))


def test_each_change_is_told_once_worst_first() -> None:
    made = compared()
    assert [(change.kind, change.key.engine, change.key.route) for change in made.changes] == [
        (Kind.REGRESSED, "alpha", "chat"),
        (Kind.IMPROVED, "alpha", "d"),
        (Kind.NEW, "alpha", "e"),
        (Kind.GONE, "alpha", "c"),
        (Kind.STALE, "beta", "chat"),
    ]
    assert (made.same, made.counts) == (1, {"regressed": 1, "improved": 1, "new": 1, "gone": 1, "stale": 1})
    assert made.changes[-1].note == "skipped: not installed"
    first = made.changes[0]
    assert first.before is not None
    assert first.after is not None
    assert (first.when, first.before.last, first.after.first) == (night(1), night(0), night(1))


def test_a_run_compared_with_itself_is_the_same() -> None:
    made = compared(BEFORE, BEFORE)
    assert (made.changes, made.same) == ((), 5)


def test_the_older_one_may_come_second() -> None:
    assert [change.kind for change in compared(AFTER, BEFORE).changes].count(Kind.IMPROVED) == 1


def test_attempts_that_disagree_are_a_flake() -> None:
    made = compared(matrix(0, cell()), matrix(1, cell(Verdict.GARBLED, heard=1)))
    assert [change.kind for change in made.changes] == [Kind.FLAKY]


def test_known_issues_count() -> None:
    known = Known((Issue(url="https://example.org/1", title="t", verdict=Verdict.IGNORED, route="d"),))
    assert [change.issue for change in compared(known=known).changes if change.kind is Kind.FIXED] == ["https://example.org/1"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.json").write_bytes(encode(BEFORE))
    (tmp_path / "b.json").write_bytes(encode(AFTER))
    for run in (BEFORE, AFTER):
        Store(tmp_path / "store").add(run)
    return tmp_path


def invoked(*words: str | Path) -> Result:
    return CliRunner().invoke(group, [str(word) for word in words])


def test_the_option_knows_the_kinds_there_are() -> None:
    assert set(command.KINDS) == {kind.value for kind in Kind if kind is not Kind.CHANGED}


def test_files_stores_and_runs_of_a_store_can_be_compared(folder: Path) -> None:
    store, first = folder / "store", Store(folder / "store").history().runs[0].id
    expected = None
    for before, after in (
        (folder / "a.json", folder / "b.json"),
        (f"{store}@previous", store),
        (f"{store}@{first}", f"{store}@latest"),
        (f"{store}@{first[:12]}", folder / "b.json"),
        (store / "history" / "runs" / f"{first}.json.gz", store),
    ):
        done = invoked("compare", before, after, "--json", "-")
        assert done.exit_code == 0, done.output
        made = msgspec.json.decode(done.stdout_bytes, type=Comparison)
        expected = expected or made.changes
        assert made.changes == expected
    assert expected


@pytest.mark.parametrize(
    ("words", "code"),
    [((), 0), (("--fail-on", "regressed"), 1), (("--fail-on", "flaky"), 0), (("--fail-on", "flaky", "--fail-on", "gone"), 1)],
)
def test_it_fails_on_what_is_asked_for(folder: Path, words: tuple[str, ...], code: int) -> None:
    assert invoked("compare", folder / "a.json", folder / "b.json", *words).exit_code == code


def test_the_table_and_the_markdown_say_what_changed(folder: Path) -> None:
    for words in ((), ("--markdown",)):
        text = invoked("compare", folder / "a.json", folder / "b.json", *words).output
        assert all(word in text for word in ("regressed", "heard 1.0", "garbled 1.1", "skipped: not installed", "1 the same"))
    assert "nothing changed; 5 the same" in invoked("compare", folder / "a.json", folder / "a.json").output


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    nasty = "\x1b[31m|<script>\u202e[x](javascript:0)\n# h"
    (tmp_path / "a.json").write_bytes(encode(matrix(0, cell(engine=nasty, reason=nasty))))
    (tmp_path / "b.json").write_bytes(encode(matrix(1, cell(Verdict.FAILED, engine=nasty, engine_version=nasty))))
    table, markdown = (invoked("compare", tmp_path / "a.json", tmp_path / "b.json", *words).output for words in ((), ("--markdown",)))
    for text in (table, markdown):
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert "<script>" not in markdown
    assert "\\[x\\](javascript" in markdown
    assert "|<" not in markdown


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nix", "neither a results file nor a store"),
        ("nix@latest", "neither a results file nor a store"),
        ("store@2020", "holds 0 runs named '2020'"),
        ("empty", "holds no run"),
        ("broken.json", "holds no results"),
        ("broken.gz", "damaged"),
    ],
)
def test_what_cannot_be_compared_is_said_in_one_line(folder: Path, name: str, told: str) -> None:
    (folder / "empty").mkdir()
    (folder / "broken.json").write_text('{"cells": 1}')
    (folder / "broken.gz").write_bytes(b"\x1f\x8b nonsense")
    done = CliRunner().invoke(group, ["compare", str(folder / name), str(folder / "b.json")], standalone_mode=False)
    assert told in str(done.exception)
    assert "\n" not in str(done.exception)


def part(number: int, folder: Path) -> Path:
    """One of two parts, each with one cell."""
    cells = [cell(route="a"), cell(route="b")]
    parts = tuple(
        Shard(platform=LINUX, number=each, of=2, delivered=each == number, planned=(planned(cells[each - 1]),)) for each in (1, 2)
    )
    file = folder / f"part-{number}.json"
    file.write_bytes(encode(matrix(0, cells[number - 1], shards=parts)))
    return file


def test_merge_writes_stores_and_says_what_is_missing(tmp_path: Path) -> None:
    one, two = part(1, tmp_path), part(2, tmp_path)
    done = invoked("merge", two, one, "--expect", "2", "--json", tmp_path / "all.json", "--store", tmp_path / "store")
    assert done.exit_code == 0, done.output
    assert "missing" not in done.output
    assert "stored as 2026-11-01T021700Z-" in done.output
    whole = decode((tmp_path / "all.json").read_bytes())
    assert [(item.route, item.verdict) for item in whole.cells] == [("a", Verdict.HEARD), ("b", Verdict.HEARD)]
    assert Store(tmp_path / "store").latest() == whole

    done = invoked("merge", one, "--expect", "2", "--store", tmp_path / "store")
    assert "1 of 2 parts are missing" in done.output
    assert "the results of part 2 of 2 on linux-x86_64 are missing" in done.output
    assert [entry.complete for entry in Store(tmp_path / "store").history().runs].count(False) == 1


def test_merge_leaves_out_a_damaged_part_and_treats_it_as_missing(tmp_path: Path) -> None:
    one, two = part(1, tmp_path), part(2, tmp_path)
    two.write_bytes(two.read_bytes()[:-40])
    done = invoked("merge", one, two, "--expect", "2", "--json", "-")
    assert done.exit_code == 0
    assert f"left out: {two} holds no results" in done.stderr
    assert [item["verdict"] for item in json.loads(done.stdout)["cells"]] == ["heard", "skipped"]
    assert invoked("merge", two).exit_code == 1  # a ClickException; `main` makes 2 of it


def test_merge_names_both_files_of_a_conflict(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(encode(matrix(0, cell())))
    (tmp_path / "b.json").write_bytes(encode(matrix(0, cell(Verdict.DEAF))))
    done = invoked("merge", tmp_path / "a.json", tmp_path / "b.json", "--store", tmp_path / "store")
    assert done.exit_code == 1
    assert all(word in done.output for word in ("a.json", "b.json", "different results"))
    assert not (tmp_path / "store").exists()
