"""What every format shares: the symbols, the legend, the grid, and making hostile text safe to print."""

import sys
import unicodedata
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from runtimeprobe.results import Cell, Matrix, Struct, Verdict

if TYPE_CHECKING:
    from rich.console import Console

SYMBOLS = {
    Verdict.HEARD: ("✔", "both clips transcribed right, and not without them"),
    Verdict.GARBLED: ("≈", "the answer depends on the sound, the words are wrong"),
    Verdict.DEAF: ("◌", "sound tokens consumed, the answer does not depend on them"),
    Verdict.IGNORED: ("∅", "accepted without error, the sound never reached the model"),
    Verdict.REJECTED: ("✖", "refused with an explicit error"),
    Verdict.FAILED: ("!", "another error"),
    Verdict.CRASHED: ("☠", "the process died"),
    Verdict.TIMEOUT: ("⧖", "no answer in time"),
    Verdict.SKIPPED: ("–", "not evaluated: says nothing about the runtime"),
    Verdict.ERROR: ("?", "our own fault: says nothing about the runtime"),
}


PLAIN_WIDTH = 140  # columns where nobody's terminal says: logs and files


def console(*, stderr: bool = False) -> "Console":
    """The console a command prints to. NO_COLOR is rich's own business."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else PLAIN_WIDTH)


class Format(Protocol):
    """One way to show a matrix."""

    def render(self, matrix: Matrix) -> str: ...


class Row(Struct, frozen=True, kw_only=True):
    """One engine and route; `cells` by (model, weights)."""

    runtime: str
    engine: str
    version: str
    device: str
    route: str
    cells: dict[tuple[str, str], Cell]


def columns(cells: Iterable[Cell]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted({(cell.model, cell.weights) for cell in cells}, key=lambda item: (item[1] != "twin", item[0])))


def rows(cells: Iterable[Cell]) -> tuple[Row, ...]:
    """Rows in the order of their first cell."""
    grouped: dict[tuple[str, str, str, str], list[Cell]] = {}
    for cell in cells:
        grouped.setdefault((cell.runtime, cell.engine, cell.engine_version, cell.route), []).append(cell)
    return tuple(
        Row(
            runtime=runtime,
            engine=engine,
            version=version,
            device=next((cell.device for cell in group if cell.device), ""),
            route=route,
            cells={(cell.model, cell.weights): cell for cell in group},
        )
        for (runtime, engine, version, route), group in grouped.items()
    )


def safe(text: str, most: int = 300) -> str:
    """One printable line of text from a model or server: no control, format (bidi) or surrogate characters, bounded."""
    head = text[: most * 4]
    kept = "".join(
        " " if character in "\n\t\r" else character if unicodedata.category(character)[0] != "C" else "\N{REPLACEMENT CHARACTER}"
        for character in head
    )
    line = " ".join(kept.split())
    return line if len(line) <= most else line[: most - 1] + "…"
