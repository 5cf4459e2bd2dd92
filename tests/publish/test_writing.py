"""What publishing does to a folder: only what changed, in one step each, and never to somebody else's files."""

import hashlib
from pathlib import Path

import pytest

from runtimeprobe.publish import writing
from runtimeprobe.publish.interface import Output


def output(path: str, text: str, *, made_from: str = "") -> Output:
    return Output(path, made_from or text, text.encode)


def publish(folder: Path, *outputs: Output, name: str = "html") -> writing.Report:
    return writing.publish(folder, {name: outputs})


def test_what_did_not_change_is_not_even_made(tmp_path: Path) -> None:
    publish(tmp_path, output("a.html", "a"), output("sub/b.html", "b"))
    before = (tmp_path / "a.html").stat().st_mtime_ns

    def never() -> bytes:
        raise AssertionError

    report = publish(tmp_path, Output("a.html", "a", never), output("sub/b.html", "B"))
    assert (report.written, report.kept, report.removed) == (("sub/b.html",), 1, ())
    assert (tmp_path / "a.html").stat().st_mtime_ns == before
    assert (tmp_path / "sub/b.html").read_text() == "B"


def test_our_own_old_files_go_and_others_stay(tmp_path: Path) -> None:
    (tmp_path / "keep.txt").write_text("theirs")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "keep.txt").write_text("theirs")
    publish(tmp_path, output("a.html", "a"), output("sub/old.html", "old"))
    report = publish(tmp_path, output("a.html", "a"))
    assert report.removed == ("sub/old.html",)
    assert sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*.txt")) == ["keep.txt", "sub/keep.txt"]


def test_a_file_of_ours_that_somebody_changed_is_theirs_now(tmp_path: Path) -> None:
    publish(tmp_path, output("a.html", "a"), output("old.html", "old"))
    (tmp_path / "old.html").write_text("edited by hand")
    assert publish(tmp_path, output("a.html", "a")).removed == ()
    (tmp_path / "a.html").write_text("edited by hand")
    with pytest.raises(writing.Foreign, match=r"a\.html was not written by runtimeprobe"):
        publish(tmp_path, output("a.html", "new"))
    assert (tmp_path / "a.html").read_text() == "edited by hand"


def test_a_foreign_page_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("my homepage")
    with pytest.raises(writing.Foreign):
        publish(tmp_path, output("badge.json", "{}"), output("index.html", "table"))
    assert (tmp_path / "index.html").read_text() == "my homepage"
    (tmp_path / "index.html").unlink()
    report = publish(tmp_path, output("badge.json", "{}"), output("index.html", "table"))
    assert report.written == ("index.html",)  # what was written before the stop is known as ours


def test_one_format_leaves_the_files_of_another(tmp_path: Path) -> None:
    publish(tmp_path, output("feed.xml", "feed"), name="feed")
    publish(tmp_path, output("index.html", "site"))
    assert publish(tmp_path, output("index.html", "site 2")).removed == ()
    assert (tmp_path / "feed.xml").exists()


@pytest.mark.parametrize("path", ["../victim", "/etc/victim", "a/../../victim", "..\\victim", "C:victim"])
def test_a_forged_ledger_reaches_nothing_outside(tmp_path: Path, path: str) -> None:
    site = tmp_path / "site"
    site.mkdir()
    victim = tmp_path / "victim"
    victim.write_text("x")
    digest = hashlib.sha256(b"x").hexdigest()
    ledger = f'{{"{path.replace(chr(92), chr(92) * 2)}": {{"format": "html", "made_from": "", "sha256": "{digest}"}}}}'
    (site / writing.LEDGER).write_text(ledger)
    publish(site, output("a.html", "a"))
    assert victim.exists()


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_damaged_ledger_claims_nothing(tmp_path: Path, damage: bytes) -> None:
    publish(tmp_path, output("a.html", "a"), output("b.html", "b"))
    (tmp_path / writing.LEDGER).write_bytes(damage)
    report = publish(tmp_path, output("a.html", "a"))
    assert report.removed == ()
    assert (tmp_path / "b.html").exists()


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(tmp_path, output("a.html", "a"))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="No space"):
        publish(tmp_path, output("a.html", "new"))
    assert (tmp_path / "a.html").read_text() == "a"
    assert not list(tmp_path.glob(".a.html.*"))
