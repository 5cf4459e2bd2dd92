"""`runtimeprobe timeline`."""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from runtimeprobe.cli.output import Destination
    from runtimeprobe.registry import Owner
    from runtimeprobe.timeline.results import Release, Row, Timeline


@click.command("timeline")
@click.argument("engine", required=False)
@click.option("--from", "first", metavar="V|DATE", default="", help="The first release, or its date [default: the month of Gemma 4].")
@click.option("--to", "last", metavar="V|DATE", default="", help="The last release, or its date [default: the newest].")
@click.option("--only", multiple=True, metavar="V", help="Just this release; may be given several times.")
@click.option("--every/--bisect", "every", default=None, help="All of them, or those that close in on changes [default: by the engine].")
@click.option("--model", "models", multiple=True, help="Only this model, such as gemma-4-e2b.")
@click.option("--route", "routes", multiple=True, help="Only this route, such as chat.input_audio.")
@click.option(
    "--binary", "binaries", multiple=True, metavar="V=PATH", help="A release of an engine that is a program: its file, or address."
)
@click.option("--attempts", type=click.IntRange(1, 20), default=3, show_default=True, help="For a cell that does not hear at once.")
@click.option("--timeout", "limit_s", type=click.FloatRange(1), default=60.0, show_default=True, help="Seconds for one load or one ask.")
@click.option(
    "--jobs", type=click.IntRange(1, 16), default=1, show_default=True, help="Releases probed at the same time, except by --bisect."
)
@click.option("--again", is_flag=True, help="Measure also what is known from an earlier run.")
@click.option("--json", "json_file", metavar="FILE", default=None, help="Write the results as JSON; - is stdout.")
@click.option("--markdown", "markdown_file", type=click.Path(path_type=Path, dir_okay=False), default=None, help="Write them as Markdown.")
@click.option("--max-cache", "cache_gib", type=click.FloatRange(0), default=10.0, show_default=True, help="GiB that environments may take.")
@click.option("--clean", is_flag=True, help="Remove the environments of ENGINE, or all of them.")
def command(
    engine: str | None,
    first: str,
    last: str,
    only: tuple[str, ...],
    every: bool | None,
    models: tuple[str, ...],
    routes: tuple[str, ...],
    binaries: tuple[str, ...],
    attempts: int,
    limit_s: float,
    jobs: int,
    again: bool,
    json_file: str | None,
    markdown_file: Path | None,
    cache_gib: float,
    clean: bool,
) -> None:
    """Since which release ENGINE hears: measured release by release, with the twins.

    Every release is installed into an environment of its own in the cache folder, with the packages of its day. What was measured once
    is not measured again.
    """
    from runtimeprobe import host
    from runtimeprobe.cli import setting
    from runtimeprobe.cli.output import Destination, Lines
    from runtimeprobe.history.known import shipped
    from runtimeprobe.plan import AUDIO_MODELS, unknown
    from runtimeprobe.session import Settings
    from runtimeprobe.timeline import environments, known, probing, running

    destination = Destination.prepare(json_file, markdown_file.absolute().parent if markdown_file else None)
    owner = owner_of(engine) if engine else None
    places = environments.Environments(environments.root(), int(cache_gib * 2**30))
    if clean:
        if owner and not owner.releases.package:
            raise click.UsageError(f"{engine} is in no package index, so it has no environments here")
        count, freed = places.remove(owner.releases.package if owner else "")
        setting.say(f"removed {count} environments, {freed / 2**30:.1f} GiB")
        return
    if engine is None or owner is None:
        raise click.UsageError("name an engine, such as: runtimeprobe timeline xllamacpp")
    for kind, given, names in (("model", models, AUDIO_MODELS), ("route", routes, [route.name for route in owner.routes])):
        for name in given:
            if name not in names and names:
                raise click.UsageError(unknown(kind, name, names))
    releases, programs = meant(engine, owner, first, last, only, binaries)
    bisect = owner.releases.compiled and not programs and not only if every is None else not every
    at_once = 1 if bisect else jobs
    request = running.Request(
        subject=probing.Subject(runtime=owner.runtime, engine=engine, models=models or AUDIO_MODELS, routes=routes, attempts=attempts),
        how=owner.releases,
        releases=releases,
        binaries=programs,
        bisect=bisect,
        again=again,
        jobs=at_once,
        settings=Settings(
            attempts=attempts, until_heard=True, limit_s=limit_s, memory_limit_bytes=int(host.memory_total_bytes() * 0.9 / at_once)
        ),
    )
    if owner.releases.compiled and not programs:
        setting.say(f"{owner.releases.package} is built from its source: minutes for a release that is not known or built yet")
    here, _ = setting.candidates(("twin",), ())
    count = 0
    with Lines() as lines, ended_by_sigterm():

        def done(row: "Row") -> None:
            nonlocal count
            count += 1
            lines.say(line_of(f"{count}" if request.bisect else f"{count}/{len(releases)}", row))

        timeline = running.Runner(request, entry_named(owner.adapter), here, places, known.root(), lines.passing, done).run(shipped())
    show(timeline, destination, markdown_file)
    if not timeline.complete:
        raise click.exceptions.Exit(130)


def owner_of(engine: str) -> "Owner":
    """The adapter that knows the engine, here or not."""
    from runtimeprobe import registry
    from runtimeprobe.plan import unknown

    owners = registry.owners((engine,))
    if engine not in owners:
        raise click.UsageError(unknown("engine", engine, owners))
    return owners[engine]


def entry_named(name: str) -> "EntryPoint":
    from runtimeprobe import registry

    return next(entry for entry in registry.adapters() if entry.name == name)


def meant(
    engine: str, owner: "Owner", first: str, last: str, only: tuple[str, ...], binaries: tuple[str, ...]
) -> tuple[tuple["Release", ...], dict[str, str]]:
    """The releases to measure, and where those are that are programs of the user's."""
    from runtimeprobe.timeline import choosing, index

    try:
        if binaries:
            if first or last or only:
                raise click.UsageError("--binary names its releases: --from, --to and --only do not go with it")
            releases, programs = choosing.given(binaries)
            for place in programs.values():
                check_program(engine, owner, place)
            return releases, programs
        if not owner.releases.package:
            raise click.UsageError(f"{engine} is in no package index: give its releases, as in --binary 1.2.3=/path/to/{engine}")
        listed = index.releases(owner.releases.package)
        releases = choosing.only(listed, only) if only else choosing.between(listed, first, last)
    except (choosing.NoSuchRelease, index.NoReleases) as error:
        raise click.ClickException(str(error)) from None
    if not releases:
        raise click.ClickException(f"{owner.releases.package} has no release from {first or choosing.BEGINNING} to {last or 'now'}")
    return releases, {}


def check_program(engine: str, owner: "Owner", place: str) -> None:
    """Before anything is measured: a file that cannot be run would let another one on PATH answer for it."""
    if place.startswith(("http://", "https://")):
        return
    if not owner.releases.program:
        raise click.UsageError(f"{engine} is no program: its releases are installed, or --binary V=URL names servers")
    if not Path(place).is_file():
        raise click.BadParameter(f"there is no file {place}", param_hint="--binary")
    if not os.access(place, os.X_OK):
        raise click.BadParameter(f"{place} is not executable: chmod +x {place}", param_hint="--binary")


@contextlib.contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """A polite end is one like Ctrl-C: what is measured is kept, and nothing is left behind."""

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def line_of(count: str, row: "Row") -> str:
    """One row as it comes: the verdicts and how often each."""
    from collections import Counter

    from runtimeprobe.publish.interface import safe

    verdicts = Counter(str(cell.verdict) for cell in row.cells)
    told = ", ".join(f"{verdict} {number}" for verdict, number in verdicts.items())
    known = " (known)" if row.release.cached else ""
    return f"[{count}] {safe(row.release.version, 40)} {safe(row.release.date, 10)}: {told}{known}"


def show(timeline: "Timeline", destination: "Destination", markdown_file: Path | None) -> None:
    """The table to stdout, the files where they were asked for."""
    from runtimeprobe.cli.output import save
    from runtimeprobe.publish import timeline as publish
    from runtimeprobe.publish.interface import console
    from runtimeprobe.results import encode

    data = encode(timeline)
    publish.render(timeline, console(stderr=destination.json_file == "-"))
    if destination.json_file == "-":
        sys.stdout.buffer.write(data)
    targets = [] if destination.json_file in (None, "-") else [(Path(str(destination.json_file)), data)]
    if markdown_file:
        targets.append((markdown_file, publish.markdown(timeline).encode()))
    save(targets, data)
