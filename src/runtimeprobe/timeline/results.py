"""What a timeline holds. Its JSON is a matrix's, so whatever reads a matrix reads it; the cells carry several versions of one engine."""

import msgspec

from runtimeprobe.results import Cell, Matrix, Struct, Verdict
from runtimeprobe.timeline.parting import Parting


class Release(Struct, frozen=True, kw_only=True):
    """One release. Dates as ISO 8601 in UTC, "" where nobody tells; `build`: the upstream's build in it.

    resolved: up to which day's packages its dependencies were taken ("" for a program; "today" where its own day gave no environment).
    packages: what its environment holds, by name. `note`: what a reader must know of the row. `cached`: measured by an earlier run.
    """

    version: str
    date: str = ""
    uploaded: str = ""  # the last of its files
    build: str = ""
    yanked: bool = False
    resolved: str = ""
    packages: dict[str, str] = msgspec.field(default_factory=dict)
    install_s: float | None = None
    probe_s: float | None = None
    note: str = ""
    reproduce: str = ""
    cached: bool = False


class Row(Struct, frozen=True, kw_only=True):
    """A release and its cells."""

    release: Release
    cells: tuple[Cell, ...]


class Side(Struct, frozen=True, kw_only=True):
    """A release on one side of a change. verdict None: it has no such route."""

    version: str
    date: str
    build: str
    verdict: Verdict | None
    reason: str = ""
    issues: tuple[str, ...] = ()  # addresses of known upstream issues about it


class Change(Struct, frozen=True, kw_only=True):
    """Between two releases next to each other, of those that were measured.

    between: releases in between that could not be measured. also: other packages of the two environments that differ, name -> (before,
    after). compare: the address that shows the upstream's changes. known: addresses and titles of upstream issues that say what happened.
    """

    before: Side
    after: Side
    between: tuple[str, ...] = ()
    also: dict[str, tuple[str, str]] = msgspec.field(default_factory=dict)
    compare: str = ""
    known: tuple[tuple[str, str], ...] = ()  # (address, title)
    guess: str = ""


class Track(Struct, frozen=True, kw_only=True):
    """One model through one route, over the releases. `first_heard`: the first measured release that hears; None where none does."""

    model: str
    route: str
    first_heard: Side | None = None
    heard_before_that: bool = False  # it was the first of all that were measured: older ones may hear too
    now: Side | None = None
    changes: tuple[Change, ...] = ()


class Timeline(Matrix, frozen=True, kw_only=True):
    """A matrix over the releases of one engine."""

    engine: str
    package: str = ""
    method: str = "every"  # or "bisect"
    attempts: int = 0
    releases: tuple[Release, ...] = ()  # oldest first, measured ones and those that were not
    assumed: tuple[tuple[str, str], ...] = ()  # bisect: from, to: taken to be alike because their ends are
    story: tuple[Track, ...] = ()
    partings: tuple[Parting, ...] = ()
