"""A whole `matrix` run over the bare script that does the same loads and asks on the same engines, in turn, several times."""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec

from runtimeprobe.cli import setting
from runtimeprobe.contract import Options
from runtimeprobe.registry import discover

ROUNDS = 3
PROGRAM = str(Path(sys.executable).parent / "runtimeprobe")


def plans(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the bare script is to do, per engine: taken from what `matrix` did."""
    candidates, _ = setting.candidates(("twin",), ())
    found = discover(Options(), candidates, sys.executable)
    result = []
    for item in found.engines:
        mine = [cell for cell in cells if cell["engine"] == item.engine.name]
        asks = {
            f"{cell['model']} {cell['route']}": {
                "attempts": len(cell["attempts"]),
                "refused": cell["verdict"] == "rejected",
                "defaults": cell["answers"]["defaults"] is not None,
            }
            for cell in mine
        }
        row = {"adapter": item.target.adapter, "engine": item.engine.name, "models": item.models, "routes": item.routes, "asks": asks}
        result.append(json.loads(msgspec.json.encode(row)))
    return result


def timed(*command: str) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began


def run() -> str:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "matrix.json"
        timed(PROGRAM, "matrix", "--json", str(file))  # warms caches, and says what was done
        todo = plans(json.loads(file.read_text())["cells"])
        ours, bare = [], []
        for _ in range(ROUNDS):
            ours.append(timed(PROGRAM, "matrix", "--json", str(file)))
            bare.append(sum(timed(sys.executable, "-m", "bench.bare", json.dumps(plan)) for plan in todo))
    ratios = [left / right for left, right in zip(ours, bare, strict=True)]
    return "\n".join(
        (
            "| what | measured | limit |",
            "|---|---:|---:|",
            f"| `runtimeprobe matrix`, median of {ROUNDS} | {statistics.median(ours):.1f} s | |",
            f"| bare script, median of {ROUNDS} | {statistics.median(bare):.1f} s | |",
            f"| ratio, median of {ROUNDS} pairs | {statistics.median(ratios):.2f} | 1.15 |",
        )
    )
