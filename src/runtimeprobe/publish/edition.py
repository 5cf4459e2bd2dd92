"""What is published: the newest matrix, its history and the release timelines, read once and handed to every format."""

import functools
import hashlib
import urllib.parse
from collections import Counter
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import msgspec

from runtimeprobe.history.model import Change, History, Key, Kind, RunEntry, Spell, Track
from runtimeprobe.results import NOT_EVALUATED, Cell, Matrix, Struct
from runtimeprobe.timeline.results import Timeline

DAY_S = 86_400


class Earlier(Struct, frozen=True, kw_only=True):
    """A cell that the newest run did not plan, as an earlier one measured it: shown with its own date."""

    cell: Cell
    created: str  # of its run
    hearing_test: str


class Edition:
    """Everything a format may show. Immutable by habit; what several formats need is worked out once."""

    def __init__(
        self,
        matrix: Matrix,
        history: History | None = None,
        timelines: tuple[Timeline, ...] = (),
        address: str = "",
        earlier: tuple[Earlier, ...] = (),
    ) -> None:
        self.matrix = matrix
        self.earlier = earlier
        self.cells: tuple[Cell, ...] = (*matrix.cells, *(item.cell for item in earlier))
        self.timelines = timelines
        self.address = address  # where the site will be, with a slash at its end; "" where that is not known
        self.runs: tuple[RunEntry, ...] = tuple(history.runs) if history else ()
        self.changes: tuple[Change, ...] = tuple(history.changes) if history else ()
        self.history: tuple[Track, ...] = tuple(history.tracks) if history else ()
        self.problems: tuple[str, ...] = (*matrix.problems, *(history.problems if history else ()))

    @cached_property
    def tracks(self) -> dict[str, Track]:
        """By the slug of their key."""
        return {track.key.slug: track for track in self.history}

    @cached_property
    def engines(self) -> dict[str, list[Cell]]:
        """Cells by engine: those with something measured first, otherwise in the order of the run."""
        grouped: dict[str, list[Cell]] = {}
        for cell in self.cells:
            grouped.setdefault(cell.engine, []).append(cell)
        return dict(sorted(grouped.items(), key=lambda item: all(cell.verdict in NOT_EVALUATED for cell in item[1])))

    @cached_property
    def news(self) -> tuple[Change, ...]:
        """Changes worth telling, newest first: not that a version has a new number, nor that everything is new on the first run."""
        first = self.runs[0].created if self.runs else ""
        return tuple(
            change for change in self.changes if change.kind is not Kind.CHANGED and not (change.kind is Kind.NEW and change.when <= first)
        )

    @cached_property
    def months(self) -> dict[str, list[Change]]:
        """News by month, newest first."""
        grouped: dict[str, list[Change]] = {}
        for change in self.news:
            grouped.setdefault(change.when[:7], []).append(change)
        return grouped

    @cached_property
    def slugs(self) -> dict[int, str]:
        """By the identity of a cell. Two cells of one key (two files of one quantization) are told apart by a number."""
        seen: Counter[str] = Counter()
        result = {}
        for cell in self.cells:
            slug = Key.of(cell).slug
            seen[slug] += 1
            result[id(cell)] = slug if seen[slug] == 1 else f"{slug}/{seen[slug]}"
        return result

    def slug(self, cell: Cell) -> str:
        """The address of a cell within a page."""
        return self.slugs[id(cell)]

    @cached_property
    def dated(self) -> dict[int, Earlier]:
        """Cells of earlier runs, by identity."""
        return {id(item.cell): item for item in self.earlier}

    def created(self, cell: Cell) -> str:
        """When its run was made."""
        item = self.dated.get(id(cell))
        return item.created if item else self.matrix.created

    def hearing_test(self, cell: Cell) -> str:
        item = self.dated.get(id(cell))
        return item.hearing_test if item else self.matrix.hearing_test

    def track(self, cell: Cell) -> Track | None:
        return self.tracks.get(Key.of(cell).slug)

    def last_measured(self, cell: Cell) -> Spell | None:
        """The last spell in which something was measured."""
        track = self.track(cell)
        spells = track.spells if track else ()
        return next((spell for spell in reversed(spells) if spell.measured), None)

    def at(self, path: str) -> str:
        """The full address of a page, or "" where nobody said where the site will be."""
        return urllib.parse.urljoin(self.address, path) if self.address else ""


def digest(*parts: Any) -> str:
    """Of anything msgspec can write."""
    made = hashlib.sha256()
    for part in parts:
        data = msgspec.json.encode(part)
        made.update(len(data).to_bytes(8, "big") + data)
    return made.hexdigest()[:32]


@functools.lru_cache(10_000)  # a night's time stands in thousands of spells
def instant(iso: str) -> float:
    try:
        when = datetime.fromisoformat(iso)
    except ValueError:
        return 0.0
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def days(before: str, after: str) -> int:
    """Whole days between two ISO times; 0 where one of them is none."""
    begin, end = instant(before[:10]), instant(after[:10])
    return round((end - begin) / DAY_S) if begin and end else 0
