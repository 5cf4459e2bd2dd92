"""One release, in its place, to its cells."""

import contextlib
import shlex
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from packaging.version import InvalidVersion, Version

from runtimeprobe import probe, registry, run
from runtimeprobe.audio import clips
from runtimeprobe.contract import Ask, Candidate, Options, Sampling, Step
from runtimeprobe.kit.address import is_loopback
from runtimeprobe.plan import NO_ROUTE, Selection, plan
from runtimeprobe.private import without_paths
from runtimeprobe.results import Cell, Struct, Verdict
from runtimeprobe.session import Session, Settings
from runtimeprobe.timeline.installer import InstallFailed
from runtimeprobe.timeline.results import Release
from runtimeprobe.worker.process import Target, Worker, WorkerError

URLS = ("http://", "https://")


class Subject(Struct, frozen=True, kw_only=True):
    """What is probed, the same for every release."""

    runtime: str
    engine: str
    models: tuple[str, ...]
    routes: tuple[str, ...] = ()
    weights: str = "twin"
    attempts: int = Settings().attempts  # for the command that shows a row again


class Place(Struct, frozen=True, kw_only=True):
    """Where a release is: under which Python its adapter runs, what comes first on PATH, which server it is."""

    python: str
    path: str = ""
    options: Options = Options()
    binary: str = ""  # as the user gave it

    @property
    def url(self) -> str:
        return self.binary if self.binary.startswith(URLS) else ""

    @property
    def installed(self) -> bool:
        """Whether the adapter imports the engine, in an environment of ours."""
        return self.python != sys.executable


def cells(
    entry: EntryPoint,
    subject: Subject,
    release: Release,
    place: Place,
    candidates: tuple[Candidate, ...],
    settings: Settings,
    using: Callable[[Session | Worker], None],
) -> tuple[Cell, ...]:
    """`using` is told of everything that runs, so that it can be ended from outside."""
    found = registry.discover_one(entry, target(entry, place), place.options, candidates, using)
    mine = next((item for item in found.engines if item.engine.name == subject.engine), None)
    if mine is None:
        gone = next((item.absent for item in found.missing if item.absent.name == subject.engine), None)
        if gone:
            return missing(subject, release, place, gone.reason, fix=gone.fix)
        return missing(subject, release, place, "; ".join(found.problems) or "its adapter does not find it", verdict=Verdict.ERROR)
    if place.url and same_server(place.url) != same_server(mine.engine.endpoint):
        return missing(
            subject, release, place, f"no {subject.engine} answers at {place.url}", fix="start it there, and see that it answers"
        )
    if place.installed and not same_version(mine.engine.version, release.version):
        reason = f"the environment holds {subject.engine} {mine.engine.version}"
        return missing(subject, release, place, reason, verdict=Verdict.ERROR)
    has = {route.name for route in mine.routes}
    asked = tuple(route for route in subject.routes if route in has)
    measured = [lacking(subject, model, route) for route in subject.routes if route not in has for model in subject.models]
    if asked or not subject.routes:
        planned = plan(registry.Found(engines=(mine,)), Selection(models=subject.models, routes=asked, weights=(subject.weights,)), {})
        measured += planned.skipped
        if planned.loads:
            with Session(planned.loads[0], settings) as session:
                using(session)
                for load in planned.loads:
                    session.use(load)
                    measured += probe.cells(session, settings, run.tools(load, lambda _line: None))
    return tuple(dated(cell, subject, release, place) for cell in measured)


def same_server(address: str) -> tuple[str, int | None]:
    """Host and port, whatever name this machine goes by."""
    parts = urlsplit(address)
    host = (parts.hostname or "").casefold()
    return "127.0.0.1" if is_loopback(host) else host, parts.port


def same_version(one: str, other: str) -> bool:
    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return one == other


def lacking(subject: Subject, model: str, route: str) -> Cell:
    """A route that was asked for and that the release does not have."""
    return Cell(
        runtime=subject.runtime,
        engine=subject.engine,
        route=route,
        model=model,
        weights=subject.weights,
        verdict=Verdict.SKIPPED,
        reason="it has no such route",
    )


def missing(
    subject: Subject, release: Release, place: Place, reason: str, *, fix: str = "", verdict: Verdict = Verdict.SKIPPED
) -> tuple[Cell, ...]:
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
            reproduce=command(subject, release.version, place.binary, model=model),
        )
        for model in subject.models
    )


def dated(cell: Cell, subject: Subject, release: Release, place: Place) -> Cell:
    """Under the release's version; what a program says of itself instead is noted."""
    differs = bool(cell.engine_version) and not same_version(cell.engine_version, release.version)
    environment = str(Path(place.python).parents[1]) if place.python != sys.executable else ""
    return msgspec.structs.replace(
        without_paths(cell, environment),
        engine_version=release.version,
        build=cell.build or release.build or (cell.engine_version if differs else ""),
        notes=(*cell.notes, *((f"it calls itself {cell.engine_version}",) if differs and place.binary else ())),
        reproduce=command(subject, release.version, place.binary, model=cell.model, route=cell.route),
    )


def command(subject: Subject, version: str, binary: str = "", *, model: str = "", route: str = "") -> str:
    """Shows a row, or one cell of it, again."""
    words = ["runtimeprobe", "timeline", subject.engine, *(["--binary", f"{version}={binary}"] if binary else ["--only", version])]
    words += [*(["--model", model] if model else []), *(["--route", route] if route not in ("", NO_ROUTE) else []), "--again"]
    words += ["--attempts", str(subject.attempts)] if subject.attempts != Settings().attempts else []
    return shlex.join(words)


def trace(
    entry: EntryPoint,
    subject: Subject,
    place: Place,
    candidates: tuple[Candidate, ...],
    settings: Settings,
    model: str,
    route: str,
    using: Callable[[Session | Worker], None],
) -> tuple[Step, ...] | None:
    """The numbers between the first clip and its answer; empty where the route does not let them be seen, None where it failed."""
    found = registry.discover_one(entry, target(entry, place), place.options, candidates, using)
    here = tuple(item for item in found.engines if item.engine.name == subject.engine)
    loads = plan(registry.Found(engines=here), Selection(models=(model,), weights=(subject.weights,)), {}).loads
    if not loads:
        return None
    clip = clips.pair(subject.weights, 0).a
    ask = Ask(route, probe.PROMPTS[subject.weights], str(clip.path), sampling=Sampling(), thinking=False)
    try:
        with Session(loads[0], settings) as session:
            using(session)
            session.start()
            assert session.worker
            return msgspec.convert(session.worker.call("trace", limit_s=settings.limit_s, ask=ask), tuple[Step, ...])
    except (WorkerError, msgspec.ValidationError):
        return None


def target(entry: EntryPoint, place: Place) -> Target:
    return Target(entry.value, place.python, place.path, ours=place.installed)


def folder_of(binary: str, program: str, stack: contextlib.ExitStack) -> str:
    """A folder in which the binary goes by the name that the adapter looks for; for as long as `stack` is open."""
    path = Path(binary).absolute()
    if path.name in (program, f"{program}.exe"):
        return str(path.parent)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="runtimeprobe-")))
    try:
        (folder / (f"{program}.exe" if sys.platform == "win32" else program)).symlink_to(path)
    except OSError as error:
        raise InstallFailed(
            f"{path} cannot be linked to under the name {program}: {error}; call the file {program}", passing=True
        ) from None
    return str(folder)
