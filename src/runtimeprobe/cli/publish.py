"""`runtimeprobe publish`."""

import os
from collections.abc import Callable
from pathlib import Path

import click


def only(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[str, ...]:
    """Formats by name, with commas between them; all of them without a name."""
    from runtimeprobe.publish.formats import FORMATS

    names = tuple(name.strip() for name in value.split(",") if name.strip())
    for name in names:
        if name not in FORMATS:
            import difflib

            near = difflib.get_close_matches(name, FORMATS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(FORMATS)}"
            raise click.BadParameter(f"no format named {name!r}; {hint}")
    return names or tuple(FORMATS)


def address(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    from runtimeprobe.publish.naming import https

    if value and not https(value):
        raise click.BadParameter(f"{value!r} is no address such as https://example.org/runtimeprobe/")
    return value if not value or value.endswith("/") else f"{value}/"


@click.command("publish")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--store", type=click.Path(path_type=Path), default=Path("matrix"), show_default=True, help="The folder that holds the results."
)
@click.option("--only", "formats", default="", callback=only, metavar="NAMES", help="Of html,markdown,junit,badges,feed,github.")
@click.option("--url", default="", callback=address, metavar="URL", help="Where the site will be: the feed then links to it.")
def command(folder: Path, store: Path, formats: tuple[str, ...], url: str) -> None:
    """The store as a site (open DIR/index.html, no server needed), a page for GitHub, JUnit XML, badges and a feed.

    Writes only what changed, removes only what it wrote itself. The page of the store's own folder, README.md, is made anew too. On GitHub
    Actions a step summary and annotations are added.
    """
    import gc

    from runtimeprobe.history.files import StoreError
    from runtimeprobe.publish import formats as table
    from runtimeprobe.publish import reading, writing
    from runtimeprobe.publish.interface import Output, Place, safe

    gc.disable()  # a year's history is a hundred thousand objects that all stay: looking them through takes a fifth of the time
    try:
        edition, problems = reading.edition(store, url)
    except StoreError as error:
        raise click.ClickException(str(error)) from None
    for problem in problems:
        click.echo(f"note: {safe(problem, 400)}", err=True)
    site: dict[str, list[Output]] = {}
    elsewhere: list[Output] = []
    for name in formats:
        outputs = list(table.load(name).outputs(edition))
        here = [item for item in outputs if item.place is Place.SITE]
        elsewhere += [item for item in outputs if item.place is not Place.SITE]
        if here:
            site[name] = here
    try:
        if site:
            report = writing.publish(folder, site)
            counts = f"{len(report.written)} files written, {report.kept} as they were, {len(report.removed)} removed"
            click.echo(f"{folder}: {counts}", err=True)
        for item in elsewhere:
            deliver(item.place, store / item.path, item.content)
    except writing.Foreign as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"cannot write {error.filename or folder}: {error.strerror}; choose another folder") from None


def deliver(place: str, file: Path, content: Callable[[], bytes]) -> None:
    """What does not belong into the site: the store's page, and GitHub's summary and annotations where GitHub runs this."""
    from runtimeprobe.publish.interface import Place
    from runtimeprobe.publish.writing import put, sha256

    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if place == Place.STORE:
        import hashlib

        data = content()
        if sha256(file) != hashlib.sha256(data).hexdigest():
            put(file, data)
            click.echo(f"{file}: written", err=True)
    elif place == Place.SUMMARY and summary:
        from runtimeprobe.publish import github

        with Path(summary).open("ab") as stream:
            stream.write(github.cut(content(), github.MOST_BYTES - stream.tell()))
    elif place == Place.LOG and os.environ.get("GITHUB_ACTIONS") == "true":
        click.echo(content().decode(), nl=False)
