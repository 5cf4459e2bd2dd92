"""Tracks to changes. Pure. docs/history.md says in words what is decided here."""

import itertools
from collections.abc import Iterable
from datetime import datetime, timedelta

from runtimeprobe.history.known import Issue, Known, Point
from runtimeprobe.history.model import Change, Kind, Spell, Track
from runtimeprobe.results import ORDER

STALE_DAYS = 7
KINDS = tuple(Kind)


def changes(tracks: Iterable[Track], known: Known, *, now: str, stale_days: int = STALE_DAYS) -> tuple[Change, ...]:
    """All changes of all tracks, newest first."""
    found: list[Change] = []
    for track in tracks:
        found += of_track(track, known)
        found += staleness(track, now, stale_days)
    found.sort(key=lambda change: (KINDS.index(change.kind), change.key))
    return tuple(sorted(found, key=lambda change: change.when, reverse=True))


def of_track(track: Track, known: Known) -> list[Change]:
    """Everything but staleness, oldest first."""
    measured = track.measured
    if not measured:
        return []
    found: list[Change] = []
    for life in lives(track, measured):
        found.append(birth(track, life[0], known))
        flaky = flaking(life)
        for before, after in itertools.pairwise(life):
            if before.verdict is not after.verdict:
                found.append(change(track, before, after, known, (before, after) in flaky))
        if gone := next((when for when in track.gone if when >= life[-1].last), ""):
            found.append(Change(key=track.key, kind=Kind.GONE, when=gone, before=life[-1]))
    return found


def lives(track: Track, measured: tuple[Spell, ...]) -> list[list[Spell]]:
    """Measured spells, cut where the cell was gone in between."""
    cut: list[list[Spell]] = [[measured[0]]]
    for before, after in itertools.pairwise(measured):
        if any(before.last <= when < after.first for when in track.gone):
            cut.append([])
        cut[-1].append(after)
    return cut


def birth(track: Track, spell: Spell, known: Known) -> Change:
    """The first time, or the first time again."""
    issue = expectation(track, spell, known)
    off = issue.compared(spell.verdict) if issue else 0
    kind = Kind.FIXED if off < 0 else Kind.BROKEN if off > 0 else Kind.NEW
    note = f"expected {issue.verdict}: {issue.title}" if issue and off else ""
    return Change(key=track.key, kind=kind, when=spell.first, after=spell, issue=issue.url if issue else "", note=note)


def change(track: Track, before: Spell, after: Spell, known: Known, flaky: bool) -> Change:
    """From one verdict to another."""
    better = ORDER.index(after.verdict) < ORDER.index(before.verdict)
    kind = Kind.FLAKY if flaky else Kind.IMPROVED if better else Kind.REGRESSED
    issue = expectation(track, after, known)
    notes = [blame(before, after)]
    url = issue.url if issue else ""
    if issue and not flaky:
        was = issue.compared(before.verdict) if issue in known.about(track.key, Point.of(before)) else 0
        off = issue.compared(after.verdict)
        if off < 0 <= was:
            kind = Kind.FIXED
        elif off > 0 >= was:
            kind = Kind.BROKEN
        if off:
            notes.append(f"expected {issue.verdict}: {issue.title}")
    elif not issue and better and (old := expectation(track, before, known)):
        url = old.url
        notes.append(f"was: {old.title}")
    if before.release != after.release:
        upstream = known.between(track.key.engine, Point.of(before), Point.of(after))
        notes += [item.title for item in upstream]
        url = url or next((item.url for item in upstream), "")
    return Change(key=track.key, kind=kind, when=after.first, before=before, after=after, issue=url, note="; ".join(filter(None, notes)))


def expectation(track: Track, spell: Spell, known: Known) -> Issue | None:
    return next(iter(known.about(track.key, Point.of(spell))), None)


def blame(before: Spell, after: Spell) -> str:
    """What a reader must know before the runtime is blamed."""
    changed = [
        text
        for differs, text in (
            (
                before.hearing_test != after.hearing_test,
                f"the hearing test changed from {before.hearing_test} to {after.hearing_test}",
            ),
            (before.digest != after.digest, "the model's files changed"),
        )
        if differs
    ]
    if before.release != after.release:
        return f"{' and '.join(changed)} as well" if changed else ""
    if not after.engine_version:
        return "; ".join([*changed, "the engine does not tell its version"])
    return f"{' and '.join(changed)}; nothing about the runtime did" if changed else "the same version and build as before"


def flaking(life: list[Spell]) -> set[tuple[Spell, Spell]]:
    """Changes that a version made both ways, or in the middle of one run: with the same runtime, hearing test and model files."""
    found: set[tuple[Spell, Spell]] = set()
    for same, group in itertools.groupby(life, key=lambda spell: (spell.release, spell.method)):
        pairs = [(before, after) for before, after in itertools.pairwise(group) if before.verdict is not after.verdict]
        ways = {ORDER.index(after.verdict) < ORDER.index(before.verdict) for before, after in pairs}
        if same[0][0]:
            found |= {pair for pair in pairs if len(ways) == 2 or any(0 < spell.passes < spell.attempts for spell in pair)}
    return found


def staleness(track: Track, now: str, stale_days: int) -> list[Change]:
    """Not measured for more than so many whole days. What is gone is not stale."""
    measured = track.measured
    if not measured or any(when >= measured[-1].last for when in track.gone):
        return []
    last = measured[-1]
    if days_between(last.last, now) <= stale_days:
        return []
    when = (datetime.fromisoformat(last.last) + timedelta(days=stale_days + 1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    skipped = track.spells[-1]
    note = "" if skipped.measured else f"{skipped.verdict}: {skipped.reason}"
    return [Change(key=track.key, kind=Kind.STALE, when=when, before=last, note=note)]


def days_between(earlier: str, later: str) -> int:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).days
