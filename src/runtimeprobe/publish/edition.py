"""What is published: the newest matrix, its history and the release timelines, read once and handed to every format."""

import hashlib
import urllib.parse
from collections import Counter
from functools import cached_property
from typing import Any

import msgspec

from runtimeprobe.history.model import Change, History, Key, Kind, RunEntry, Spell, Track
from runtimeprobe.results import NOT_EVALUATED, Cell, Matrix
from runtimeprobe.timeline.results import Timeline


class Edition:
    """Everything a format may show. Immutable by habit; what several formats need is worked out once."""

    def __init__(self, matrix: Matrix, history: History | None = None, timelines: tuple[Timeline, ...] = (), address: str = "") -> None:
        self.matrix = matrix
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
        for cell in self.matrix.cells:
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
        for cell in self.matrix.cells:
            slug = Key.of(cell).slug
            seen[slug] += 1
            result[id(cell)] = slug if seen[slug] == 1 else f"{slug}/{seen[slug]}"
        return result

    def slug(self, cell: Cell) -> str:
        """The address of a cell within a page."""
        return self.slugs[id(cell)]

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
