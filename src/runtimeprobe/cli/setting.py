"""From options to what is here: candidates, discovery and plan. Shared by `matrix`, `doctor` and `hear`."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runtimeprobe import host, shards
from runtimeprobe.contract import Candidate, Options
from runtimeprobe.plan import AUDIO_MODELS, Plan, Selection, UnknownName, plan
from runtimeprobe.registry import Found, discover

if TYPE_CHECKING:
    from runtimeprobe.history.known import Known


def wanted_weights(weights: str) -> tuple[str, ...]:
    return ("twin", "real") if weights == "all" else (weights,)


def endpoint_options(endpoints: tuple[str, ...], allow_remote: bool, no_start: bool) -> Options:
    for endpoint in endpoints:
        if not endpoint.startswith(("http://", "https://")):
            raise click.BadParameter(f"{endpoint!r} is no URL; write http://HOST:PORT", param_hint="--endpoint")
    return Options(endpoints=endpoints, allow_remote=allow_remote, start_servers=not no_start)


def candidates(weights: tuple[str, ...], model_paths: Iterable[Path]) -> tuple[tuple[Candidate, ...], tuple[str, ...]]:
    """Model files on this machine, and notes on files that were found but cannot be used."""
    here: list[Candidate] = []
    notes: tuple[str, ...] = ()
    if "twin" in weights:
        from runtimeprobe.twins import files

        here += [candidate for candidate in files.candidates() if candidate.model in AUDIO_MODELS]
    if "real" in weights:
        from runtimeprobe.weights import find

        for path in model_paths:
            if not path.exists():
                raise click.BadParameter(f"{path} does not exist", param_hint="--model-path")
        real, notes = find.on_this_machine(tuple(model_paths))
        here += real
    return tuple(here), notes


def look(options: Options, weights: tuple[str, ...], model_paths: Iterable[Path], python: str) -> tuple[Found, tuple[str, ...]]:
    here, notes = candidates(weights, model_paths)
    return discover(options, here, python), notes


def planned(found: Found, selection: Selection, store: Path | None = None) -> Plan:
    """`store`: says how long things take here, which is what parts of a run are cut by."""
    try:
        return plan(found, selection, missing(selection), costs(store) if store and selection.shard != (1, 1) else {})
    except UnknownName as error:
        raise click.UsageError(str(error)) from None


def costs(store: Path) -> dict[shards.Cost, float]:
    """None are known from a store without a run that can be read."""
    from runtimeprobe.history.store import Store

    latest = Store(store).latest_or_none()
    return shards.costs(latest, host.platform_name()) if latest else {}


def known_issues(store: Path | None) -> "Known":
    """Read before anything is measured: a mistake in the file must not cost a run."""
    from runtimeprobe.history import known
    from runtimeprobe.history.files import StoreError
    from runtimeprobe.history.store import Store

    try:
        return Store(store).known() if store else known.shipped()
    except StoreError as error:
        raise click.ClickException(str(error)) from None


def missing(selection: Selection) -> dict[tuple[str, str], tuple[str, str]]:
    """What to say of published weights that are not here: exactly what to download, how large, where it lands."""
    if "real" not in selection.weights:
        return {}
    from runtimeprobe.weights import known

    return {(item.model, "real"): (item.reason, item.fix) for item in known.missing()}


def selection(
    runtimes: tuple[str, ...],
    engines: tuple[str, ...],
    models: tuple[str, ...],
    routes: tuple[str, ...],
    weights: str,
    shard: tuple[int, int] = (1, 1),
) -> Selection:
    return Selection(
        runtimes=runtimes,
        engines=engines,
        models=models,
        routes=routes,
        weights=wanted_weights(weights),
        shard=shard,
        memory_available_bytes=host.memory_available_bytes(),
    )


def say(line: str) -> None:
    """Everything that is not a result goes to stderr."""
    print(line, file=sys.stderr, flush=True)
