"""What `plan` prints: the loads that would be measured here, by shard; or the jobs of a nightly run."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from runtimeprobe import shards
from runtimeprobe.plan import Plan
from runtimeprobe.publish.interface import safe


def render(plans: Sequence[Plan], costs: Mapping[shards.Cost, float], console: Console) -> None:
    """`plans`: one for each shard."""
    table = Table(title="What would be measured here", title_justify="left")
    for heading in ("shard", "runtime", "engine", "model", "weights", "quantization", "size", "routes", "seconds"):
        table.add_column(heading, overflow="fold")
    for number, plan in enumerate(plans, 1):
        for load in plan.loads:
            model, engine = load.model, load.found.engine
            seconds = costs.get((engine.name, model.model, model.weights, model.quantization))
            row = (
                f"{number}/{len(plans)}",
                load.found.runtime,
                f"{engine.name} {engine.version}",
                model.model,
                model.weights,
                model.quantization,
                f"{model.size_bytes / 2**20:.0f} MiB",
                ", ".join(route.name for route in load.routes),
                "not known" if seconds is None else f"{seconds:.0f}",
            )
            table.add_row(*(Text(safe(value, 200)) for value in row))
    console.print(table)
    skipped = sum(len(plan.skipped) for plan in plans)
    if skipped:
        console.print(f"{skipped} cells would be skipped; why: runtimeprobe doctor", soft_wrap=True)
