"""A release timeline as lanes: releases by date along x, one lane per model and route; and the same as a table and as sentences."""

from itertools import pairwise
from typing import Any

from runtimeprobe.publish.edition import instant
from runtimeprobe.publish.interface import SYMBOLS, safe
from runtimeprobe.publish.naming import file_name, https
from runtimeprobe.publish.news import short
from runtimeprobe.publish.timeline import cells_of, columns, grouped, notes, reason, since, unmeasured, what_changed
from runtimeprobe.results import Cell, Verdict
from runtimeprobe.timeline.results import Change, Release, Timeline

LEFT, STEP, LANE, TOP, BOTTOM = 170, 26, 44, 44, 92  # pixels; STEP: two marks are never closer
WIDTH = 1190
ROUND = {Verdict.HEARD: 9, Verdict.GARBLED: 5, Verdict.SKIPPED: 9, Verdict.ERROR: 9}  # of the mark's corners: the shape of a verdict

Lane = dict[str, Cell]  # by version


def view(timeline: Timeline) -> dict[str, Any]:
    releases = shown(timeline)
    positions = place(releases)
    own = {key: lane_of(timeline, key) for key in keys(timeline)}
    drawn = [lane(key, cells, releases, positions, TOP + LANE * number) for number, (key, cells) in enumerate(own.items())]
    return {
        "id": file_name(timeline.engine),
        "engine": safe(timeline.engine, 60),
        "count": len(releases),
        "story": story(timeline),
        "notes": list(notes(timeline)),
        "width": max(positions, default=LEFT) + 90,
        "height": TOP + LANE * (len(drawn) - 1) + BOTTOM,
        "ticks": ticks(releases, positions),
        "versions": [{"x": x - 2, "text": safe(item.version, 18)} for item, x in zip(releases, positions, strict=True)],
        "lanes": drawn,
        "table": [row(item, own) for item in reversed(releases)],
    }


def row(item: Release, own: dict[tuple[str, str], Lane]) -> dict[str, Any]:
    told = filter(None, ("yanked" if item.yanked else "", item.build, item.note))
    return {
        "version": safe(item.version, 40),
        "date": safe(item.date[:10], 10),
        "note": safe("; ".join(told), 200),
        "verdicts": [cells[item.version].verdict.value if item.version in cells else "" for cells in own.values()],
    }


def keys(timeline: Timeline) -> tuple[tuple[str, str], ...]:
    """Model and route of each lane: those of the story, or of the cells where there is none."""
    return columns(timeline) or tuple(dict.fromkeys((cell.model, cell.route) for cell in timeline.cells))


def lane_of(timeline: Timeline, key: tuple[str, str]) -> Lane:
    found = ((version, cells.get(key) or unmeasured(cells, key[0])) for version, cells in cells_of(timeline).items())
    return {version: cell for version, cell in found if cell}


def shown(timeline: Timeline) -> list[Release]:
    """The releases that were measured, or tried, oldest first."""
    measured = {cell.engine_version for cell in timeline.cells}
    listed = [item for item in timeline.releases if item.version in measured]
    extra = dict.fromkeys(measured - {item.version for item in listed})
    return [*listed, *(Release(version=version) for version in sorted(extra))]


def place(releases: list[Release]) -> list[int]:
    """By date, but never closer than a mark is wide; in even steps where dates are not told."""
    room = max(WIDTH - LEFT - 100, STEP * len(releases))
    dates = [instant(item.date) for item in releases]
    known = [date for date in dates if date]
    begin, span = (min(known), max(max(known) - min(known), 1.0)) if known else (0.0, 1.0)
    result: list[int] = []
    for number, date in enumerate(dates):
        wish = LEFT + 20 + ((date - begin) / span * (room - STEP) if date else number * STEP)
        result.append(round(max(wish, result[-1] + STEP if result else 0)))
    return result


def ticks(releases: list[Release], positions: list[int]) -> list[dict[str, Any]]:
    """Where a month begins, as far as there is room to say so."""
    made: list[dict[str, Any]] = []
    month = ""
    for item, x in zip(releases, positions, strict=True):
        if item.date[:7] != month and item.date:
            month = item.date[:7]
            if not made or x - made[-1]["x"] >= 62:
                made.append({"x": x, "label": safe(month, 7), "anchor": "start" if not made else "middle"})
    return made


def lane(key: tuple[str, str], own: Lane, releases: list[Release], positions: list[int], y: int) -> dict[str, Any]:
    marks = [
        {
            "x": x,
            "verdict": own[item.version].verdict.value,
            "symbol": SYMBOLS[own[item.version].verdict][0],
            "round": ROUND.get(own[item.version].verdict, 1),
            "title": safe(f"{item.version}, {item.date[:10]}: {own[item.version].verdict}. {own[item.version].reason}", 200),
        }
        for item, x in zip(releases, positions, strict=True)
        if item.version in own
    ]
    runs = [{"verdict": left["verdict"], "x1": left["x"], "x2": right["x"]} for left, right in pairwise(marks)]
    return {"model": safe(short(key[0]), 24), "route": safe(key[1], 28), "y": y, "marks": marks, "runs": runs}


def story(timeline: Timeline) -> list[dict[str, Any]]:
    """What the releases tell, once for all tracks that tell the same."""
    return [
        {
            "who": safe("; ".join(f"{short(track.model)} {track.route}" for track in tracks), 300),
            "since": safe(since(tracks[0]), 200),
            "changes": [changed(change) for change in tracks[0].changes],
        }
        for tracks in grouped(timeline).values()
    ]


def changed(change: Change) -> dict[str, Any]:
    guess = "" if change.known or not change.guess else f"Guess: {change.guess}"
    links = [("the upstream's changes", change.compare), *((title, address) for address, title in change.known)]
    return {
        "text": safe(what_changed(change), 400),
        "why": [safe(text, 400) for text in (reason(change), guess) if text],
        "links": [(safe(text, 160), https(address)) for text, address in links if https(address)],
    }
