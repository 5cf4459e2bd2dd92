"""What `inspect` prints: a model file's own words, and where they are not what its size should say."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from runtimeprobe.gguf.summary import Summary
from runtimeprobe.publish.interface import safe


def facts(seen: Summary) -> dict[str, str]:
    """Label to value, only what the file says."""

    def number(value: int | None) -> str:
        return "" if value is None else f"{value:,}"

    def said(value: bool | None) -> str:
        return "" if value is None else "yes" if value else "no"

    kinds = ", ".join(f"{safe(name, 20)} {size / 2**20:,.1f} MiB" for name, size in seen.bytes_by_type.items())
    labelled = {
        "format": f"{seen.format}, {seen.kind}",
        "architecture": seen.architecture,
        "name": " ".join(filter(None, (seen.name, seen.size_label))),
        "published model": seen.model,
        "quantization": seen.quantization,
        "parameters": number(seen.parameters or None),
        "tensors": number(seen.tensors or None),
        "file": f"{seen.file_bytes / 2**20:,.1f} MiB"
        + (f", {seen.missing_bytes:,} bytes are missing at its end" if seen.missing_bytes else ""),
        "bytes by type": kinds,
        "layers": number(seen.block_count),
        "embedding": number(seen.embedding_length),
        "context": number(seen.context_length),
        "chat template": " ".join(filter(None, (said(seen.template), seen.template_family, seen.template_published))),
        "audio encoder": " ".join(
            filter(None, (said(seen.audio_encoder), seen.audio_projector, f"{seen.audio_tensors} tensors" if seen.audio_tensors else ""))
        ),
        "vision projector": seen.vision_projector,
        "projects to": number(seen.projection_dim),
    }
    return {label: safe(value) for label, value in labelled.items() if value}


def render(seen: Summary, console: Console) -> None:
    console.print(Text(safe(seen.path), style="bold"))
    for label, value in facts(seen).items():
        console.print(Text(f"{label:>17}  {value}"))
    if seen.checks:
        table = Table(title="Metadata against what this size should say", title_justify="left")
        for heading in ("key", "seen", "expected", ""):
            table.add_column(heading, overflow="fold")
        for check in seen.checks:
            style = {"ok": "green", "wrong": "bold red"}.get(check.status, "yellow")
            table.add_row(safe(check.key, 80), safe(str(check.seen), 80), safe(str(check.expected), 80), Text(check.status, style=style))
        console.print(table)
    for problem in seen.problems:
        console.print(Text(f"problem: {safe(problem)}", style="bold red"))
