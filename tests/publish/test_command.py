"""`runtimeprobe publish` as a user runs it."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from runtimeprobe.cli import group
from tests.publish import made


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.store(tmp_path_factory.mktemp("store"))


def publish(*words: object) -> Result:
    return CliRunner().invoke(group, ["publish", *map(str, words)])


def names(folder: Path) -> set[str]:
    return {file.relative_to(folder).parts[0] for file in folder.rglob("*") if file.is_file()}


def test_everything_is_published_and_a_second_time_nothing(store: Path, tmp_path: Path) -> None:
    done = publish(tmp_path, "--store", store)
    assert done.exit_code == 0, done.output
    assert names(tmp_path) >= {
        "index.html",
        "feed.xml",
        "junit.xml",
        "badges",
        "clips",
        "data",
        "engine-mlx-vlm.html",
        "changes-2026-10.html",
    }
    assert (store / "README.md").read_text("utf-8").startswith("# The table")
    again = publish(tmp_path, "--store", store)
    assert f"{tmp_path}: 0 files written" in again.output


def test_only_what_was_asked_for(store: Path, tmp_path: Path) -> None:
    assert publish(tmp_path / "site", "--store", store, "--only", "feed, junit").exit_code == 0
    assert names(tmp_path / "site") == {"feed.xml", "junit.xml", ".runtimeprobe-site.json"}
    assert publish(tmp_path / "none", "--store", store, "--only", "markdown").exit_code == 0
    assert not (tmp_path / "none").exists()


def test_wrong_use_is_one_line_that_says_what_to_do(store: Path, tmp_path: Path) -> None:
    for words, said in (
        ((tmp_path, "--store", store, "--only", "htm"), "no format named 'htm'; did you mean html?"),
        ((tmp_path, "--store", store, "--url", "javascript:x"), "is no address such as https://"),
        ((tmp_path, "--store", tmp_path / "none"), "holds no run; make one"),
    ):
        done = publish(*words)
        assert done.exit_code in (1, 2)
        assert said in done.output
        assert "Traceback" not in done.output


@pytest.mark.parametrize("data", [b"", b"{", b"[" * 100_000, b'{"created": "\\ud800"}', b"\xff\xfe", b"null"])
def test_a_damaged_latest_json_is_one_line(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "latest.json").write_bytes(data)
    done = publish(tmp_path / "site", "--store", tmp_path)
    assert done.exit_code
    assert len(done.output.strip().splitlines()) == 1
    assert "latest.json" in done.output


def test_a_foreign_folder_is_left_alone(store: Path, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("my homepage")
    (tmp_path / "notes.txt").write_text("mine")
    done = publish(tmp_path, "--store", store)
    assert done.exit_code
    assert "was not written by runtimeprobe" in done.output
    assert (tmp_path / "index.html").read_text() == "my homepage"
    (tmp_path / "index.html").unlink()
    assert publish(tmp_path, "--store", store).exit_code == 0
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_one_line(store: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = publish(tmp_path / "file" / "site", "--store", store)
    assert done.exit_code
    assert "choose another folder" in done.output


def test_on_github_a_summary_is_added_and_annotations_printed(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    done = publish(tmp_path / "site", "--store", store, "--only", "github")
    assert done.exit_code == 0
    assert summary.read_text("utf-8").startswith("before\n## Who really hears")
    assert "::error title=crashed%3A ollama::" in done.stdout
    monkeypatch.delenv("GITHUB_ACTIONS")
    assert "::" not in publish(tmp_path / "site", "--store", store, "--only", "github").stdout
