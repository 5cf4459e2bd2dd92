"""How long the releases of an engine take: all of them anew with their packages in uv's cache, all of them known, and by bisecting."""

import json
import math
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.startup import PROGRAM

ENGINE, COUNT = "mlx-vlm", 30
MATRIX = Path(__file__).resolve().parents[1] / "matrix"


def measured(*words: str) -> tuple[float, dict[str, list[dict[str, object]]]]:
    """Seconds, and the timeline."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "timeline.json"
        began = time.perf_counter()
        subprocess.run([PROGRAM, "timeline", *words, "--json", str(file)], check=True, stdout=subprocess.DEVNULL, stderr=sys.stderr)
        return time.perf_counter() - began, json.loads(file.read_text(encoding="utf-8"))


def run() -> str:
    _, known = measured(ENGINE)  # so that every package is in uv's cache
    versions = [str(release["version"]) for release in known["releases"]][-COUNT:]
    span = [ENGINE, "--from", versions[0], "--to", versions[-1]]
    subprocess.run([PROGRAM, "timeline", ENGINE, "--clean"], check=True)
    two, _ = measured(*span, "--again", "--jobs", "2")
    subprocess.run([PROGRAM, "timeline", ENGINE, "--clean"], check=True)
    one, _ = measured(*span, "--again")
    again = min(measured(*span)[0] for _ in range(3))
    _, bisected = measured("xllamacpp", "--bisect")
    count = len(bisected["releases"])
    most = math.ceil(math.log2(count)) + 2
    probed = len({cell["engine_version"] for cell in bisected["cells"]})
    return "\n".join(
        (
            "| what | measured | limit |",
            "|---|---:|---:|",
            f"| {len(versions)} releases of {ENGINE}, every route and both twins, `--jobs 2` | {two:.0f} s | 300 s |",
            f"| the same one at a time, as by default | {one:.0f} s | |",
            f"| an unchanged rerun, best of 3 | {again:.1f} s | 2 s |",
            f"| probes of `--bisect` for the one change among {count} releases of xllamacpp | {probed} | {most} |",
        )
    )
