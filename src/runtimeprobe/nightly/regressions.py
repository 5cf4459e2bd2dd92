"""A history to what got worse and still is. Pure.

A regression is an engine's route from the version (or the night) on in which it got worse, with all cells that fell then. It stands until
each of them is as good as before, or gone; a cell that is not measured proves nothing. What flakes is no regression.
"""

import hashlib
from collections.abc import Iterable

import msgspec

from runtimeprobe.history.model import Change, History, Key, Kind, Spell
from runtimeprobe.results import ORDER, Struct, Verdict

WORSE = (Kind.REGRESSED, Kind.BROKEN)


class Fallen(Struct, frozen=True, kw_only=True):
    """One cell of a regression. `before`: the last good spell, None where a known issue alone let us expect better. `now`: the newest."""

    key: Key
    since: str
    before: Spell | None
    now: Spell
    version: str  # the first bad one
    issue: str = ""
    note: str = ""


class Regression(Struct, frozen=True, kw_only=True):
    runtime: str
    engine: str
    route: str
    version: str
    cells: tuple[Fallen, ...]

    @property
    def id(self) -> str:
        """The same as long as it is the same regression, whichever cells have healed meanwhile."""
        parts = (self.runtime, self.engine, self.route, self.version)
        return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:16]

    @property
    def worst(self) -> Verdict:
        return max((cell.now.verdict for cell in self.cells), key=ORDER.index)


def standing(history: History) -> tuple[Regression, ...]:
    """The worst first."""
    changes: dict[Key, list[Change]] = {}
    for change in reversed(history.changes):
        changes.setdefault(change.key, []).append(change)
    grouped: dict[tuple[str, str, str, str], list[Fallen]] = {}
    for track in history.tracks:
        fallen = fell(changes.get(track.key, ()))
        if fallen is not None and track.measured:
            cell = Fallen(
                key=track.key,
                since=fallen.when,
                before=fallen.before,
                now=track.measured[-1],
                version=fallen.after.engine_version if fallen.after else "",
                issue=fallen.issue,
                note=fallen.note,
            )
            # Without a version nothing but the night tells one regression from the next.
            which = cell.version or cell.since[:10]
            grouped.setdefault((track.key.runtime, track.key.engine, track.key.route, which), []).append(cell)
    found = [
        Regression(runtime=runtime, engine=engine, route=route, version=version, cells=tuple(sorted(cells, key=lambda cell: cell.key)))
        for (runtime, engine, route, version), cells in grouped.items()
    ]
    return tuple(sorted(found, key=lambda item: (-ORDER.index(item.worst), item.runtime, item.engine, item.route, item.version)))


def fell(changes: Iterable[Change]) -> Change | None:
    """The change from which on the cell is worse than it was, of all its changes, oldest first; None if it is not."""
    fallen: Change | None = None
    for change in changes:
        if change.kind in WORSE:
            fallen = fallen or change
        elif fallen is not None and (change.kind is Kind.GONE or healed(fallen, change)):
            fallen = None
    return fallen


def healed(fallen: Change, change: Change) -> bool:
    if change.after is None or change.kind is Kind.STALE:
        return False
    if fallen.before is None:
        return change.kind in (Kind.IMPROVED, Kind.FIXED)
    return ORDER.index(change.after.verdict) <= ORDER.index(fallen.before.verdict)
