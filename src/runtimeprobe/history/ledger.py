"""Runs to tracks, one run at a time, and the compact file they are kept in. No I/O.

The file is derived: it says which runs it holds, and whoever finds it missing, old or damaged makes it again from the runs. It names every
state (version, build, verdict, hearing test, model, reason) once, so that a year of 2,000 cells is a few megabytes.
"""

from collections.abc import Iterable
from typing import Annotated

import msgspec

from runtimeprobe.history import files
from runtimeprobe.history.model import REASON, Key, RunEntry, Spell, Track
from runtimeprobe.results import NOT_EVALUATED, ORDER, Struct, Verdict

FORMAT = 1  # raise it when what is folded, or how, changes
MOST_BYTES = 256 * 2**20

Number = Annotated[int, msgspec.Meta(ge=0)]


class SeenAttempt(Struct, frozen=True, kw_only=True):
    verdict: Verdict


class SeenCell(Struct, frozen=True, kw_only=True):
    """Of a stored cell, what tracks are made of; the rest is not even decoded."""

    platform: str = ""
    runtime: str
    engine: str
    engine_version: str = ""
    build: str = ""
    route: str
    model: str
    weights: str
    quantization: str = ""
    digest: str = ""
    projector_digest: str = ""
    verdict: Verdict
    reason: str
    attempts: tuple[SeenAttempt, ...] = ()

    @property
    def key(self) -> tuple[str, ...]:
        return (self.platform, self.runtime, self.engine, self.route, self.model, self.weights, self.quantization)

    @property
    def badness(self) -> tuple[bool, int, str, str]:
        """Two cells of one key (two files of one quantization): the worse one is told, and a measured one before one that is not."""
        return self.verdict not in NOT_EVALUATED, ORDER.index(self.verdict), self.engine_version, self.digest


class SeenShard(Struct, frozen=True, kw_only=True):
    delivered: bool


class Seen(Struct, frozen=True, kw_only=True):
    """A stored run."""

    created: str
    hearing_test: str
    cells: tuple[SeenCell, ...] = ()
    complete: bool = True
    partial: bool = False
    shards: tuple[SeenShard, ...] = ()


class State(Struct, frozen=True, array_like=True):
    """What runs of one spell have in common; `reason` is that of the first."""

    engine_version: str
    build: str
    verdict: Verdict
    hearing_test: str
    digest: str
    reason: str


class Line(msgspec.Struct, array_like=True):
    """A spell: numbers of a state and of runs."""

    state: Number
    first: Number
    last: Number
    runs: Number
    attempts: Number
    passes: Number


class Row(msgspec.Struct, array_like=True):
    """A track."""

    key: tuple[str, str, str, str, str, str, str]
    lines: list[Line]
    gone: list[Number] = []


class Held(Struct, frozen=True, array_like=True):
    """A run that is in the ledger. `readable`: it was, when it was added; else it counts for nothing."""

    id: str
    created: str
    digest: str
    readable: bool = True


class Page(msgspec.Struct):
    """The file."""

    format: int
    runs: list[Held]
    states: list[State]
    rows: list[Row]


class Ledger:
    """All tracks so far. Runs are added oldest first."""

    def __init__(self, page: Page | None = None) -> None:
        page = page or Page(FORMAT, [], [], [])
        self.runs, self.states = page.runs, page.states
        self.numbers = {state: number for number, state in enumerate(page.states)}
        self.rows: dict[tuple[str, ...], Row] = {row.key: row for row in page.rows}

    @classmethod
    def read(cls, data: bytes) -> "Ledger | None":
        """None if this is no whole file of this format."""
        try:
            page = msgspec.json.decode(files.unpacked(data, MOST_BYTES), type=Page)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, files.Unreadable):
            return None
        runs, states = len(page.runs), len(page.states)
        sound = all(
            row.lines
            and all(line.state < states and line.first <= line.last < runs for line in row.lines)
            and max(row.gone, default=0) < runs
            for row in page.rows
        )
        return cls(page) if page.format == FORMAT and sound else None

    def write(self) -> bytes:
        return files.packed(msgspec.json.encode(Page(FORMAT, self.runs, self.states, list(self.rows.values()))))

    def holds(self, entries: Iterable[RunEntry]) -> int | None:
        """How many of these, from the first on, make up the whole ledger; None if it holds anything else."""
        known = [(entry.id, entry.digest) for entry in entries]
        mine = [(run.id, run.digest) for run in self.runs]
        return len(mine) if known[: len(mine)] == mine else None

    def add(self, entry: RunEntry, seen: Seen | None) -> None:
        """`seen` None: the run cannot be read, and says nothing."""
        number = len(self.runs)
        self.runs.append(Held(entry.id, entry.created, entry.digest, seen is not None))
        if seen is None:
            return
        cells: dict[tuple[str, ...], SeenCell] = {}
        for cell in seen.cells:
            other = cells.get(cell.key)
            if other is None or cell.badness > other.badness:
                cells[cell.key] = cell
        for key, cell in cells.items():
            self.fold(number, key, cell, seen.hearing_test)
        if seen.complete and not seen.partial:
            self.miss(number, cells)

    def fold(self, number: int, key: tuple[str, ...], cell: SeenCell, hearing_test: str) -> None:
        attempts = len(cell.attempts)
        passes = sum(attempt.verdict is Verdict.HEARD for attempt in cell.attempts)
        digest = "+".join(filter(None, (cell.digest, cell.projector_digest)))
        row = self.rows.get(key)
        if row is None:
            row = self.rows[key] = Row(key, [])  # type: ignore[arg-type]
        elif not self.is_gone(row):
            line = row.lines[-1]
            state = self.states[line.state]
            if (state.verdict, state.engine_version, state.build, state.hearing_test, state.digest) == (
                cell.verdict, cell.engine_version, cell.build, hearing_test, digest,
            ):  # fmt: skip
                line.last, line.runs = number, line.runs + 1
                line.attempts, line.passes = line.attempts + attempts, line.passes + passes
                return
        state = State(cell.engine_version, cell.build, cell.verdict, hearing_test, digest, cell.reason[:REASON])
        row.lines.append(Line(self.numbered(state), number, number, 1, attempts, passes))

    def numbered(self, state: State) -> int:
        if state not in self.numbers:
            self.numbers[state] = len(self.states)
            self.states.append(state)
        return self.numbers[state]

    def miss(self, number: int, cells: dict[tuple[str, ...], SeenCell]) -> None:
        """Marks as gone what the run would have measured if it still existed: its engine answered for the same model on another route."""

        def load(key: tuple[str, ...]) -> tuple[str, ...]:
            return (*key[:3], *key[4:])

        asked = {load(key) for key, cell in cells.items() if cell.verdict not in NOT_EVALUATED}
        for key, row in self.rows.items():
            if key not in cells and load(key) in asked and not self.is_gone(row) and self.was_measured(row):
                row.gone.append(number)

    def was_measured(self, row: Row) -> bool:
        return any(self.states[line.state].verdict not in NOT_EVALUATED for line in row.lines)

    @staticmethod
    def is_gone(row: Row) -> bool:
        return bool(row.gone) and row.gone[-1] > row.lines[-1].last

    def tracks(self) -> tuple[Track, ...]:
        """In the order of their keys."""
        return tuple(self.track(row) for _, row in sorted(self.rows.items()))

    def track(self, row: Row) -> Track:
        platform, runtime, engine, route, model, weights, quantization = row.key
        key = Key(platform=platform, runtime=runtime, engine=engine, route=route, model=model, weights=weights, quantization=quantization)
        return Track(
            key=key, spells=tuple(self.spell(line) for line in row.lines), gone=tuple(self.runs[number].created for number in row.gone)
        )

    def spell(self, line: Line) -> Spell:
        state, first, last = self.states[line.state], self.runs[line.first], self.runs[line.last]
        return Spell(
            first=first.created,
            last=last.created,
            runs=line.runs,
            engine_version=state.engine_version,
            build=state.build,
            verdict=state.verdict,
            attempts=line.attempts,
            passes=line.passes,
            hearing_test=state.hearing_test,
            digest=state.digest,
            reason=state.reason,
            first_run=first.id,
            last_run=last.id,
        )
