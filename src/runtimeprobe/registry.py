"""Finds adapters by the entry-point group `runtimeprobe.adapters`. Nothing of an adapter is imported here: that happens in a child.

Installing a distribution that declares such an entry point is all it takes to add a runtime.
"""

import contextlib
from collections.abc import Callable, Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import msgspec

from runtimeprobe.contract import Absent, AbsentModel, Candidate, Engine, Lever, Model, Options, Releases, Route
from runtimeprobe.results import Struct
from runtimeprobe.worker.process import Failed, Target, Worker, WorkerError

GROUP = "runtimeprobe.adapters"
DISCOVER_LIMIT_S = 60.0


class FoundEngine(Struct, frozen=True, kw_only=True):
    """One engine that can be probed: how to reach its adapter, its routes and levers, the models it can load and those it says it cannot.

    options: what discovery was told; a new child of the adapter must be told the same before it can find the engine again.
    """

    runtime: str
    target: Target
    options: Options = Options()
    engine: Engine
    routes: tuple[Route, ...]
    models: tuple[Model, ...]
    absent_models: tuple[AbsentModel, ...] = ()
    levers: tuple[Lever, ...] = ()


class MissingEngine(Struct, frozen=True, kw_only=True):
    runtime: str
    absent: Absent


class Found(Struct, frozen=True, kw_only=True):
    """All that discovery saw. `problems`: adapters that are broken, one line each."""

    engines: tuple[FoundEngine, ...] = ()
    missing: tuple[MissingEngine, ...] = ()
    problems: tuple[str, ...] = ()


def adapters() -> tuple[EntryPoint, ...]:
    return tuple(sorted(entry_points(group=GROUP), key=lambda entry: entry.name))


def discover_one(
    entry: EntryPoint,
    target: Target,
    options: Options,
    candidates: tuple[Candidate, ...],
    opened: Callable[[Worker], None] = lambda _worker: None,
) -> Found:
    """Asks one adapter, in a child of its own, what is here. `opened` is told of the child, so that it can be ended from outside."""
    engines: list[FoundEngine] = []
    missing: list[MissingEngine] = []
    try:
        with Worker(target) as worker:
            opened(worker)

            def ask(operation: str, kind: Any, **given: Any) -> Any:
                return msgspec.convert(worker.call(operation, limit_s=DISCOVER_LIMIT_S, **given), kind)

            runtime = ask("runtime", str)
            for item in ask("discover", list[dict[str, Any]], options=options):
                kind = item.pop("type")
                if kind == "Absent":
                    missing.append(MissingEngine(runtime=runtime, absent=msgspec.convert(item, Absent)))
                    continue
                engine = msgspec.convert(item, Engine)
                routes = ask("routes", tuple[Route, ...], engine=engine.name)
                models = ask("models", list[dict[str, Any]], engine=engine.name, candidates=candidates)
                here = tuple(msgspec.convert(model, Model) for model in models if model["type"] == "Model")
                not_here = tuple(msgspec.convert(model, AbsentModel) for model in models if model["type"] == "AbsentModel")
                engines.append(
                    FoundEngine(
                        runtime=runtime,
                        target=target,
                        options=options,
                        engine=engine,
                        routes=routes,
                        models=here,
                        absent_models=not_here,
                        levers=ask("levers", tuple[Lever, ...], engine=engine.name),
                    )
                )
    except (WorkerError, msgspec.ValidationError, KeyError) as error:
        return Found(engines=tuple(engines), missing=tuple(missing), problems=(problem(entry, error),))
    return Found(engines=tuple(engines), missing=tuple(missing))


class Owner(Struct, frozen=True, kw_only=True):
    """The adapter of an engine, whether the engine is here or not."""

    adapter: str  # the name of its entry point
    runtime: str
    releases: Releases
    routes: tuple[Route, ...]


def owners(engines: Iterable[str] = ()) -> dict[str, Owner]:
    """Every engine that an adapter knows of, by name; of those in `engines` (all, if empty) also how their releases are had."""
    from concurrent.futures import ThreadPoolExecutor

    wanted = set(engines)

    def look(entry: EntryPoint) -> dict[str, Owner]:
        found: dict[str, Owner] = {}
        with contextlib.suppress(WorkerError, msgspec.ValidationError, KeyError), Worker(Target(entry.value)) as worker:

            def ask(operation: str, kind: Any, **given: Any) -> Any:
                return msgspec.convert(worker.call(operation, limit_s=DISCOVER_LIMIT_S, **given), kind)

            runtime = ask("runtime", str)
            for item in ask("discover", list[dict[str, Any]], options=Options(start_servers=False)):
                name = str(item["name"])
                told = not wanted or name in wanted
                releases = ask("releases", Releases, engine=name) if told else Releases()
                routes = ask("routes", tuple[Route, ...], engine=name) if told else ()
                found[name] = Owner(adapter=entry.name, runtime=runtime, releases=releases, routes=routes)
        return found

    entries = adapters()
    with ThreadPoolExecutor(max(1, len(entries))) as pool:
        return {name: owner for found in pool.map(look, entries) for name, owner in found.items()}


def problem(entry: EntryPoint, error: Exception) -> str:
    package = entry.dist.name if entry.dist else entry.value
    where = f" ({error.words})" if isinstance(error, Failed) and error.words else ""
    return f"adapter {entry.name} is broken: {error}{where}; reinstall or remove it: pip uninstall {package}"


def discover(options: Options, candidates: tuple[Candidate, ...], python: str) -> Found:
    """Asks every installed adapter, all at the same time."""
    from concurrent.futures import ThreadPoolExecutor

    entries = adapters()
    with ThreadPoolExecutor(max(1, len(entries))) as pool:
        found = list(pool.map(lambda entry: discover_one(entry, Target(entry.value, python), options, candidates), entries))
    return Found(
        engines=tuple(engine for item in found for engine in item.engines),
        missing=tuple(absent for item in found for absent in item.missing),
        problems=tuple(line for item in found for line in item.problems),
    )
