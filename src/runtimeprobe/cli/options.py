"""Options that several commands share, and how their values are checked."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


def shard(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[int, int]:
    """`I/N` with 1 <= I <= N."""
    left, _, right = value.partition("/")
    if not (left.isdigit() and right.isdigit() and 1 <= int(left) <= int(right)):
        raise click.BadParameter(f"{value!r} is no shard; write I/N with 1 <= I <= N, such as 2/3")
    return int(left), int(right)


def python(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    """The interpreter of another environment: a path to it, or to the environment's folder."""
    if not value:
        return sys.executable
    path = Path(value).expanduser()
    for inside in (path, path / "bin" / "python", path / "Scripts" / "python.exe"):
        if inside.is_file():
            return str(inside.absolute())
    raise click.BadParameter(f"no Python interpreter at {value!r}; give the path of bin/python in the environment that has the engine")


def where_to_look(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options of every command that looks for engines."""
    for option in reversed(
        (
            click.option(
                "--python", default="", callback=python, help="Probe the engines of another environment: its interpreter or folder."
            ),
            click.option(
                "--endpoint", "endpoints", multiple=True, metavar="URL", help="A server to probe instead of its runtime's default address."
            ),
            click.option("--allow-remote", is_flag=True, help="Allow an endpoint that is not this machine."),
            click.option("--no-start", is_flag=True, help="Start no server: probe those that answer already."),
        )
    ):
        command = option(command)
    return command


your_models = click.option(
    "--model-path", "model_paths", multiple=True, type=click.Path(path_type=Path), help="A Gemma 4 file or folder of yours."
)


def which_cells(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that choose cells; each may be given several times."""
    for option in reversed(
        (
            click.option("--runtime", "runtimes", multiple=True, help="Only this runtime, such as llama.cpp."),
            click.option("--engine", "engines", multiple=True, help="Only this engine, such as xllamacpp."),
            click.option("--model", "models", multiple=True, help="Only this model, such as gemma-4-e2b."),
            click.option("--route", "routes", multiple=True, help="Only this route, such as chat.input_audio."),
            click.option(
                "--weights",
                type=click.Choice(["twin", "real", "all"]),
                default="twin",
                show_default=True,
                help="The miniature twins, the published checkpoints, or both.",
            ),
        )
    ):
        command = option(command)
    return command
