"""`runtimeprobe schema`."""

import click


@click.command("schema")
def command() -> None:
    """Print the JSON Schema of what `matrix --json` writes."""
    import json

    from runtimeprobe.results import json_schema

    click.echo(json.dumps(json_schema(), indent=1))
