"""What `doctor` prints: engines found, what would be probed, and the command that fixes each gap."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from runtimeprobe.plan import Plan
from runtimeprobe.publish.interface import safe
from runtimeprobe.registry import Found


def render(found: Found, plan: Plan, notes: tuple[str, ...], console: Console) -> None:
    engines(found, console)
    for load in plan.loads:
        model = load.model
        size = f"{model.size_bytes / 2**20:.1f} MiB"
        routes = ", ".join(route.name for route in load.routes)
        what = f"{model.model} ({model.weights}, {safe(model.quantization, 40)}, {size})"
        console.print(Text(f"will probe  {load.found.engine.name}: {what} through {routes}"), soft_wrap=True)
    seen: set[tuple[str, str]] = set()
    for cell in plan.skipped:
        if (cell.engine, cell.reason) in seen:
            continue
        seen.add((cell.engine, cell.reason))
        line = Text(f"will skip   {safe(cell.engine, 60)}: {safe(cell.reason)}")
        if cell.fix:
            line.append(f"\n            fix: {safe(cell.fix)}", style="bold")
        console.print(line, soft_wrap=True)
    for note in notes:
        console.print(Text(f"note        {safe(note)}", style="yellow"), soft_wrap=True)
    for problem in found.problems:
        console.print(Text(f"problem     {safe(problem)}", style="bold magenta"), soft_wrap=True)


def engines(found: Found, console: Console) -> None:
    here = Table(title="Engines here", title_justify="left")
    for heading in ("runtime", "engine", "version", "where", "routes"):
        here.add_column(heading, overflow="fold")
    for item in found.engines:
        engine = item.engine
        where = engine.endpoint or item.target.python
        routes = ", ".join(route.name for route in item.routes)
        row = (item.runtime, engine.name, f"{engine.version} {engine.build}".strip(), where, routes)
        here.add_row(*[Text(safe(value, 200)) for value in row])
    console.print(here)
    for item in found.engines:
        if item.engine.note:
            console.print(Text(f"note        {safe(item.engine.name, 60)}: {safe(item.engine.note)}", style="yellow"), soft_wrap=True)
