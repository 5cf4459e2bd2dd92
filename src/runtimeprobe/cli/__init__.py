"""The command line: one module per command, no logic. Commands are imported when they run, so that `--help` stays fast."""

import importlib
import sys
from typing import Any

import click

from runtimeprobe import __version__

# name -> (one line of help, kept here so that listing them imports nothing)
COMMANDS = {
    "matrix": "Probe the runtimes here and print who really hears.",
    "doctor": "Say what is here, what would be probed, and how to fix the rest.",
    "hear": "One recording of yours through one engine.",
    "plan": "What would be measured, in parts; or the jobs of a nightly run on GitHub.",
    "timeline": "Since which release an engine hears, measured release by release.",
    "diagnose": "Why a model loops, and a configuration that does not.",
    "publish": "The results as a site, a page for GitHub, JUnit, badges and a feed.",
    "merge": "Join the parts of a run to one table.",
    "compare": "What improved, regressed or flaked between two runs.",
    "inspect": "What a GGUF or safetensors file says of itself.",
    "twins": "The miniature models that ship with this tool.",
    "schema": "Print the JSON Schema of `matrix --json`.",
    "completion": "Print the shell completion script.",
}
EXIT_FINDINGS, EXIT_FAULT = 1, 2


class Lazy(click.Group):
    """Loads a command's module when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            import difflib

            near = difflib.get_close_matches(cmd_name, COMMANDS, n=1)
            ctx.fail(f"no command named {cmd_name!r}" + (f"; did you mean {near[0]}?" if near else ""))
        command: click.Command = importlib.import_module(f"runtimeprobe.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="runtimeprobe")
def group() -> None:
    """caniuse for local LLM runtimes, measured: does yours really let Gemma 4 hear?"""


def main() -> None:
    """The entry point: every failure is one line on stderr and an exit code, never a traceback."""
    try:
        sys.exit(group(standalone_mode=False))
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(EXIT_FAULT)
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(EXIT_FAULT)
    except Exception as error:
        click.echo(f"runtimeprobe: our own fault, please report it: {describe(error)}", err=True)
        sys.exit(EXIT_FAULT)


def describe(error: Exception) -> str:
    """The error and the place it came from, in one line."""
    import traceback

    frames: Any = traceback.extract_tb(error.__traceback__)
    where = f" ({frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{where}"
