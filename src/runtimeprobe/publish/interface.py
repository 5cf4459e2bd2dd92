"""What every format shares: the symbols, the legend, the grid, making hostile text safe, and what a published format is.

A published format is a module with `outputs`, and a row in `publish.formats`.
"""

import enum
import sys
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from runtimeprobe.results import Cell, Struct, Verdict

if TYPE_CHECKING:
    from rich.console import Console

    from runtimeprobe.publish.edition import Edition

SYMBOLS = {
    Verdict.HEARD: ("✔", "both clips transcribed right, and not without them"),
    Verdict.GARBLED: ("≈", "the answer depends on the sound, the words are wrong"),
    Verdict.DEAF: ("◌", "sound tokens consumed, the answer does not depend on them"),
    Verdict.IGNORED: ("∅", "accepted without error, the sound never reached the model"),
    Verdict.REJECTED: ("✖", "refused with an explicit error"),
    Verdict.FAILED: ("!", "another error"),
    Verdict.CRASHED: ("☠", "the process died"),
    Verdict.TIMEOUT: ("◷", "no answer in time"),
    Verdict.SKIPPED: ("–", "not evaluated: says nothing about the runtime"),
    Verdict.ERROR: ("?", "our own fault: says nothing about the runtime"),
}


PLAIN_WIDTH = 140  # columns where nobody's terminal says: logs and files


def console(*, stderr: bool = False) -> "Console":
    """The console a command prints to. NO_COLOR is rich's own business."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else PLAIN_WIDTH)


class Place(enum.StrEnum):
    """Where an output belongs."""

    SITE = "site"  # the folder that is published
    STORE = "store"  # beside the results
    SUMMARY = "summary"  # GitHub's step summary
    LOG = "log"  # standard output, where GitHub looks for annotations


@dataclass(frozen=True, slots=True)
class Output:
    """One file to be. `made_from` changes when its content does, so that `content` runs only for what changed."""

    path: str  # relative, with slashes
    made_from: str
    content: Callable[[], bytes]
    place: Place = Place.SITE


class Format(Protocol):
    """One way to publish."""

    def outputs(self, edition: "Edition") -> Iterable[Output]: ...


class Row(Struct, frozen=True, kw_only=True):
    """One engine and route on one platform; `cells` by (model, weights), several where several quantizations were measured."""

    runtime: str
    engine: str
    version: str
    device: str
    route: str
    platform: str
    cells: dict[tuple[str, str], tuple[Cell, ...]]


def columns(cells: Iterable[Cell]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted({(cell.model, cell.weights) for cell in cells}, key=lambda item: (item[1] != "twin", item[0])))


def rows(cells: Iterable[Cell]) -> tuple[Row, ...]:
    """Rows in the order of their first cell."""
    grouped: dict[tuple[str, str, str, str, str], dict[tuple[str, str], list[Cell]]] = {}
    for cell in cells:
        row = grouped.setdefault((cell.runtime, cell.engine, cell.engine_version, cell.route, cell.platform), {})
        row.setdefault((cell.model, cell.weights), []).append(cell)
    return tuple(
        Row(
            runtime=runtime,
            engine=engine,
            version=version,
            device=next((cell.device for own in row.values() for cell in own if cell.device), ""),
            route=route,
            platform=platform,
            cells={key: tuple(own) for key, own in row.items()},
        )
        for (runtime, engine, version, route, platform), row in grouped.items()
    )


def platforms(cells: Iterable[Cell]) -> tuple[str, ...]:
    """Those that were measured on; a table of one need not name it."""
    return tuple(sorted({cell.platform for cell in cells if cell.platform}))


def safe(text: str, most: int = 300) -> str:
    """One printable line of text from a model or server: no control, format (bidi) or surrogate characters, bounded."""
    head = text[: most * 4]
    if not (head.isascii() and head.isprintable()):
        head = "".join(
            " " if character in "\n\t\r" else character if unicodedata.category(character)[0] != "C" else "\N{REPLACEMENT CHARACTER}"
            for character in head
        )
    line = " ".join(head.split())
    return line if len(line) <= most else line[: most - 1] + "…"
