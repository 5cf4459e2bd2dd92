"""How long `runtimeprobe --help` takes and how much memory it and the parent of a run use."""

import contextlib
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import psutil

RUNS = 15
PROGRAM = str(Path(sys.executable).parent / "runtimeprobe")


def measured(*command: str) -> tuple[float, float]:
    """Seconds and peak MB (10^6 bytes) of one process that has no children."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = 0
    scale = 1 if sys.platform == "darwin" else 1024
    return seconds, usage.ru_maxrss * scale / 1e6


def alone(*command: str) -> float:
    """Largest resident MB of a process without its children, which wait4 would count in."""
    with psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        most = 0
        while process.poll() is None:
            with contextlib.suppress(psutil.Error):
                most = max(most, process.memory_info().rss)
            time.sleep(0.01)
    return most / 1e6


def run() -> str:
    measured(PROGRAM, "--help")
    helps = [measured(PROGRAM, "--help") for _ in range(RUNS)]
    bare = [measured(sys.executable, "-c", "pass")[0] for _ in range(RUNS)]
    words = ("matrix", "--json", os.devnull)
    parent = alone(PROGRAM, *words)
    seconds = statistics.median(time for time, _ in helps)
    return "\n".join(
        (
            "| what | measured | limit |",
            "|---|---:|---:|",
            f"| `runtimeprobe --help`, median of {RUNS} | {seconds * 1000:.0f} ms | 150 ms |",
            f"| the same over `python -c pass` | {seconds / statistics.median(bare):.1f} x | |",
            f"| its peak memory | {max(memory for _, memory in helps):.0f} MB | 45 MB |",
            f"| parent process during `runtimeprobe matrix` | {parent:.0f} MB | 90 MB |",
        )
    )
