"""The table for a terminal: one row per engine and route, one column per model; under it what is not heard, why, and how to see that."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from runtimeprobe.publish.interface import SYMBOLS, columns, platforms, rows, safe
from runtimeprobe.results import Cell, FormatResult, Matrix, Verdict

STYLES = {
    Verdict.HEARD: "bold green",
    Verdict.GARBLED: "yellow",
    Verdict.DEAF: "red",
    Verdict.IGNORED: "bold red",
    Verdict.REJECTED: "red",
    Verdict.FAILED: "red",
    Verdict.CRASHED: "bold red",
    Verdict.TIMEOUT: "magenta",
    Verdict.SKIPPED: "dim",
    Verdict.ERROR: "bold magenta",
}


def word(verdict: Verdict) -> Text:
    return Text(f"{SYMBOLS[verdict][0]} {verdict}", style=STYLES[verdict], no_wrap=True)


def words(cells: Sequence[Cell]) -> Text:
    """The verdicts of one place in the table; with their quantization where there are several."""
    lines = [word(cell.verdict).append(f" {safe(cell.quantization, 20)}" if len(cells) > 1 else "") for cell in cells]
    return Text("\n").join(lines)


def table(matrix: Matrix) -> Table:
    shown, several = columns(matrix.cells), len(platforms(matrix.cells)) > 1
    result = Table(title="Who really hears Gemma 4", title_justify="left", expand=False)
    for heading in ("runtime", "engine", "route"):
        result.add_column(heading, overflow="fold")
    for model, weights in shown:
        result.add_column(f"{model}\n({weights})", overflow="fold")
    for row in rows(matrix.cells):
        engine = safe(f"{row.engine} {row.version}".strip(), 80) + (f"\n{safe(row.device, 40)}" if row.device else "")
        route = safe(row.route, 60) + (f"\n{safe(row.platform, 40)}" if several else "")
        result.add_row(Text(safe(row.runtime, 40)), Text(engine), Text(route), *[words(row.cells.get(key, ())) for key in shown])
    return result


def legend(matrix: Matrix) -> Text:
    used = [verdict for verdict in Verdict if any(cell.verdict is verdict for cell in matrix.cells)]
    text = Text()
    for verdict in used:
        text.append(f"{SYMBOLS[verdict][0]} {verdict}", style=STYLES[verdict])
        text.append(f"  {SYMBOLS[verdict][1]}\n")
    return text


def explained(cell: Cell) -> Text:
    """Why a cell is not `heard`, what to do, and the command that shows it again."""
    text = Text(f"\n{SYMBOLS[cell.verdict][0]} ", style=STYLES[cell.verdict])
    text.append(f"{safe(cell.engine, 60)} {safe(cell.route, 60)} {safe(cell.model, 40)}: {cell.verdict}. ", style="bold")
    text.append(safe(cell.reason) + "\n")
    if cell.fix:
        text.append(f"    fix: {safe(cell.fix)}\n")
    for address in cell.issues:
        text.append(f"    upstream: {safe(address)}\n")
    if cell.reproduce:
        text.append(f"    {cell.reproduce}\n", style="dim")
    return text


def notes(cells: Sequence[Cell]) -> list[Text]:
    """One line per note; what every measured cell of an engine says is said of the engine."""
    said: dict[tuple[str, str], list[Cell]] = {}
    measured = [cell for cell in cells if cell.verdict is not Verdict.SKIPPED]
    for cell in measured:
        for note in cell.notes:
            said.setdefault((cell.engine, note), []).append(cell)
    lines = []
    for (engine, note), those in said.items():
        everywhere = len(those) > 1 and len(those) == sum(cell.engine == engine for cell in measured)
        places = [""] if everywhere else [f" {safe(cell.route, 60)} {safe(cell.model, 40)}" for cell in those]
        lines += [Text(f"  note: {safe(engine, 60)}{where}: {safe(note)}\n", style="yellow") for where in places]
    return lines


def formats(results: tuple[FormatResult, ...]) -> Table:
    """The sub-table of `--formats`: containers and lengths down, heard routes across."""
    keys = list(dict.fromkeys((item.engine, item.route, item.model) for item in results))
    result = Table(title="Containers and lengths on the routes that hear", title_justify="left")
    result.add_column("clip")
    result.add_column("seconds", justify="right")
    for engine, route, model in keys:
        result.add_column(Text("\n".join(safe(name, 60) for name in (engine, route, model))), overflow="fold")
    for clip in dict.fromkeys(item.clip for item in results):
        found = {(item.engine, item.route, item.model): item for item in results if item.clip == clip}
        first = next(iter(found.values()))
        result.add_row(first.container, f"{first.seconds:.1f}", *[word(found[key].verdict) if key in found else Text("") for key in keys])
    return result


def failed_formats(results: tuple[FormatResult, ...]) -> Text:
    text = Text()
    for item in results:
        if item.verdict is not Verdict.HEARD:
            text.append(f"  {safe(f'{item.engine} {item.route} {item.model}, {item.container}')}: {item.verdict}: {safe(item.reason)}\n")
    return text


def render(matrix: Matrix, console: Console) -> None:
    """Prints the whole report. Lines of text are left to the terminal to wrap, so that a command can be copied whole."""
    console.print(table(matrix))
    lines = [legend(matrix)]
    lines += notes(matrix.cells)
    skipped = {(cell.engine, cell.reason): cell for cell in matrix.cells if cell.verdict is Verdict.SKIPPED}
    lines += [explained(cell) for cell in matrix.cells if cell.verdict not in (Verdict.HEARD, Verdict.SKIPPED)]
    lines += [explained(cell) for cell in skipped.values()]
    for line in lines:
        console.print(line, soft_wrap=True, end="")
    if matrix.formats:
        console.print(formats(matrix.formats))
        console.print(failed_formats(matrix.formats), soft_wrap=True, end="")
    for problem in matrix.problems:
        console.print(Text(f"problem: {safe(problem)}", style="bold magenta"), soft_wrap=True)
    if not matrix.complete:
        console.print(Text("interrupted: this is what was measured until then", style="bold yellow"))
