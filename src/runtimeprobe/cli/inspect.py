"""`runtimeprobe inspect FILE`."""

from pathlib import Path

import click


@click.command("inspect")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(file: Path, as_json: bool) -> None:
    """What a GGUF file, a safetensors file or a Hugging Face folder says of itself, against what its size should say."""
    import msgspec

    from runtimeprobe.gguf import summary

    try:
        seen = summary.summarise(file)
    except summary.BadFile as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(seen), indent=1).decode())
        return
    from runtimeprobe.publish import file_summary
    from runtimeprobe.publish.interface import console

    file_summary.render(seen, console())
