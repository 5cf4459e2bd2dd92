"""What is printed: the grid, the reasons, and nothing that a hostile answer could do to a terminal."""

import io

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from syrupy.assertion import SnapshotAssertion

from runtimeprobe.publish import markdown, terminal
from runtimeprobe.publish.interface import SYMBOLS, safe
from runtimeprobe.results import Cell, FormatResult, Host, Matrix, Verdict

HOST = Host(os="Linux", arch="x86_64", cpu="Test", gpu="", memory_bytes=1, python="3.11")


def cell(verdict: Verdict, *, engine: str = "engine", route: str = "route", reason: str = "because", note: str = "") -> Cell:
    return Cell(
        runtime="Runtime", engine=engine, engine_version="1", route=route, model="gemma-4-e2b", weights="twin", verdict=verdict,
        reason=reason, reproduce="runtimeprobe matrix", notes=(note,) if note else (),
    )  # fmt: skip


def matrix(*cells: Cell, complete: bool = True) -> Matrix:
    return Matrix(created="2026-11-24T00:00:00Z", host=HOST, hearing_test="1", cells=cells, complete=complete)


def printed(shown: Matrix, width: int = 120) -> str:
    text = io.StringIO()
    terminal.render(shown, Console(file=text, width=width))
    return text.getvalue()


def test_one_row_per_route_one_column_per_model(snapshot: SnapshotAssertion) -> None:
    cells = [cell(verdict, route=f"route.{verdict}") for verdict in Verdict]
    others = [msgspec.structs.replace(item, model="gemma-4-e4b") for item in cells]
    assert printed(matrix(*cells, *others)) == snapshot


def test_whatever_is_not_heard_is_explained_with_its_command() -> None:
    text = printed(matrix(cell(Verdict.HEARD, engine="good"), cell(Verdict.IGNORED, engine="bad", reason="the prompt did not grow")))
    assert "bad route gemma-4-e2b: ignored. the prompt did not grow" in text
    assert text.count("runtimeprobe matrix") == 1


def test_a_note_is_shown_though_the_cell_is_heard() -> None:
    assert "defaults lose the answer" in printed(matrix(cell(Verdict.HEARD, note="defaults lose the answer")))


def test_a_note_on_every_cell_of_an_engine_is_said_once() -> None:
    cells = [cell(Verdict.HEARD, engine="new", route=route, note="proven only against an emulator") for route in ("one", "two", "three")]
    text = printed(matrix(*cells, cell(Verdict.HEARD, engine="old", note="something else")))
    assert text.count("proven only against an emulator") == 1
    assert "note: new: proven only against an emulator" in text
    assert "note: old route gemma-4-e2b: something else" in text


def test_an_interrupted_run_says_so() -> None:
    assert "interrupted" in printed(matrix(complete=False))


def test_formats_have_a_table_of_their_own() -> None:
    result = FormatResult(
        engine="e", route="r", model="m", clip="a.ogg", container="OGG", seconds=1.5, verdict=Verdict.REJECTED, reason="needs ffmpeg"
    )
    shown = Matrix(created="", host=HOST, hearing_test="", cells=(cell(Verdict.HEARD),), formats=(result,))
    assert "OGG: rejected: needs ffmpeg" in printed(shown)


HOSTILE = "\x1b[2J\x1b]0;owned\x07 \u202egnp.exe\u2066 [bold red]markup[/] [link=http://x]y[/link] \x00\ud800"


def test_hostile_text_prints_as_text() -> None:
    text = printed(matrix(cell(Verdict.FAILED, reason=HOSTILE, engine=HOSTILE)))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "[bold red]markup[/]" in text
    page = markdown.render(matrix(cell(Verdict.FAILED, reason="<script>alert(1)</script> | `x` [a](b)")))
    assert "<script>" not in page
    assert "\\|" in page


@settings(deadline=None)
@given(st.text())
def test_safe_text_is_one_bounded_printable_line(text: str) -> None:
    line = safe(text, 50)
    assert len(line) <= 50
    assert line.isprintable()


def test_every_verdict_has_a_symbol_and_a_meaning() -> None:
    assert set(SYMBOLS) == set(Verdict)
    assert len({symbol for symbol, _ in SYMBOLS.values()}) == len(Verdict)
