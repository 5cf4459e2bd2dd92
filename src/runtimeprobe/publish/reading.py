"""From the store's folder to an edition."""

from pathlib import Path

import msgspec

from runtimeprobe.history import files
from runtimeprobe.history.files import StoreError
from runtimeprobe.history.store import Store
from runtimeprobe.publish.edition import Edition
from runtimeprobe.timeline.results import Timeline

TIMELINES = "timelines"


def edition(store: Path, address: str) -> tuple[Edition, tuple[str, ...]]:
    """What the store holds, and a line for each timeline that could not be read. Raises StoreError if there is nothing to publish."""
    kept = Store(store)
    matrix = kept.latest()
    history = kept.history(now=matrix.created)  # stale is what the others of the newest run are not; the page itself tells its own age
    timelines, problems = timelines_in(store / TIMELINES)
    return Edition(matrix, history, timelines, address), problems


def timelines_in(folder: Path) -> tuple[tuple[Timeline, ...], tuple[str, ...]]:
    found: list[Timeline] = []
    problems: list[str] = []
    for file in sorted(folder.glob("*.json")):
        try:
            found.append(msgspec.json.decode(files.read(file), type=Timeline))
        except (OSError, StoreError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            problems.append(f"{file} is left out, it is no timeline: {error}")
    return tuple(found), tuple(problems)
