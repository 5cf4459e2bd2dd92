"""`runtimeprobe completion SHELL`."""

import click


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script; for bash: eval "$(runtimeprobe completion bash)"."""
    from click.shell_completion import get_completion_class

    from runtimeprobe.cli import group

    kind = get_completion_class(shell)
    if kind is None:
        raise click.ClickException(f"no completion for {shell}")
    click.echo(kind(group, {}, "runtimeprobe", "_RUNTIMEPROBE_COMPLETE").source())
