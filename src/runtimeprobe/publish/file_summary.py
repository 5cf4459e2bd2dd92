"""What `inspect` prints: a model file's own words, what it takes, and where it is not what its size should be."""

from collections.abc import Iterable, Sequence

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from runtimeprobe.diagnose.results import Finding, Status
from runtimeprobe.gguf.account import Term
from runtimeprobe.gguf.expected import Check
from runtimeprobe.gguf.memory import Cache
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
        "effective": number(seen.effective_parameters),
        "tensors": number(seen.tensors or None),
        "files": number(seen.parts) if seen.parts > 1 else "",
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


def render(seen: Summary, console: Console, findings: Iterable[Finding] = ()) -> None:
    console.print(Text(safe(seen.path), style="bold"))
    for label, value in facts(seen).items():
        console.print(Text(f"{label:>17}  {value}"))
    if seen.terms:
        console.print(arithmetic(seen.terms))
    for cache in seen.caches:
        console.print(Text(cost(cache)), soft_wrap=True)
    if seen.checks:
        console.print(differing(seen.checks))
    for problem in seen.problems:
        console.print(Text(f"problem: {safe(problem)}", style="bold red"))
    for finding in findings:
        if finding.status is Status.FOUND:
            console.print(Text(f"found {finding.id}: {finding.title} ({finding.confidence} confidence)", style="bold red"), soft_wrap=True)
            console.print(Text(f"  seen: {safe(finding.seen)}\n  expected: {safe(finding.expected)}\n  fix: {finding.fix}"), soft_wrap=True)


def differing(checks: Sequence[Check]) -> Group:
    """How many values are as they should be, and the others."""
    wrong = [check for check in checks if check.status != "ok"]
    count = Text(f"{len(checks) - len(wrong)} of {len(checks)} values are what this size should say.")
    if not wrong:
        return Group(count)
    table = Table(title_justify="left")
    for heading in ("key", "seen", "expected", ""):
        table.add_column(heading, overflow="fold")
    for check in wrong:
        style = "bold red" if check.status == "wrong" else "yellow"
        table.add_row(safe(check.key, 80), safe(str(check.seen), 80), safe(str(check.expected), 80), Text(check.status, style=style))
    return Group(count, table)


def arithmetic(terms: Iterable[Term]) -> Table:
    """The sum, line by line: what the number in the model's name counts, and what it does not."""
    table = Table(box=None, show_header=False, padding=(0, 1))
    table.add_column(justify="right")
    table.add_column(justify="right")
    table.add_column(overflow="fold")
    total = effective = 0
    for term in terms:
        table.add_row(term.component, f"{term.parameters:,}", term.why)
        total += term.parameters
        effective += term.parameters * term.effective
    table.add_row("= total", f"{total:,}", "everything in the file")
    if effective:
        table.add_row("= effective", f"{effective:,}", f"{billions(effective)}: the counted lines, the E in names such as E2B")
    return table


def billions(parameters: int) -> str:
    return f"{parameters / 1e9:.2f} billion" if parameters >= 1e8 else f"{parameters / 1e6:.2f} million"


def cost(cache: Cache) -> str:
    """One line on what a conversation takes."""

    def mebibytes(size: int) -> str:
        return f"{size / 2**20:,.1f} MiB"

    parts = [
        f"global layers: {cache.global_layers} x {cache.global_cells:,} cells, {mebibytes(cache.global_bytes)}",
        f"sliding layers: {cache.sliding_layers} x {cache.sliding_cells:,} cells, {mebibytes(cache.sliding_bytes)}",
    ]
    parts += [f"layers that share another's: {cache.shared_layers}"] * bool(cache.shared_layers)
    return f"KV cache at {cache.context:,} tokens, 16 bits: {mebibytes(cache.total_bytes)} ({'; '.join(parts)})"
