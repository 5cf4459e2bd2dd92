"""What the history is made of. Times are ISO 8601 in UTC, as a matrix's `created`."""

import enum
import urllib.parse
from typing import Self

from runtimeprobe.history.rates import interval
from runtimeprobe.results import NOT_EVALUATED, Cell, Struct, Verdict

REASON = 300  # characters of a reason that a spell keeps


class Key(Struct, frozen=True, kw_only=True, order=True):
    """Which cell, over all versions of its engine."""

    platform: str
    runtime: str
    engine: str
    route: str
    model: str
    weights: str
    quantization: str = ""

    @classmethod
    def of(cls, cell: Cell) -> Self:
        return cls(
            platform=cell.platform,
            runtime=cell.runtime,
            engine=cell.engine,
            route=cell.route,
            model=cell.model,
            weights=cell.weights,
            quantization=cell.quantization,
        )

    @property
    def parts(self) -> tuple[str, ...]:
        return (self.platform, self.runtime, self.engine, self.route, self.model, self.weights, self.quantization)

    @property
    def slug(self) -> str:
        """Safe in an address, and different for different keys: a slash within a part is escaped."""
        return "/".join(urllib.parse.quote(part, safe="") for part in self.parts)


class Spell(Struct, frozen=True, kw_only=True):
    """Runs in a row that saw the same verdict of the same engine version and build, with the same hearing test and model files.

    `attempts` and `passes` (those that heard) are of all its runs together.
    """

    first: str
    last: str
    runs: int = 1
    engine_version: str = ""
    build: str = ""
    verdict: Verdict
    attempts: int = 0
    passes: int = 0
    hearing_test: str = ""
    digest: str = ""  # of the model and its projector
    reason: str = ""  # of its first run, shortened
    first_run: str = ""  # id, where the evidence is
    last_run: str = ""

    @property
    def measured(self) -> bool:
        return self.verdict not in NOT_EVALUATED

    @property
    def release(self) -> tuple[str, str]:
        """What must be the same for a change to be no matter of versions."""
        return self.engine_version, self.build

    @property
    def interval(self) -> tuple[float, float]:
        """Where the rate of attempts that hear is, at 95%."""
        return interval(self.passes, self.attempts)

    @property
    def method(self) -> tuple[str, str]:
        """What else must be the same for a change to be the runtime's doing."""
        return self.hearing_test, self.digest


class Track(Struct, frozen=True, kw_only=True):
    """One cell through time, oldest first. `gone`: when runs found that its engine has no such route any more."""

    key: Key
    spells: tuple[Spell, ...]
    gone: tuple[str, ...] = ()

    @property
    def measured(self) -> tuple[Spell, ...]:
        return tuple(spell for spell in self.spells if spell.measured)


class Kind(enum.StrEnum):
    """Of a change, as docs/history.md explains them."""

    REGRESSED = "regressed"
    BROKEN = "broken"  # worse than a known issue lets us expect
    FLAKY = "flaky"
    FIXED = "fixed"  # an expected failure passes
    IMPROVED = "improved"
    NEW = "new"
    GONE = "gone"
    STALE = "stale"
    CHANGED = "changed"  # the version alone, which is not listed


class Change(Struct, frozen=True, kw_only=True):
    key: Key
    kind: Kind
    when: str
    before: Spell | None = None
    after: Spell | None = None
    issue: str = ""  # address of the known upstream issue
    note: str = ""


class RunEntry(Struct, frozen=True, kw_only=True):
    """A run as the index lists it."""

    id: str
    created: str
    file: str  # its name in runs/
    hearing_test: str
    platforms: tuple[str, ...]
    cells: int
    complete: bool
    digest: str  # sha256 of the file
    size_bytes: int = 0


class History(Struct, frozen=True, kw_only=True):
    """Runs oldest first, changes newest first. `problems`: runs that are damaged or lost, one line each."""

    runs: tuple[RunEntry, ...] = ()
    tracks: tuple[Track, ...] = ()
    changes: tuple[Change, ...] = ()
    problems: tuple[str, ...] = ()
