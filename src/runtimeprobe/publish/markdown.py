"""The table as Markdown, for a README or an issue."""

from runtimeprobe.publish.interface import SYMBOLS, columns, rows, safe
from runtimeprobe.results import Matrix, Verdict


def escaped(text: str) -> str:
    """Text that Markdown and HTML leave alone."""
    for character in "\\`*_{}[]<>|#!~":
        text = text.replace(character, f"\\{character}" if character not in "<>" else {"<": "&lt;", ">": "&gt;"}[character])
    return text


def render(matrix: Matrix) -> str:
    shown = columns(matrix.cells)
    head = ["runtime", "engine", "route", *(f"{model} ({weights})" for model, weights in shown)]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in rows(matrix.cells):
        cells = [f"{SYMBOLS[row.cells[key].verdict][0]} {row.cells[key].verdict}" if key in row.cells else "" for key in shown]
        engine = f"{row.engine} {safe(row.version, 60)}".strip()
        lines.append("| " + " | ".join([escaped(safe(row.runtime, 60)), escaped(engine), escaped(safe(row.route, 60)), *cells]) + " |")
    reasons: dict[str, None] = {}
    for cell in matrix.cells:
        if cell.verdict is not Verdict.HEARD:
            reasons[f"- **{escaped(cell.engine)}, {escaped(cell.route)}: {cell.verdict}.** {escaped(safe(cell.reason))}"] = None
    host = matrix.host
    where = f"Measured {matrix.created[:10]} on {escaped(safe(f'{host.os}, {host.arch}, {host.cpu}', 120))}, Python {host.python}."
    return "\n".join([*lines, "", where, "", *reasons])
