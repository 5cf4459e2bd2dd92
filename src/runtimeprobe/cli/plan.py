"""`runtimeprobe plan`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from runtimeprobe.cli.options import where_to_look, which_cells, your_models

if TYPE_CHECKING:
    from runtimeprobe.nightly.table import Table

PLACE = Path(".github/nightly.toml")


@click.command("plan")
@which_cells
@where_to_look
@your_models
@click.option("--shards", type=click.IntRange(1, 256), default=None, metavar="N", help="Cut it into so many parts of even cost.")
@click.option(
    "--store",
    "store_folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Cut by how long things took in this store.",
)
@click.option("--github", is_flag=True, help="Print the jobs of the nightly run for a workflow's strategy.matrix, as one line of JSON.")
@click.option(
    "--table", "table_file", type=click.Path(path_type=Path), default=PLACE, show_default=True, help="The table of jobs, for --github."
)
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
    shards: int | None,
    store_folder: Path | None,
    github: bool,
    table_file: Path,
) -> None:
    """What would be measured here, by parts; with --github, what a nightly run measures, on which machines.

    --github looks at the table of jobs and not at this machine; of the options that choose cells it takes --runtime, --model and --weights.
    """
    if github:
        if engines or routes or endpoints or model_paths:
            raise click.UsageError("--github plans whole runtimes on other machines: it takes --runtime, --model, --weights and --shards")
        jobs(table_file, runtimes, models, weights, shards or 0)
        return
    from runtimeprobe.cli import setting
    from runtimeprobe.publish import planned
    from runtimeprobe.publish.interface import console

    count = shards or 1
    options = setting.endpoint_options(endpoints, allow_remote, no_start)
    chosen = [setting.selection(runtimes, engines, models, routes, weights, (number, count)) for number in range(1, count + 1)]
    found, notes = setting.look(options, chosen[0].weights, model_paths, python)
    for note in notes:
        setting.say(f"note: {note}")
    plans = [setting.planned(found, selection, store_folder) for selection in chosen]
    planned.render(plans, setting.costs(store_folder) if store_folder else {}, console())


def jobs(file: Path, runtimes: tuple[str, ...], models: tuple[str, ...], weights: str, shards: int) -> None:
    """Prints the matrix; what does not fit goes to stderr."""
    import msgspec

    from runtimeprobe.cli import setting
    from runtimeprobe.nightly import github, planning
    from runtimeprobe.plan import AUDIO_MODELS, unknown

    table = read(file)
    for kind, given, names in (("runtime", runtimes, [job.runtime for job in table.job]), ("model", models, AUDIO_MODELS)):
        for name in given:
            if name not in names:
                raise click.UsageError(unknown(kind, name, names))
    if runtimes:
        table = msgspec.structs.replace(table, job=tuple(job for job in table.job if job.runtime in runtimes))
    found, without = planning.jobs(table, setting.wanted_weights(weights), shards)
    for item in without:
        if not models or item.model in models:
            setting.say(f"left out: {item.model} for {item.job} on {item.runner} {item.reason}")
    chosen = [job for job in found if not models or job.weights == "twin" or job.model in models]
    try:
        click.echo(github.matrix(chosen))
    except github.NotAccepted as error:
        raise click.ClickException(f"{file}: {error}") from None


def read(file: Path) -> "Table":
    from runtimeprobe.nightly import table

    try:
        return table.read(file.read_text("utf-8"))
    except FileNotFoundError:
        raise click.ClickException(
            f"there is no table of jobs at {file}; go to the repository's folder, or name it: --table FILE"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"cannot read {file}: {getattr(error, 'strerror', None) or 'it is no UTF-8 text'}") from None
    except table.BadTable as error:
        raise click.ClickException(f"{file}: {error}") from None
