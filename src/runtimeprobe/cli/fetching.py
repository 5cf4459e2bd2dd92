"""`--download`: published weights that are missing, with progress on stderr."""

import click


def fetch(models: tuple[str, ...]) -> None:
    """Downloads what `--weights real` lacks for these models ((): all that can hear)."""
    from runtimeprobe.plan import AUDIO_MODELS
    from runtimeprobe.weights import download

    for model in models or AUDIO_MODELS:
        try:
            download.fetch(model)
        except download.DownloadError as error:
            raise click.ClickException(str(error)) from None
