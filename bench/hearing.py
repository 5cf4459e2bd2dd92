"""How well the twins hear through the real engines: word error rate on held-out clips, and how far the engines are apart."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from runtimeprobe.twins import files
from runtimeprobe.twins.recipe.agreement import gaps

ENGINES = ("xllamacpp", "llama-cpp-python", "mlx-vlm")
HELD_OUT = Path(__file__).resolve().parents[1] / "tests" / "twins" / "held_out"


def evaluate(twin: str, engine: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "runtimeprobe.twins.recipe.evaluate", str(files.folder() / twin), str(HELD_OUT)]
    done = subprocess.run([*command, "--engine", engine, "--details"], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def run() -> str:
    lines = ["| twin | engine | held-out clips | word error rate | limit |", "|---|---|---:|---:|---:|"]
    apart = []
    for twin in (item.name for item in files.shipped() if item.hears):
        found = {engine: evaluate(twin, engine) for engine in ENGINES}
        lines += [f"| {twin} | {engine} | {item['clips']} | {item['word_error_rate']:.4f} | 0.01 |" for engine, item in found.items()]
        widths = sorted(gaps({engine: item["answers"] for engine, item in found.items()}))
        (widest, where), (usual, _) = widths[-1], widths[len(widths) * 99 // 100]
        apart.append(f"| {twin} | {usual:.4f} | {widest:.4f} | {where} |")
    title = "difference of the first token's log-probability between two engines, of tokens with at least 0.01 in both"
    lines += ["", f"| twin | {title}: 99 of 100 at most | largest | where |", "|---|---:|---:|---|", *apart]
    return "\n".join(lines)
