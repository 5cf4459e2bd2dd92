"""`runtimeprobe hear FILE`."""

from pathlib import Path

import click

from runtimeprobe.cli.options import where_to_look, which_cells, your_models


@click.command("hear")
@click.argument("file", type=click.Path(path_type=Path))
@which_cells
@where_to_look
@your_models
@click.option("--prompt", default="", help="What to ask about the recording [default: transcribe it].")
@click.option("--max-tokens", type=click.IntRange(1, 100_000), default=256, show_default=True)
@click.option(
    "--timeout", "limit_s", type=click.FloatRange(1), default=300.0, show_default=True, help="Seconds for the load and for each ask."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    file: Path,
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
    prompt: str,
    max_tokens: int,
    limit_s: float,
    as_json: bool,
) -> None:
    """Give one recording of yours to one engine: its answer, token counts, timings, and whether the sound got in.

    The first engine, model and route that fit the options are used. The twins know spoken digits only; use --weights real for speech.
    """
    from runtimeprobe import hearing
    from runtimeprobe.audio.errors import SoundError
    from runtimeprobe.cli import setting
    from runtimeprobe.session import Settings

    options = setting.endpoint_options(endpoints, allow_remote, no_start)
    chosen = setting.selection(runtimes, engines, models, routes, weights)
    try:
        recording = hearing.prepare(file)
    except SoundError as error:
        raise click.ClickException(f"{error}; {error.fix}") from None
    with recording:
        found, notes = setting.look(options, chosen.weights, model_paths, python)
        plan = setting.planned(found, chosen)
        if not plan.loads:
            why = next((f"{cell.engine}: {cell.reason}; {cell.fix}" for cell in plan.skipped), "; ".join(notes) or "no engine is installed")
            raise click.ClickException(f"nothing here can take it ({why}); see: runtimeprobe doctor")
        settings = Settings(attempts=1, limit_s=limit_s)
        report = hearing.hear(plan.loads[0], recording, settings, prompt, max_tokens)
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(report), indent=1).decode())
    else:
        from runtimeprobe.publish.interface import console

        hearing.render(report, console())
    if report.failed:
        raise click.exceptions.Exit(1)
