"""Two matrices to what changed between them: the same rules as the store's, for a history of two runs. Pure."""

from collections import Counter

import msgspec

from runtimeprobe.history import classify
from runtimeprobe.history.known import Known
from runtimeprobe.history.ledger import Ledger, Seen
from runtimeprobe.history.model import Change, Kind, RunEntry, Spell
from runtimeprobe.results import Matrix, Struct

SCHEMA_VERSION = 1
# Stand in for the times of the runs, whichever is the older: A comes first because the user says so.
FIRST, SECOND = "0001-01-01T00:00:00Z", "0001-01-02T00:00:00Z"


class Comparison(Struct, frozen=True, kw_only=True):
    """`same`: cells measured in both, with one verdict. `before`, `after`: what the user called them."""

    schema_version: int = SCHEMA_VERSION
    before: str
    after: str
    before_created: str
    after_created: str
    same: int
    counts: dict[str, int]
    changes: tuple[Change, ...]


def compare(before: Matrix, after: Matrix, known: Known, names: tuple[str, str]) -> Comparison:
    ledger = Ledger()
    for created, matrix in ((FIRST, before), (SECOND, after)):
        entry = RunEntry(id=created, created=created, file="", hearing_test="", platforms=(), cells=0, complete=True, digest="")
        ledger.add(entry, msgspec.json.decode(msgspec.json.encode(matrix), type=Seen))
    times = {FIRST: before.created, SECOND: after.created}

    def dated(spell: Spell | None) -> Spell | None:
        if spell is None:
            return None
        return msgspec.structs.replace(spell, first=times[spell.first], last=times[spell.last], first_run="", last_run="")

    changes: list[Change] = []
    same = 0
    for track in ledger.tracks():
        measured = track.measured
        if not measured:
            continue
        # What A had and B did not measure is old, however few days are between them.
        found = [*classify.of_track(track, known), *classify.staleness(track, SECOND, 0)]
        both = measured[0].first == FIRST and measured[-1].last == SECOND
        found = [change for change in found if change.when == SECOND or change.kind in (Kind.STALE, Kind.GONE)]
        same += both and not found
        changes += [
            msgspec.structs.replace(change, when=after.created, before=dated(change.before), after=dated(change.after)) for change in found
        ]
    changes.sort(key=lambda change: (classify.KINDS.index(change.kind), change.key))
    return Comparison(
        before=names[0],
        after=names[1],
        before_created=before.created,
        after_created=after.created,
        same=same,
        counts=dict(Counter(change.kind.value for change in changes)),
        changes=tuple(changes),
    )
