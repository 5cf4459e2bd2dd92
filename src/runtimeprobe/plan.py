"""What to probe, in which order, on which shard. Pure: from what was found and what was asked for to loads and skipped cells."""

import difflib
from collections.abc import Iterable, Sequence

from runtimeprobe.contract import Model, Route
from runtimeprobe.registry import Found, FoundEngine
from runtimeprobe.results import Cell, Struct, Verdict

AUDIO_MODELS = ("gemma-4-e2b", "gemma-4-e4b")
NO_ROUTE = "-"  # the route of a cell that was never evaluated


class UnknownName(Exception):
    """A filter names nothing that exists; the message holds the nearest match."""


class Selection(Struct, frozen=True, kw_only=True):
    """What the user asked for. Empty tuples mean everything."""

    runtimes: tuple[str, ...] = ()
    engines: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    weights: tuple[str, ...] = ("twin",)
    shard: tuple[int, int] = (1, 1)  # this one, of so many
    memory_available_bytes: int = 0  # 0: not checked


class Load(Struct, frozen=True, kw_only=True):
    """One engine with one model in memory, and the routes to ask through."""

    found: FoundEngine
    model: Model
    routes: tuple[Route, ...]


class Plan(Struct, frozen=True, kw_only=True):
    loads: tuple[Load, ...]
    skipped: tuple[Cell, ...]


def plan(found: Found, selection: Selection, missing_weights: dict[tuple[str, str], tuple[str, str]]) -> Plan:
    """`missing_weights`: (model, weights) that are nowhere on this machine, with reason and fix. Raises UnknownName."""
    check_names(found, selection)
    models = [name for name in AUDIO_MODELS if not selection.models or name in selection.models]
    wanted = [(name, weights) for name in models for weights in selection.weights]
    loads: list[Load] = []
    skipped: list[Cell] = []
    for item in found.engines:
        if not chosen(item.runtime, item.engine.name, selection):
            continue
        routes = tuple(route for route in item.routes if not selection.routes or route.name in selection.routes)
        for name, weights in wanted:
            here = [model for model in item.models if (model.model, model.weights) == (name, weights)]
            if not here:
                told = {(absent.model, absent.weights): (absent.reason, absent.fix) for absent in item.absent_models}
                nowhere = missing_weights.get((name, weights), ("the engine finds this model in no format that it reads", ""))
                reason, fix = told.get((name, weights), nowhere)
                skipped += [skip(item, route, name, weights, reason, fix) for route in routes]
            for model in here:
                if (short := too_large(model, selection.memory_available_bytes)) is not None:
                    skipped += [
                        skip(item, route, name, weights, short, "close other programs or use a smaller quantization") for route in routes
                    ]
                elif routes:
                    loads.append(Load(found=item, model=model, routes=routes))
    for absent in found.missing:
        if chosen(absent.runtime, absent.absent.name, selection) and not selection.routes:
            skipped += [
                Cell(
                    runtime=absent.runtime,
                    engine=absent.absent.name,
                    route=NO_ROUTE,
                    model=name,
                    weights=weights,
                    verdict=Verdict.SKIPPED,
                    reason=absent.absent.reason,
                    fix=absent.absent.fix,
                )
                for name, weights in wanted
            ]
    number, of = selection.shard
    return Plan(loads=tuple(loads[number - 1 :: of]), skipped=tuple(skipped) if number == 1 else ())


def chosen(runtime: str, engine: str, selection: Selection) -> bool:
    return (not selection.runtimes or runtime in selection.runtimes) and (not selection.engines or engine in selection.engines)


def skip(found: FoundEngine, route: Route, model: str, weights: str, reason: str, fix: str) -> Cell:
    return Cell(
        runtime=found.runtime,
        engine=found.engine.name,
        engine_version=found.engine.version,
        route=route.name,
        model=model,
        weights=weights,
        verdict=Verdict.SKIPPED,
        reason=reason,
        fix=fix,
    )


def too_large(model: Model, available_bytes: int) -> str | None:
    """Files are mapped or read whole, and context, buffers and the engine itself need about a quarter more."""
    needed = int(model.size_bytes * 1.25)
    if not available_bytes or needed <= available_bytes:
        return None
    return f"too little memory: about {needed / 2**30:.1f} GiB needed, {available_bytes / 2**30:.1f} GiB available"


def check_names(found: Found, selection: Selection) -> None:
    runtimes = {item.runtime for item in found.engines} | {item.runtime for item in found.missing}
    engines = {item.engine.name for item in found.engines} | {item.absent.name for item in found.missing}
    routes = {route.name for item in found.engines for route in item.routes}
    for kind, given, known in (
        ("runtime", selection.runtimes, runtimes),
        ("engine", selection.engines, engines),
        ("model", selection.models, set(AUDIO_MODELS)),
        ("route", selection.routes, routes),
    ):
        for name in given:
            if name not in known:
                raise UnknownName(unknown(kind, name, known))


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    names: Sequence[str] = sorted(known)
    folded = {known_name.casefold(): known_name for known_name in names}
    near = [known_name for known_name in folded if known_name.startswith(name.casefold())]
    near += difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.65)
    hint = f"did you mean {folded[near[0]]}?" if near else f"known: {', '.join(names) or 'none'}"
    return f"no {kind} named {name!r}; {hint}"
