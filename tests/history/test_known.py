"""Known upstream issues: which cells they are about, and mistakes in the file."""

from pathlib import Path

import pytest

from runtimeprobe.history import known
from runtimeprobe.history.files import StoreError
from runtimeprobe.history.known import Known, Point, Upstream
from runtimeprobe.history.store import Store
from runtimeprobe.results import Verdict
from tests.history.made import cell, matrix

ROOT = Path(__file__).resolve().parents[2]
ISSUE = """
[[issue]]
url = "https://example.org/issues/1"
title = "it is deaf"
verdict = "deaf"
"""


def loaded(tmp_path: Path, text: str) -> Known:
    file = tmp_path / "known_issues.toml"
    file.write_text(text)
    return known.load(file)


@pytest.mark.parametrize(
    ("lines", "about"),
    [
        ("", True),
        ('engine = "alpha"\nroute = "ch*"', True),
        ('engine = "beta"', False),
        ('platform = "linux-*"\nquantization = "F16"', True),
        ('weights = "real"', False),
        ('versions = ">=1,<2"', True),
        ('versions = ">=2"', False),
        ('builds = ">=9318"', True),
        ('builds = "<9318"', False),
    ],
)
def test_an_issue_is_about_the_cells_that_every_field_fits(tmp_path: Path, lines: str, about: bool) -> None:
    issues = loaded(tmp_path, ISSUE + lines).issues_for(cell(engine_version="1.5", build="b9400"))
    assert [issue.url for issue in issues] == (["https://example.org/issues/1"] if about else [])


def test_a_version_that_is_not_known_is_in_no_range(tmp_path: Path) -> None:
    ranged = loaded(tmp_path, ISSUE + 'versions = ">=0"')
    assert not ranged.issues_for(cell(engine_version=""))
    assert not ranged.issues_for(cell(engine_version="who knows"))
    assert ranged.issues_for(cell(engine_version="b9400"))  # llama-server's version is its build
    assert ranged.issues_for(cell(engine_version="1.0.dev3"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (ISSUE + 'verdit = "deaf"', "unknown field `verdit`"),
        (ISSUE.replace('deaf"\nverdict', 'x"\nverdict').replace('verdict = "deaf"', 'verdict = "mute"'), "verdict"),
        (ISSUE.replace("https", "javascript"), "no https address"),
        (ISSUE.replace('verdict = "deaf"', 'verdict = "skipped"'), "says nothing about a runtime"),
        (ISSUE + 'versions = "new"', "no range"),
        ('[[issue]]\nurl = "https://example.org"', "missing required field"),
        ("[[isue]]", "unknown field `isue`"),
        ("x = [", "known_issues.toml"),
        ('[[change]]\nengine = "a"\nurl = "https://example.org"\ntitle = "t"', "first_version or first_build"),
        ('[[change]]\nengine = "a"\nurl = "https://example.org"\ntitle = "t"\nfirst_build = "new"', "'new' is no version"),
    ],
)
def test_a_mistake_in_the_file_is_one_clear_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(StoreError) as caught:
        loaded(tmp_path, text)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


CHANGES = Known(
    changes=(
        Upstream(engine="*llama*", url="https://example.org/1", title="by build", first_build="b8766"),
        Upstream(engine="ollama", url="https://example.org/2", title="by version", first_version="0.30.0"),
    )
)


@pytest.mark.parametrize(
    ("engine", "before", "after", "titles"),
    [
        ("xllamacpp", ("2026.4.8672", "b8672"), ("2026.4.8929", "b8929"), ["by build"]),
        ("xllamacpp", ("", "b8929"), ("", "b8672"), ["by build"]),
        ("xllamacpp", ("", "b8765"), ("", "b8766"), ["by build"]),
        ("xllamacpp", ("", "b8766"), ("", "b8767"), []),
        ("xllamacpp", ("1", ""), ("2", ""), []),
        ("mlx-vlm", ("1", "b1"), ("2", "b9999"), []),
        ("ollama", ("0.24.0", ""), ("0.30.0", ""), ["by version"]),
        ("ollama", ("0.24.0", "b1"), ("0.31.0", "b9000"), ["by build", "by version"]),
    ],
)
def test_changes_between_two_versions(engine: str, before: tuple[str, str], after: tuple[str, str], titles: list[str]) -> None:
    ends = [Point(version=version, build=build) for version, build in (before, after)]
    assert [change.title for change in CHANGES.between(engine, *ends)] == titles


def test_the_store_puts_the_address_on_the_cells_it_reads(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.add(matrix(0, cell(Verdict.DEAF), cell(engine="beta", issues=("https://example.org/0",))))
    (tmp_path / "known_issues.toml").write_text(ISSUE)
    assert [item.issues for item in store.latest().cells] == [
        ("https://example.org/issues/1",), ("https://example.org/0", "https://example.org/issues/1"),
    ]  # fmt: skip
    (tmp_path / "known_issues.toml").write_text("nonsense")
    with pytest.raises(StoreError, match=r"known_issues\.toml"):
        store.history()


def test_the_file_that_ships_is_right_and_knows_what_was_measured() -> None:
    shipped = known.shipped()
    assert shipped.issues == known.load(ROOT / "matrix" / "known_issues.toml").issues
    silent = cell(Verdict.IGNORED, engine="llama-cpp-python", route="chat.input_audio", runtime="llama.cpp", engine_version="0.3.36")
    assert [issue.verdict for issue in shipped.issues_for(silent)] == [Verdict.IGNORED]
    before, after = Point(version="2026.4.8672", build="b8672"), Point(version="2026.4.8929", build="b8929")
    assert [change.url for change in shipped.between("xllamacpp", before, after)] == ["https://github.com/ggml-org/llama.cpp/pull/21421"]
