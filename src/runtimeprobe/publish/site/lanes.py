"""A release timeline as lanes: releases by date along x, one lane per model and route; and the same as a table and as sentences."""

from itertools import pairwise
from typing import Any

from runtimeprobe.publish.interface import SYMBOLS, safe
from runtimeprobe.publish.naming import file_name, https
from runtimeprobe.publish.news import short
from runtimeprobe.publish.site.strip import instant
from runtimeprobe.results import Cell, Verdict
from runtimeprobe.timeline.results import Change, Release, Side, Timeline, Track

LEFT, STEP, LANE, TOP, BOTTOM = 170, 26, 44, 44, 76  # pixels; STEP: two marks are never closer
WIDTH = 1190
ROUND = {Verdict.HEARD: 9, Verdict.GARBLED: 5, Verdict.SKIPPED: 9, Verdict.ERROR: 9}  # of the mark's corners: the shape of a verdict


def view(timeline: Timeline) -> dict[str, Any]:
    releases = shown(timeline)
    positions = place(releases)
    cells: dict[tuple[str, str], dict[str, Cell]] = {}
    for cell in timeline.cells:
        cells.setdefault((cell.model, cell.route), {})[cell.engine_version] = cell
    real = {key: own for key, own in cells.items() if any(cell.verdict is not Verdict.SKIPPED for cell in own.values())} or cells
    lanes = [lane(key, own, releases, positions, TOP + LANE * number) for number, (key, own) in enumerate(sorted(real.items()))]
    return {
        "id": file_name(timeline.engine),
        "engine": safe(timeline.engine, 60),
        "count": len(releases),
        "story": story(timeline),
        "width": max(positions, default=LEFT) + 90,
        "height": TOP + LANE * (len(lanes) - 1) + BOTTOM,
        "ticks": ticks(releases, positions),
        "versions": [{"x": x - 2, "text": safe(item.version, 18)} for item, x in zip(releases, positions, strict=True)],
        "lanes": lanes,
        "table": [
            {
                "version": safe(item.version, 40),
                "date": safe(item.date[:10], 10),
                "note": safe("; ".join(filter(None, ("yanked" if item.yanked else "", item.build, item.note))), 160),
                "verdicts": [own[item.version].verdict.value if item.version in own else "" for _, own in sorted(real.items())],
            }
            for item in reversed(releases)
        ],
    }


def shown(timeline: Timeline) -> list[Release]:
    """Releases oldest first: those listed, and any that a cell names beside."""
    listed = {item.version for item in timeline.releases}
    extra = dict.fromkeys(cell.engine_version for cell in timeline.cells if cell.engine_version not in listed)
    return [*timeline.releases, *(Release(version=version) for version in extra)]


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


def lane(key: tuple[str, str], own: dict[str, Cell], releases: list[Release], positions: list[int], y: int) -> dict[str, Any]:
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


def story(timeline: Timeline) -> list[tuple[str, str]]:
    """What the releases tell, one sentence per model and route and one per change: (text, address of the upstream's changes)."""
    return [line for track in timeline.story for line in told(track)]


def told(track: Track) -> list[tuple[str, str]]:
    what = f"{short(track.model)} through {track.route}"
    if track.first_heard is None:
        begun = f"{what}: heard by no release that was measured"
    else:
        begun = f"{what}: heard {'in the oldest release measured' if track.heard_before_that else 'since'} {side(track.first_heard)}"
    now = f"; now {track.now.verdict or 'without such a route'}" if track.now else ""
    return [(safe(begun + now), ""), *((safe(f"{what}: {changed(change)}", 400), https(change.compare)) for change in track.changes)]


def side(at: Side) -> str:
    return f"{at.version}{f' ({at.date[:10]})' if at.date else ''}"


def changed(change: Change) -> str:
    before, after = (at.verdict.value if at.verdict else "no such route" for at in (change.before, change.after))
    also = "".join(f", with {name} {old} to {new}" for name, (old, new) in list(change.also.items())[:3])
    guess = f"; {change.guess}" if change.guess else ""
    return f"{before} in {change.before.version}, {after} in {side(change.after)}{also}{guess}"
