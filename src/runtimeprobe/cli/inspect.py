"""`runtimeprobe inspect FILE`."""

from pathlib import Path

import click


@click.command("inspect")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--context", type=click.IntRange(min=1), help="Tokens to count the KV cache for.  [default: 4096 and the model's own]")
@click.option("--projector", type=click.Path(path_type=Path), help="The projector (mmproj) to hold against the model.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every finding: found, clear, and not checked.")
def command(file: Path, context: int | None, projector: Path | None, as_json: bool) -> None:
    """What a GGUF file, a safetensors file or a Hugging Face folder says of itself, against what its size should say.

    Parameters in all and effective ones, what the KV cache takes, and the causes of loops that a file shows (docs/causes.md).
    """
    import msgspec

    from runtimeprobe.diagnose.causes.catalogue import examine
    from runtimeprobe.diagnose.causes.facts import file_facts
    from runtimeprobe.gguf import summary

    try:
        seen = summary.summarise(file, context)
        findings = examine(file_facts(file, projector), None) if seen.architecture == "gemma4" else ()
    except summary.BadFile as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        shown = {**msgspec.to_builtins(seen), "findings": msgspec.to_builtins(findings)}
        click.echo(msgspec.json.format(msgspec.json.encode(shown), indent=1).decode())
        return
    from runtimeprobe.publish import file_summary
    from runtimeprobe.publish.interface import console

    file_summary.render(seen, console(), findings)
