"""`python -m runtimeprobe.nightly`: what the workflow calls that no user of the tool needs."""

from pathlib import Path

import click


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def group() -> None:
    """Parts of the nightly run."""


@group.command("issues")
@click.option("--store", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True)
@click.option("--known", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True, help="What `gh issue list` told.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The actions, as JSON.")
@click.option("--run-url", default="", help="Address of this run.")
@click.option("--site-url", default="", help="Address of the published table.")
def issues_command(store: Path, known: Path, out: Path, run_url: str, site_url: str) -> None:
    """Which issues to open, update, reopen and close."""
    import msgspec

    from runtimeprobe.history import files
    from runtimeprobe.history.store import Store
    from runtimeprobe.nightly import issues

    try:
        listed = msgspec.json.decode(files.read(known), type=list[issues.Issue])
        place = Store(store)
        matrix = place.latest()
        plan = issues.plan(place.history(now=matrix.created), matrix.cells, listed, run_url, site_url)
    except (files.StoreError, msgspec.MsgspecError) as error:
        raise click.ClickException(str(error)) from None
    out.write_bytes(msgspec.json.format(msgspec.json.encode(plan.actions), indent=1) + b"\n")
    for action in plan.actions:
        click.echo(f"{action.do} {action.number or ''} {action.title}".strip())
    if plan.held_back:
        click.echo(f"::warning::{plan.held_back} more regressions have no issue yet: {issues.MOST_NEW} are opened in one night")


@group.command("absent")
@click.option("--plan", "plan_text", required=True, help="Tonight's jobs, as `runtimeprobe plan --github` printed them.")
@click.option("--table", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True)
@click.option("--cells", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True, help="cells-ID/ID.json of each job.")
@click.option("--store", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
def absent_command(plan_text: str, table: Path, cells: Path, store: Path, out: Path) -> None:
    """Writes skipped cells for what the table has and tonight did not measure. Writes nothing if there is nothing."""
    import msgspec

    from runtimeprobe.history.files import StoreError, read_matrix
    from runtimeprobe.history.store import Store
    from runtimeprobe.nightly import absent, planning
    from runtimeprobe.nightly import table as tables
    from runtimeprobe.results import encode

    try:
        tonight = msgspec.json.decode(plan_text, type=absent.Include).include
        every, _ = planning.jobs(tables.read(table.read_text("utf-8")), ("twin", "real"))
        arrived = {job.id: read_matrix(file) for job in tonight if (file := cells / f"cells-{job.id}" / f"{job.id}.json").is_file()}
        before = Store(store).latest_or_none()
    except (StoreError, tables.BadTable, msgspec.MsgspecError) as error:
        raise click.ClickException(str(error)) from None
    matrix = absent.matrix(tonight, every, arrived, before)
    if matrix is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(encode(matrix))
        click.echo(f"{len(matrix.cells)} cells were not measured tonight")


@group.command("timeline")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--store", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True)
def timeline_command(file: Path, store: Path) -> None:
    """Puts a new timeline into the store, joined with the one that is there."""
    import msgspec

    from runtimeprobe.history import files
    from runtimeprobe.history.store import Store
    from runtimeprobe.nightly import timelines
    from runtimeprobe.registry import owners
    from runtimeprobe.results import encode
    from runtimeprobe.timeline.results import Timeline
    from runtimeprobe.timeline.story import what_is_known
    from runtimeprobe.writing import write_whole

    place = store / "timelines" / file.name
    try:
        timeline = msgspec.json.decode(files.read(file), type=Timeline)
        if place.is_file():
            how = owners((timeline.engine,))[timeline.engine].releases
            old = msgspec.json.decode(files.read(place), type=Timeline)
            timeline = timelines.joined(old, timeline, how, what_is_known(Store(store).known(), timeline.engine))
    except KeyError:
        raise click.ClickException(f"{file} is about an engine that no adapter knows") from None
    except (files.StoreError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{file}: {error}") from None
    place.parent.mkdir(exist_ok=True)
    write_whole(place, encode(timeline))
    click.echo(f"{place.name}: {len(timeline.releases)} releases")


@group.command("digest")
@click.argument("repository")
@click.argument("files", nargs=-1)
def digest_command(repository: str, files: tuple[str, ...]) -> None:
    """One digest of published files, to name them in a cache."""
    from runtimeprobe.nightly import models

    try:
        click.echo(models.digest(repository, files))
    except models.NoDigest as error:
        raise click.ClickException(str(error)) from None


@group.command("check")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def check_command(folder: Path) -> None:
    """Removes files of a hub's cache that are not what their digest says."""
    from runtimeprobe.nightly import models

    for blob in models.damaged(folder):
        blob.unlink()
        click.echo(f"::warning::{blob.name} is damaged and was removed")


if __name__ == "__main__":
    group(prog_name="python -m runtimeprobe.nightly")
