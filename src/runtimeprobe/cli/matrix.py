"""`runtimeprobe matrix`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from runtimeprobe.cli import EXIT_FINDINGS
from runtimeprobe.cli.options import shard, where_to_look, which_cells, your_models
from runtimeprobe.results import ORDER, Verdict

if TYPE_CHECKING:
    from runtimeprobe.results import Matrix


@click.command("matrix")
@which_cells
@where_to_look
@your_models
@click.option(
    "--attempts", type=click.IntRange(1, 20), default=3, show_default=True, help="Times each cell is measured; the majority counts."
)
@click.option(
    "--timeout", "limit_s", type=click.FloatRange(1), default=None, help="Seconds for one load or one ask [default: 120, real weights 900]."
)
@click.option(
    "--memory", "memory_gib", type=click.FloatRange(0.1), default=None, help="GiB one engine may use [default: 90% of the machine]."
)
@click.option("--shard", default="1/1", callback=shard, metavar="I/N", help="Measure one of N parts.")
@click.option("--formats", is_flag=True, help="Also feed every container and length to each route that hears.")
@click.option("--download", is_flag=True, help="Fetch published weights that are missing (with --weights real or all).")
@click.option("--json", "json_file", metavar="FILE", default=None, help="Write the results as JSON; - is stdout.")
@click.option("--out", "folder", type=click.Path(path_type=Path), default=None, help="Write matrix.json and matrix.txt into this folder.")
@click.option(
    "--store",
    "store_folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Append the run to this store; with --shard, only cut the parts by how long things took there.",
)
@click.option("--fail-on", type=click.Choice([item.value for item in Verdict]), default=None, help="Exit 1 if a cell is this bad or worse.")
def command(
    runtimes: tuple[str, ...],
    engines: tuple[str, ...],
    models: tuple[str, ...],
    routes: tuple[str, ...],
    weights: str,
    python: str,
    endpoints: tuple[str, ...],
    allow_remote: bool,
    no_start: bool,
    model_paths: tuple[Path, ...],
    attempts: int,
    limit_s: float | None,
    memory_gib: float | None,
    shard: tuple[int, int],
    formats: bool,
    download: bool,
    json_file: str | None,
    folder: Path | None,
    store_folder: Path | None,
    fail_on: str | None,
) -> None:
    """Probe the runtimes here and print who really hears.

    Every engine runs in a process of its own. The twins (miniature models that ship with the tool) need no download; --weights real
    uses the published checkpoints that are on this machine.
    """
    if store_folder and shard != (1, 1) and not (json_file or folder):
        raise click.UsageError("a part of a run is not stored by itself: add --json FILE, and join the parts with `runtimeprobe merge`")
    from runtimeprobe import host, run
    from runtimeprobe.cli import setting
    from runtimeprobe.cli.output import Destination, Progress
    from runtimeprobe.session import Settings

    destination = Destination.prepare(json_file, folder)
    options = setting.endpoint_options(endpoints, allow_remote, no_start)
    chosen = setting.selection(runtimes, engines, models, routes, weights, shard)
    if download:
        from runtimeprobe.cli.fetching import fetch

        if "real" not in chosen.weights:
            raise click.UsageError("--download fetches published weights: add --weights real or --weights all")
        fetch(chosen.models)
    issues = setting.known_issues(store_folder)
    found, notes = setting.look(options, chosen.weights, model_paths, python)
    for note in notes:
        setting.say(f"note: {note}")
    plan = setting.planned(found, chosen, store_folder)
    memory = int(memory_gib * 2**30) if memory_gib else int(host.memory_total_bytes() * 0.9)
    limit = limit_s or (900.0 if "real" in chosen.weights else 120.0)
    settings = Settings(attempts=attempts, limit_s=limit, memory_limit_bytes=memory)
    with Progress(sum(len(load.routes) for load in plan.loads)) as progress:
        matrix = run.run(plan, settings, found.problems, progress.report, progress.done, formats=formats)
    destination.write(issues.annotate(matrix))
    if store_folder and chosen.shard == (1, 1):
        append(matrix, store_folder)
    if not matrix.complete:
        raise click.exceptions.Exit(130)
    evaluated = [cell for cell in matrix.cells if cell.verdict is not Verdict.SKIPPED]
    if fail_on and any(ORDER.index(cell.verdict) >= ORDER.index(Verdict(fail_on)) for cell in evaluated):
        raise click.exceptions.Exit(EXIT_FINDINGS)


def append(matrix: "Matrix", folder: Path) -> None:
    from runtimeprobe.cli import setting
    from runtimeprobe.cli.output import rescue
    from runtimeprobe.history.files import StoreError
    from runtimeprobe.history.store import Store
    from runtimeprobe.results import encode

    try:
        setting.say(f"stored as {Store(folder).add(matrix).id}")
    except StoreError as error:
        raise click.ClickException(f"{error}; {rescue(encode(matrix))}") from None
