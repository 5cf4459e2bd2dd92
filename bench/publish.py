"""Publishing a year's store: the whole of it, a night more, a night without news; and how much a browser must load to show the table.

`python -m bench publish`; the store is that of `python -m bench store`.
"""

import itertools
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.store import NIGHTS, keys, make, nights, size_mb
from runtimeprobe.results import decode

PROGRAM = str(Path(sys.executable).parent / "runtimeprobe")
SECONDS, MEGABYTES, NIGHT_SECONDS, PAINT_MB, BARE_KB = 20, 500, 3, 1.0, 300  # what is promised


def bare_kb(page: Path) -> float:
    """The page without what is data: its table's rows, the evidence and the changes."""
    text = re.sub(r"<tbody>.*</tbody>|<article.*</article>|<ol class=\"changes\">.*?</ol>", "", page.read_text("utf-8"), flags=re.DOTALL)
    return len(text.encode()) / 1e3


def published(*command: str) -> tuple[str, float]:
    """Seconds, of them those of the processor (other work on the machine counts in the first alone), and peak MB."""
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(process.stderr.read().decode() if process.stderr else "")
    scale = 1 if sys.platform == "darwin" else 1024
    return f"{seconds:.1f} s ({usage.ru_utime + usage.ru_stime:.1f} of the processor)", usage.ru_maxrss * scale / 1e6


def run() -> str:
    with tempfile.TemporaryDirectory() as name:
        store, site = Path(name) / "store", Path(name) / "site"
        calendar = nights(NIGHTS + 1)
        kept = make(store, itertools.islice(calendar, NIGHTS))
        command = (PROGRAM, "publish", str(site), "--store", str(store))
        whole_time, memory = published(*command)
        kept.add(decode(next(calendar)))
        night, night_memory = published(*command)
        again, _ = published(*command)
        page, whole = site / "index.html", size_mb(site)
        largest = max(file.stat().st_size for file in site.glob("engine-*.html")) / 1e6
        paint, bare = page.stat().st_size / 1e6, bare_kb(page)
    return "\n".join(
        (
            f"{NIGHTS} nights of {len(keys())} cells.",
            "",
            "| what | measured | limit |",
            "|---|---:|---:|",
            f"| publishing all of it | {whole_time}, {memory:.0f} MB | {SECONDS} s, {MEGABYTES} MB |",
            f"| publishing one more night | {night}, {night_memory:.0f} MB | {NIGHT_SECONDS} s |",
            f"| publishing when nothing is new | {again} | |",
            f"| first paint: all that the first page loads | {paint:.2f} MB | {PAINT_MB:.0f} MB |",
            f"| the page before data | {bare:.0f} KB | {BARE_KB} KB |",
            f"| the largest page of an engine; the whole site | {largest:.1f} MB; {whole:.0f} MB | |",
        )
    )
