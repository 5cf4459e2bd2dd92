"""`runtimeprobe merge FILE...`."""

from pathlib import Path

import click


@click.command("merge")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--expect", type=click.IntRange(1), default=None, metavar="N", help="So many parts make up the run: say what is missing.")
@click.option("--json", "json_file", metavar="FILE", default=None, help="Write the results as JSON; - is stdout.")
@click.option(
    "--store", "store_folder", type=click.Path(path_type=Path, file_okay=False), default=None, help="Append the run to this store."
)
def command(files: tuple[Path, ...], expect: int | None, json_file: str | None, store_folder: Path | None) -> None:
    """Join the parts of a run (`matrix --shard I/N --json FILE`) to one table.

    What a missing part was to measure is shown as skipped. A file that is damaged counts as missing. Parts that contradict each other
    are an error.
    """
    from runtimeprobe.cli import setting
    from runtimeprobe.cli.output import Destination
    from runtimeprobe.history import merge, store
    from runtimeprobe.history.files import StoreError, Unreadable, read_matrix

    destination = Destination.prepare(json_file, None)
    parts: list[merge.Part] = []
    for file in files:
        if not file.is_file():
            raise click.BadParameter(f"there is no file {file}", param_hint="FILE")
        try:
            parts.append(merge.Part(name=str(file), matrix=read_matrix(file)))
        except Unreadable as error:
            setting.say(f"left out: {error}")
    if not parts:
        raise click.ClickException("none of the files holds results; give files that `runtimeprobe matrix --json FILE` wrote")
    place = store.Store(store_folder) if store_folder else None
    try:
        matrix = merge.merge(parts)
        missing = (expect or 0) - sum(merge.delivered(part.matrix) for part in parts)
        if missing > 0:
            matrix = merge.short(matrix, missing, place.latest_or_none() if place else None)
            setting.say(f"{missing} of {expect} parts are missing: their cells are skipped")
        if place:
            entry = place.add(matrix)
            setting.say(f"stored as {entry.id}")
    except StoreError as error:
        raise click.ClickException(str(error)) from None
    destination.write(matrix)
