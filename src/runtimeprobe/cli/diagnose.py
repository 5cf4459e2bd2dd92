"""`runtimeprobe diagnose TARGET`."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runtimeprobe.cli import EXIT_FINDINGS
from runtimeprobe.cli.options import where_to_look

if TYPE_CHECKING:
    from runtimeprobe.diagnose.experiment import Budget

BUDGET = re.compile(r"([0-9]+(?:\.[0-9]+)?)(s|m|h|t)")
SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def levers(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """NAME=VALUE each."""
    found = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not (name and equals):
            raise click.BadParameter(f"{value!r} is no lever; write NAME=VALUE, such as temperature=0")
        found[name] = text
    return found


@click.command("diagnose")
@click.argument("target")
@click.option("--engine", default="", help="The engine to run it on [default: the first that can].")
@click.option(
    "--lever", "given", multiple=True, callback=levers, metavar="NAME=VALUE", help="How you run it, where that differs from the defaults."
)
@click.option(
    "--projector", type=click.Path(path_type=Path, exists=True, dir_okay=False), default=None, help="The mmproj file you load with it."
)
@click.option(
    "--file",
    "file_path",
    type=click.Path(path_type=Path, exists=True),
    default=None,
    help="The model's GGUF file, where TARGET is a server's model: its API does not show it.",
)
@click.option("--prompt", "prompts", multiple=True, help="A prompt of yours that loops; asked first.")
@click.option("--static", is_flag=True, help="Look at the file only; run nothing.")
@click.option("--budget", default="", metavar="N[s|m|h|t]", help="At most so many seconds, minutes, hours or tokens.")
@click.option(
    "--timeout", "limit_s", type=click.FloatRange(1), default=900.0, show_default=True, help="Seconds for one load or one answer."
)
@click.option(
    "--memory", "memory_gib", type=click.FloatRange(0.1), default=None, help="GiB the engine may use [default: 90% of the machine]."
)
@click.option("--json", "json_file", metavar="FILE", default=None, help="Write the diagnosis as JSON; - is stdout.")
@click.option(
    "--issue", "issue_file", type=click.Path(path_type=Path, dir_okay=False), default=None, help="Write the text of an upstream issue."
)
@click.option("--fail-on-loop", is_flag=True, help="Exit 1 if it loops, fails, or answers wrong.")
@where_to_look
def command(
    target: str,
    engine: str,
    given: dict[str, str],
    projector: Path | None,
    file_path: Path | None,
    prompts: tuple[str, ...],
    static: bool,
    budget: str,
    limit_s: float,
    memory_gib: float | None,
    json_file: str | None,
    issue_file: Path | None,
    fail_on_loop: bool,
    python: str,
    endpoints: tuple[str, ...],
    allow_remote: bool,
    no_start: bool,
) -> None:
    """Say whether a model loops, how often, why, and which configuration is reliable.

    TARGET is a GGUF file, ollama:NAME, lmstudio:KEY, llamacpp:URL or mlx:FOLDER. The file is held against the catalogue of causes; then
    the model is run, and changed one thing at a time until nothing goes wrong any more. Ctrl-C reports what is known.
    """
    from runtimeprobe import host
    from runtimeprobe.cli import setting
    from runtimeprobe.cli.output import Destination, Lines, save
    from runtimeprobe.diagnose import diagnosing, preparing
    from runtimeprobe.diagnose.target import NoTarget
    from runtimeprobe.publish import diagnosis
    from runtimeprobe.publish.interface import console
    from runtimeprobe.session import Settings

    Destination.prepare(json_file, issue_file.absolute().parent if issue_file else None)
    options = setting.endpoint_options(endpoints, allow_remote, no_start)
    limits = spending(budget)
    try:
        question = preparing.question(target, engine, given, projector, prompts, limits, options, python, file_path)
    except NoTarget as error:
        raise click.ClickException("; ".join(filter(None, (str(error), error.fix)))) from None
    memory = int(memory_gib * 2**30) if memory_gib else int(host.memory_total_bytes() * 0.9)
    settings = Settings(limit_s=limit_s, memory_limit_bytes=memory)
    with Lines() as lines:
        found = diagnosing.diagnose(question, settings, lines, static=static)
    diagnosis.render(found, console(stderr=json_file == "-"))
    data = diagnosing.encode(found)
    if json_file == "-":
        click.echo(data.decode())
    targets = [] if json_file in (None, "-") else [(Path(str(json_file)), data)]
    if issue_file:
        targets.append((issue_file, diagnosis.issue(found).encode()))
    save(targets, data)
    if not found.complete and not budget:
        raise click.exceptions.Exit(130)
    if fail_on_loop and found.goes_wrong:
        raise click.exceptions.Exit(EXIT_FINDINGS)


def spending(text: str) -> "Budget":
    from runtimeprobe.diagnose.experiment import Budget

    if not text:
        return Budget()
    match = BUDGET.fullmatch(text)
    if not match or not float(match[1]):
        raise click.BadParameter(f"{text!r} is no budget; write 90s, 10m, 2h or 50000t (tokens)", param_hint="--budget")
    return Budget(tokens=int(float(match[1]))) if match[2] == "t" else Budget(seconds=float(match[1]) * SECONDS[match[2]])
