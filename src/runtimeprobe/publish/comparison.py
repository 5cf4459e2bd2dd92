"""What `compare` shows: the changes between two runs, as a table for a terminal and as Markdown."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from runtimeprobe.history.compare import Comparison
from runtimeprobe.history.model import Change, Kind, Spell
from runtimeprobe.publish.interface import SYMBOLS, safe
from runtimeprobe.publish.markdown import escaped
from runtimeprobe.publish.naming import https
from runtimeprobe.publish.news import short

STYLES = {
    Kind.REGRESSED: "bold red",
    Kind.BROKEN: "bold red",
    Kind.FLAKY: "magenta",
    Kind.FIXED: "bold green",
    Kind.IMPROVED: "green",
    Kind.NEW: "cyan",
    Kind.GONE: "yellow",
    Kind.STALE: "dim",
}


def headline(comparison: Comparison) -> str:
    counts = ", ".join(f"{number} {kind}" for kind, number in comparison.counts.items())
    ends = f"{comparison.before} ({comparison.before_created}) to {comparison.after} ({comparison.after_created})"
    return safe(f"{ends}: {counts or 'nothing changed'}; {comparison.same} the same", 500)


def cell(change: Change) -> str:
    key = change.key
    model = f"{short(key.model)} ({' '.join(filter(None, (key.weights, key.quantization)))})"
    return safe(f"{key.engine} {key.route} {model} on {key.platform}", 200)


def side(spell: Spell | None) -> str:
    """`✔ heard 0.30.1 (b9318)`, and how sure that is if the attempts disagree."""
    if spell is None:
        return ""
    build = f"({spell.build})" if spell.build and spell.build not in spell.engine_version else ""
    low, high = spell.interval
    mixed = 0 < spell.passes < spell.attempts
    often = f"{spell.passes} of {spell.attempts} heard, {low:.0%} to {high:.0%}" if mixed else ""
    return safe(" ".join(filter(None, (SYMBOLS[spell.verdict][0], spell.verdict, spell.engine_version, build, often))), 160)


def remark(change: Change) -> str:
    return " ".join(filter(None, (safe(change.note), https(change.issue))))


def render(comparison: Comparison, console: Console) -> None:
    console.print(Text(headline(comparison), style="bold"), soft_wrap=True)
    if not comparison.changes:
        return
    table = Table(expand=False)
    for heading in ("change", "cell", "before", "after", "note"):
        table.add_column(heading, overflow="fold")
    for change in comparison.changes:
        kind = Text(change.kind, style=STYLES.get(change.kind, ""))
        table.add_row(kind, Text(cell(change)), Text(side(change.before)), Text(side(change.after)), Text(remark(change)))
    console.print(table)


def markdown(comparison: Comparison) -> str:
    lines = [f"{escaped(headline(comparison))}", ""]
    if comparison.changes:
        lines += ["| change | cell | before | after | note |", "|---|---|---|---|---|"]
    for change in comparison.changes:
        address = f" <{https(change.issue)}>" if https(change.issue) else ""
        told = (escaped(text) for text in (cell(change), side(change.before), side(change.after), safe(change.note)))
        lines.append(f"| **{change.kind}** | {' | '.join(told)}{address} |")
    return "\n".join(lines) + "\n"
