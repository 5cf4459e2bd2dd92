"""`runtimeprobe twins`."""

import click


@click.group("twins")
def command() -> None:
    """The miniature models that ship with this tool."""


@command.command("path")
def path() -> None:
    """Print the folder that holds the twins."""
    from runtimeprobe.twins import files

    click.echo(files.folder())


@command.command("template")
@click.option("--large", is_flag=True, help="In the form of 12B, 26B-A4B and 31B, which begin with an empty thought.")
def template(large: bool) -> None:
    """Print our chat template: Gemma 4's turns, for a file whose own is broken or another family's."""
    from runtimeprobe.twins import files

    click.echo(files.chat_template(empty_thought=large), nl=False)


@command.command("verify")
def verify() -> None:
    """Check every shipped file against its digest."""
    from runtimeprobe.twins import files

    problems = files.verify()
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        raise click.ClickException("the twins are damaged; reinstall: pip install --force-reinstall runtimeprobe")
    click.echo(f"twins are whole: {files.folder()}")
