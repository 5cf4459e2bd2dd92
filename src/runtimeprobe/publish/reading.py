"""From the store's folder to an edition."""

import contextlib
from pathlib import Path

import msgspec

from runtimeprobe.history import files
from runtimeprobe.history.files import StoreError
from runtimeprobe.history.model import History, Key
from runtimeprobe.history.store import Store
from runtimeprobe.publish.edition import Earlier, Edition, days
from runtimeprobe.results import Matrix
from runtimeprobe.timeline.results import Timeline

TIMELINES = "timelines"
DAYS, RUNS = 60, 14  # how far back cells are looked for that the newest run did not plan


def edition(store: Path, address: str) -> tuple[Edition, tuple[str, ...]]:
    """What the store holds, and a line for each timeline that could not be read. Raises StoreError if there is nothing to publish."""
    kept = Store(store)
    matrix = kept.latest()
    history = kept.history(now=matrix.created)  # stale is what the others of the newest run are not; the page itself tells its own age
    timelines, problems = timelines_in(store / TIMELINES)
    return Edition(matrix, history, timelines, address, earlier(kept, matrix, history)), problems


def earlier(store: Store, matrix: Matrix, history: History) -> tuple[Earlier, ...]:
    """Cells that the newest run did not plan, such as weights that are measured once a week: from the last run that measured them."""
    planned = {Key.of(cell) for cell in matrix.cells}
    wanted: dict[str, set[Key]] = {}
    for track in history.tracks:
        spell = track.measured[-1] if track.key not in planned and track.measured else None
        if spell and days(spell.last, matrix.created) <= DAYS and not any(when >= spell.last for when in track.gone):
            wanted.setdefault(spell.last_run, set()).add(track.key)
    found: list[Earlier] = []
    for name in sorted(wanted, reverse=True)[:RUNS]:
        with contextlib.suppress(StoreError):  # a damaged run is named by the history already
            run = store.run(name)
            cells = (cell for cell in run.cells if Key.of(cell) in wanted[name])
            found += [Earlier(cell=cell, created=run.created, hearing_test=run.hearing_test) for cell in cells]
    return tuple(found)


def timelines_in(folder: Path) -> tuple[tuple[Timeline, ...], tuple[str, ...]]:
    found: list[Timeline] = []
    problems: list[str] = []
    for file in sorted(folder.glob("*.json")):
        try:
            found.append(msgspec.json.decode(files.read(file), type=Timeline))
        except (OSError, StoreError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            problems.append(f"{file} is left out, it is no timeline: {error}")
    return tuple(found), tuple(problems)
