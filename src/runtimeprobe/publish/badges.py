"""Badges for a project's page: one JSON per runtime, model and weights, for shields.io/badges/endpoint-badge."""

from collections.abc import Iterable, Sequence
from functools import partial

import msgspec

from runtimeprobe.publish.edition import Edition, digest
from runtimeprobe.publish.interface import Output, safe
from runtimeprobe.publish.naming import file_name
from runtimeprobe.results import NOT_EVALUATED, ORDER, Cell, Verdict

COLOURS = {
    Verdict.HEARD: "brightgreen",
    Verdict.GARBLED: "yellow",
    Verdict.DEAF: "orange",
    Verdict.IGNORED: "red",
    Verdict.REJECTED: "blueviolet",
    Verdict.FAILED: "red",
    Verdict.CRASHED: "red",
    Verdict.TIMEOUT: "orange",
}


def outputs(edition: Edition) -> Iterable[Output]:
    grouped: dict[tuple[str, str, str], list[Cell]] = {}
    for cell in edition.cells:
        grouped.setdefault((cell.runtime, cell.model, cell.weights), []).append(cell)
    for (runtime, model, weights), cells in grouped.items():
        made = badge(runtime, model, weights, cells)
        yield Output(f"badges/{file_name(runtime)}/{file_name(f'{model}-{weights}')}.json", digest(made), partial(encoded, made))


def encoded(made: dict[str, object]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n"


def badge(runtime: str, model: str, weights: str, cells: Sequence[Cell]) -> dict[str, object]:
    """The best that one of its ways in does, and how many do."""
    measured = [cell for cell in cells if cell.verdict not in NOT_EVALUATED]
    label = safe(f"{runtime} {model}" + (" (twin)" if weights == "twin" else ""), 80)
    if not measured:
        return {"schemaVersion": 1, "label": label, "message": "not measured", "color": "lightgrey"}
    best = min((cell.verdict for cell in measured), key=ORDER.index)
    heard = sum(cell.verdict is Verdict.HEARD for cell in measured)
    message = f"heard through {heard} of {len(measured)}" if heard else best.value
    colour = COLOURS[best] if heard in (0, len(measured)) else "green"
    return {"schemaVersion": 1, "label": label, "message": message, "color": colour}
