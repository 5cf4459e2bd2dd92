"""Last week's timeline and this week's to one. Pure.

A week measures the newest few releases of a program; the older ones are those of earlier weeks. They stand in one timeline only if they
were measured in the same way on the same platform.
"""

from collections.abc import Mapping

import msgspec
from packaging.version import InvalidVersion, Version

from runtimeprobe.contract import Releases
from runtimeprobe.timeline.results import Row, Timeline
from runtimeprobe.timeline.story import Known, nothing_known, story


def joined(old: Timeline, new: Timeline, how: Releases, known: Known = nothing_known) -> Timeline:
    """`new` with the releases that only `old` has; `new` itself where the two cannot be compared."""
    before, after = rows(old), rows(new)
    if before is None or after is None or method(old) != method(new):
        return new
    together = {**before, **after}
    try:
        order = sorted(together, key=Version)
    except InvalidVersion:
        return new
    all_rows = [together[version] for version in order]
    return msgspec.structs.replace(
        new,
        cells=tuple(cell for row in all_rows for cell in row.cells),
        releases=tuple(row.release for row in all_rows),
        story=story(all_rows, how, known),
        problems=tuple(dict.fromkeys((*old.problems, *new.problems))),
    )


def method(timeline: Timeline) -> tuple[object, ...]:
    """What must be the same."""
    platforms = frozenset(cell.platform for cell in timeline.cells)
    return timeline.engine, timeline.hearing_test, timeline.attempts, platforms


def rows(timeline: Timeline) -> Mapping[str, Row] | None:
    """Cells by release; None where a cell does not tell its release, or where releases were left out on purpose."""
    versions = {release.version for release in timeline.releases}
    if timeline.method != "every" or any(cell.engine_version not in versions for cell in timeline.cells):
        return None
    return {
        release.version: Row(release=release, cells=tuple(cell for cell in timeline.cells if cell.engine_version == release.version))
        for release in timeline.releases
    }
