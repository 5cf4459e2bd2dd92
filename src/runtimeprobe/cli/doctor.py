"""`runtimeprobe doctor`."""

from pathlib import Path

import click

from runtimeprobe.cli.options import where_to_look, which_cells, your_models


@click.command("doctor")
@which_cells
@where_to_look
@your_models
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
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
    as_json: bool,
) -> None:
    """Say which runtimes, engines and models are here, what would be probed, why the rest would not, and how to fix that."""
    import msgspec

    from runtimeprobe.cli import setting

    options = setting.endpoint_options(endpoints, allow_remote, no_start)
    chosen = setting.selection(runtimes, engines, models, routes, weights)
    found, notes = setting.look(options, chosen.weights, model_paths, python)
    plan = setting.planned(found, chosen)
    if as_json:
        report = {
            "engines": [
                {"runtime": item.runtime, "engine": item.engine, "routes": item.routes, "models": item.models} for item in found.engines
            ],
            "missing": [{"runtime": item.runtime, "engine": item.absent} for item in found.missing],
            "problems": (*found.problems, *notes),
            "loads": [
                {"engine": load.found.engine.name, "model": load.model, "routes": [route.name for route in load.routes]}
                for load in plan.loads
            ],
            "skipped": plan.skipped,
        }
        click.echo(msgspec.json.format(msgspec.json.encode(report), indent=1).decode())
        return
    from runtimeprobe.publish import doctor
    from runtimeprobe.publish.interface import console

    doctor.render(found, plan, notes, console())
