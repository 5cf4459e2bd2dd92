"""The table as Markdown, for a README or an issue, and as the page of the store's folder."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import msgspec

from runtimeprobe.publish.edition import Edition, digest
from runtimeprobe.publish.interface import SYMBOLS, Output, Place, columns, platforms, rows, safe
from runtimeprobe.publish.naming import https
from runtimeprobe.publish.news import sentence
from runtimeprobe.results import Cell, Matrix, Verdict

NEWEST = 20  # changes on the store's page
TITLE = "# The table\n\nMade by `runtimeprobe publish` from `latest.json`, which holds the proof of every cell.\n"


def outputs(edition: Edition) -> Iterable[Output]:
    yield Output(
        "README.md",
        digest(edition.matrix, edition.earlier, edition.news[:NEWEST], edition.address),
        lambda: page(edition).encode(),
        Place.STORE,
    )


def page(edition: Edition) -> str:
    """The store's README.md."""
    lines = [TITLE]
    if edition.address:
        lines.append(f"With its evidence: <{edition.address}>\n")
    dates = {key: item.created[:10] for key, item in edition.dated.items()}
    lines += [render(msgspec.structs.replace(edition.matrix, cells=edition.cells), dates), ""]
    if edition.news:
        lines += ["## What changed", ""]
        for change in edition.news[:NEWEST]:
            lines.append(f"- {change.when[:10]} **{change.kind}** {escaped(sentence(change))}{linked(change.issue)}")
        lines.append("")
    return "\n".join(lines)


def linked(address: str) -> str:
    return f" (<{https(address)}>)" if https(address) else ""


def escaped(text: str) -> str:
    """Text that Markdown and HTML leave alone."""
    for character in "\\`*_{}[]<>|#!~":
        text = text.replace(character, f"\\{character}" if character not in "<>" else {"<": "&lt;", ">": "&gt;"}[character])
    return text


def render(matrix: Matrix, dates: Mapping[int, str] = MappingProxyType({})) -> str:
    """`dates`: of cells, by identity, that were measured on another day."""
    shown, several = columns(matrix.cells), len(platforms(matrix.cells)) > 1
    head = ["runtime", "engine", "route", *(["platform"] if several else []), *(f"{model} ({weights})" for model, weights in shown)]
    lines = ["| " + " | ".join(escaped(safe(name, 80)) for name in head) + " |", "|---" * len(head) + "|"]
    for row in rows(matrix.cells):
        engine = f"{safe(row.engine, 60)} {safe(row.version, 60)}".strip()
        names = (row.runtime, engine, row.route, *([row.platform] if several else []))
        cells = [verdicts(row.cells.get(key, ()), dates) for key in shown]
        lines.append("| " + " | ".join([*(escaped(safe(name, 120)) for name in names), *cells]) + " |")
    reasons: dict[str, None] = {}
    for cell in matrix.cells:
        if cell.verdict is not Verdict.HEARD:
            where = f"{escaped(safe(cell.engine, 60))}, {escaped(safe(cell.route, 60))}"
            reasons[f"- **{where}: {cell.verdict}.** {escaped(safe(cell.reason))}"] = None
    host = matrix.host
    machine = safe(f"{host.os}, {host.arch}, {host.cpu}, Python {host.python}", 140)
    measured = f"Measured {safe(matrix.created[:10], 10)} on {escaped(machine)}."
    return "\n".join([*lines, "", measured, "", *reasons])


def verdicts(cells: Sequence[Cell], dates: Mapping[int, str]) -> str:
    """Of one place in the table; with their quantization where there are several."""
    names = [f" {escaped(safe(cell.quantization, 20))}" if len(cells) > 1 else "" for cell in cells]
    days = [f" ({dates[id(cell)]})" if id(cell) in dates else "" for cell in cells]
    return "; ".join(f"{SYMBOLS[cell.verdict][0]} {cell.verdict}{name}{day}" for cell, name, day in zip(cells, names, days, strict=True))
