"""`runtimeprobe compare A B`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runtimeprobe.cli import EXIT_FINDINGS

if TYPE_CHECKING:
    from runtimeprobe.history.known import Known
    from runtimeprobe.results import Matrix

# history.model.Kind, without importing it for `--help`; a test holds them together
KINDS = ("regressed", "broken", "flaky", "fixed", "improved", "new", "gone", "stale")


@click.command("compare")
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option("--json", "json_file", metavar="FILE", default=None, help="Write the changes as JSON; - is stdout.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print Markdown instead of a table.")
@click.option("--fail-on", multiple=True, type=click.Choice(KINDS), help="Exit 1 if there is such a change; may be given several times.")
def command(before: str, after: str, json_file: str | None, as_markdown: bool, fail_on: tuple[str, ...]) -> None:
    """What improved, regressed or flaked from A to B.

    A and B are results files (`matrix --json FILE`), stores (their newest run), or runs of a store: STORE@latest, STORE@previous, STORE@ID.
    """
    from runtimeprobe.cli.output import Destination, save
    from runtimeprobe.history import compare, known
    from runtimeprobe.history.files import StoreError
    from runtimeprobe.publish import comparison as publish
    from runtimeprobe.publish.interface import console

    Destination.prepare(json_file, None)
    try:
        (old, known_before), (new, known_after) = read(before), read(after)
    except StoreError as error:
        raise click.ClickException(str(error)) from None
    comparison = compare.compare(old, new, known_after or known_before or known.shipped(), (before, after))
    if json_file != "-":
        if as_markdown:
            click.echo(publish.markdown(comparison), nl=False)
        else:
            publish.render(comparison, console())
    if json_file:
        import msgspec

        data = msgspec.json.format(msgspec.json.encode(comparison), indent=1) + b"\n"
        if json_file == "-":
            sys.stdout.buffer.write(data)
        else:
            save([(Path(json_file), data)], data)
    if any(change.kind in fail_on for change in comparison.changes):
        raise click.exceptions.Exit(EXIT_FINDINGS)


def read(name: str) -> "tuple[Matrix, Known | None]":
    """The results that `name` means, and the known issues of their store. Raises StoreError."""
    from runtimeprobe.history.files import StoreError, read_matrix
    from runtimeprobe.history.store import Store

    path = Path(name)
    if path.is_file():
        return read_matrix(path), None
    folder, run = (name, "latest") if path.is_dir() else (name.rpartition("@")[0], name.rpartition("@")[2])
    if not folder or not Path(folder).is_dir():
        raise StoreError(f"{name!r} is neither a results file nor a store; give a file, a folder, or FOLDER@latest, FOLDER@previous")
    store = Store(Path(folder))
    return (store.latest() if run == "latest" else store.run(run)), store.known()
