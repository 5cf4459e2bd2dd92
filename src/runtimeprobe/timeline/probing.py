"""One release, in its place, to its cells."""

import shlex
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import msgspec

from runtimeprobe import probe, registry, run
from runtimeprobe.audio import clips
from runtimeprobe.contract import Ask, Candidate, Options, Sampling, Step
from runtimeprobe.plan import NO_ROUTE, Selection, UnknownName, plan
from runtimeprobe.private import without_paths
from runtimeprobe.results import Cell, Struct, Verdict
from runtimeprobe.session import Session, Settings
from runtimeprobe.timeline.results import Release
from runtimeprobe.worker.process import Target, WorkerError


class Subject(Struct, frozen=True, kw_only=True):
    """What is probed, the same for every release."""

    runtime: str
    engine: str
    models: tuple[str, ...]
    routes: tuple[str, ...] = ()
    weights: str = "twin"


class Place(Struct, frozen=True, kw_only=True):
    """Where a release is: under which Python its adapter runs, what comes first on PATH, which server it is."""

    python: str
    path: str = ""
    options: Options = Options()
    binary: str = ""  # as the user gave it


def cells(
    entry: EntryPoint,
    subject: Subject,
    release: Release,
    place: Place,
    candidates: tuple[Candidate, ...],
    settings: Settings,
    using: Callable[[Session], None],
) -> tuple[Cell, ...]:
    """`using` is told of every session that is opened, so that it can be closed from outside."""
    found = registry.discover_one(entry, target(entry, place), place.options, candidates)
    mine = tuple(item for item in found.engines if item.engine.name == subject.engine)
    if not mine:
        gone = next((item.absent for item in found.missing if item.absent.name == subject.engine), None)
        if gone:
            return missing(subject, release, gone.reason, gone.fix)
        return missing(subject, release, "; ".join(found.problems) or "its adapter does not find it", "", Verdict.ERROR)
    told = mine[0].engine.version
    if not place.binary and not place.path and told != release.version:
        return missing(subject, release, f"the environment holds {subject.engine} {told}", "", Verdict.ERROR)
    try:
        planned = plan(
            registry.Found(engines=mine), Selection(models=subject.models, routes=subject.routes, weights=(subject.weights,)), {}
        )
    except UnknownName as error:
        return missing(subject, release, str(error), "")
    measured: list[Cell] = list(planned.skipped)
    if planned.loads:
        with Session(planned.loads[0], settings) as session:
            using(session)
            for load in planned.loads:
                session.use(load)
                measured += probe.cells(session, settings, run.tools(load, lambda _line: None))
    return tuple(dated(cell, release, place) for cell in measured)


def missing(subject: Subject, release: Release, reason: str, fix: str, verdict: Verdict = Verdict.SKIPPED) -> tuple[Cell, ...]:
    """A release that could not be measured: one cell per model."""
    return tuple(
        Cell(
            runtime=subject.runtime,
            engine=subject.engine,
            engine_version=release.version,
            build=release.build,
            route=NO_ROUTE,
            model=model,
            weights=subject.weights,
            verdict=verdict,
            reason=reason,
            fix=fix,
            reproduce=command(subject.engine, release.version, model=model),
        )
        for model in subject.models
    )


def dated(cell: Cell, release: Release, place: Place) -> Cell:
    """Under the release's version; what a program says of itself instead is noted."""
    differs = cell.engine_version != release.version
    environment = str(Path(place.python).parents[1]) if place.python != sys.executable else ""
    return msgspec.structs.replace(
        without_paths(cell, environment),
        engine_version=release.version,
        build=cell.build or release.build or (cell.engine_version if differs else ""),
        notes=(*cell.notes, *((f"it calls itself {cell.engine_version}",) if differs and place.binary else ())),
        reproduce=command(cell.engine, release.version, binary=place.binary, model=cell.model, route=cell.route),
    )


def command(engine: str, version: str, *, binary: str = "", model: str = "", route: str = "") -> str:
    """Shows a row, or one cell of it, again."""
    words = ["runtimeprobe", "timeline", engine, *(["--binary", f"{version}={binary}"] if binary else ["--only", version])]
    words += [*(["--model", model] if model else []), *(["--route", route] if route not in ("", NO_ROUTE) else []), "--again"]
    return shlex.join(words)


def trace(
    entry: EntryPoint,
    subject: Subject,
    place: Place,
    candidates: tuple[Candidate, ...],
    settings: Settings,
    model: str,
    route: str,
    using: Callable[[Session], None],
) -> tuple[Step, ...]:
    """The numbers between the first clip and its answer; empty where the engine does not let them be seen, or fails."""
    found = registry.discover_one(entry, target(entry, place), place.options, candidates)
    here = [item for item in found.engines if item.engine.name == subject.engine]
    try:
        loads = plan(registry.Found(engines=tuple(here)), Selection(models=(model,), weights=(subject.weights,)), {}).loads
        if not loads:
            return ()
        clip = clips.pair(subject.weights, 0).a
        ask = Ask(route, probe.PROMPTS[subject.weights], str(clip.path), sampling=Sampling(), thinking=False)
        with Session(loads[0], settings) as session:
            using(session)
            session.start()
            assert session.worker
            return msgspec.convert(session.worker.call("trace", limit_s=settings.limit_s, ask=ask), tuple[Step, ...])
    except (UnknownName, WorkerError, msgspec.ValidationError):
        return ()


def target(entry: EntryPoint, place: Place) -> Target:
    return Target(entry.value, place.python, place.path, ours=place.python != sys.executable)
