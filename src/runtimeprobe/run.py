"""One run: plan in, matrix out. Keeps what is measured when it is interrupted."""

import itertools
import time
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from runtimeprobe import host, probe
from runtimeprobe.audio import clips, scoring
from runtimeprobe.diagnose.loops import find_loop
from runtimeprobe.judge import METHOD
from runtimeprobe.plan import Load, Plan, skip
from runtimeprobe.private import without_paths
from runtimeprobe.results import Cell, FormatResult, Matrix
from runtimeprobe.session import Session, Settings


def hearing_test() -> str:
    """The method's version: verdict rules, normalizer and clips. Results are comparable only where it is the same."""
    return f"{METHOD}+{scoring.NORMALIZER}+clips/{clips.MANIFEST_VERSION}"


def tools(load: Load, report: probe.Report) -> probe.Tools:
    weights = load.model.weights
    return probe.Tools(
        clips=lambda attempt: clips.pair(weights, attempt),
        error_rate=scoring.word_error_rate,
        find_loop=find_loop,
        report=report,
    )


def run(
    plan: Plan,
    settings: Settings,
    problems: tuple[str, ...],
    report: probe.Report,
    done: Callable[[Cell], None],
    *,
    formats: bool = False,
) -> Matrix:
    """Measures every load of the plan. Ctrl-C ends it with what there is."""
    from runtimeprobe import formats as format_test

    measured: list[Cell] = []
    fed: list[FormatResult] = []
    complete = True
    created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        for _, loads in itertools.groupby(plan.loads, key=lambda load: (load.found.target, load.found.engine)):
            first, *rest = loads
            with Session(first, settings) as session:
                for load in (first, *rest):
                    session.use(load)
                    began = time.monotonic()
                    for cell in map(without_paths, probe.cells(session, settings, tools(load, report))):
                        measured.append(msgspec.structs.replace(cell, seconds=round(time.monotonic() - began, 3)))
                        done(cell)
                        began = time.monotonic()
                    if formats:
                        fed += format_test.feed(session, measured, tools(load, report))
    except KeyboardInterrupt:
        complete = False
        measured += interrupted(plan, measured)
    here = host.platform_name()
    return Matrix(
        created=created,
        host=host.describe(),
        hearing_test=hearing_test(),
        cells=tuple(msgspec.structs.replace(cell, platform=here) for cell in (*measured, *plan.skipped)),
        formats=tuple(fed),
        problems=problems,
        complete=complete,
        partial=plan.partial,
        shards=tuple(msgspec.structs.replace(shard, platform=here) for shard in plan.shards),
    )


def interrupted(plan: Plan, measured: list[Cell]) -> list[Cell]:
    """The planned cells that were not reached: they must not look as if they did not exist."""
    done = {(cell.engine, cell.route, cell.model, cell.weights, cell.digest) for cell in measured}
    why, fix = "the run was interrupted before this was measured", "run it again"
    return [
        skip(load.found, route, load.model.model, load.model.weights, why, fix, load.model)
        for load in plan.loads
        for route in load.routes
        if (load.found.engine.name, route.name, load.model.model, load.model.weights, load.model.digest) not in done
    ]
