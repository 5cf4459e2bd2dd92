"""What to probe, in which order, on which shard. Pure: from what was found and what was asked for to loads and skipped cells."""

import difflib
from collections.abc import Iterable, Mapping, Sequence

from runtimeprobe import shards
from runtimeprobe.contract import Model, Route
from runtimeprobe.registry import Found, FoundEngine
from runtimeprobe.results import Cell, Planned, Shard, Struct, Verdict

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
    """`shards`: all of them, with what each is to measure, if there are several."""

    loads: tuple[Load, ...]
    skipped: tuple[Cell, ...]
    shards: tuple[Shard, ...] = ()
    partial: bool = False


def plan(
    found: Found,
    selection: Selection,
    missing_weights: dict[tuple[str, str], tuple[str, str]],
    costs: Mapping[shards.Cost, float] | None = None,
) -> Plan:
    """Raises UnknownName.

    `missing_weights`: (model, weights) that are nowhere on this machine, with reason and fix. `costs`: seconds of each load, as
    `shards.costs` tells them.
    """
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
                        skip(item, route, name, weights, short, "close other programs or use a smaller quantization", model)
                        for route in routes
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
    return shared(loads, skipped, selection, costs or {})


def shared(loads: Sequence[Load], skipped: Sequence[Cell], selection: Selection, costs: Mapping[shards.Cost, float]) -> Plan:
    """The part that is this shard's. The first one reports what is skipped."""
    number, of = selection.shard
    partial = bool(selection.routes)
    if of == 1:
        return Plan(loads=tuple(loads), skipped=tuple(skipped), partial=partial)
    parts = shards.cut(
        [
            shards.Piece(together=(load.found.target, load.found.engine.name), cost=shards.cost(load.found.engine.name, load.model, costs))
            for load in loads
        ],
        of,
    )
    planned: list[set[Planned]] = [{shards.planned(cell) for cell in skipped}, *(set() for _ in parts[1:])]
    for cells, positions in zip(planned, parts, strict=True):
        for load in (loads[position] for position in positions):
            model = load.model
            cells |= {shards.planned(skip(load.found, route, model.model, model.weights, "", "", model)) for route in load.routes}
    return Plan(
        loads=tuple(loads[position] for position in parts[number - 1]),
        skipped=tuple(skipped) if number == 1 else (),
        shards=tuple(
            Shard(platform="", number=part, of=of, delivered=part == number, planned=tuple(sorted(cells)))
            for part, cells in enumerate(planned, 1)
        ),
        partial=partial,
    )


def chosen(runtime: str, engine: str, selection: Selection) -> bool:
    return (not selection.runtimes or runtime in selection.runtimes) and (not selection.engines or engine in selection.engines)


def skip(found: FoundEngine, route: Route, model: str, weights: str, reason: str, fix: str, file: Model | None = None) -> Cell:
    """`file`: the model as it is here, if it is."""
    return Cell(
        runtime=found.runtime,
        engine=found.engine.name,
        engine_version=found.engine.version,
        route=route.name,
        model=model,
        weights=weights,
        quantization=file.quantization if file else "",
        projector_quantization=file.projector_quantization if file else "",
        digest=file.digest if file else "",
        projector_digest=file.projector_digest if file else "",
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
