"""How fast a header of Gemma 4's real size is read, beside llama.cpp's own Python reader, in one run.

The file is 31B's: 262144 tokens with scores and types, 514906 merges, 833 tensors, and a hole of 32 GB where the tensor data would be.
"""

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.startup import measured

RUNS = 5
RATIO, SECONDS, MEGABYTES = 100, 0.3, 120  # what is promised
OURS = "from runtimeprobe.gguf.header import read_header as read"
THEIRS = "from gguf import GGUFReader as read"
# In a process of its own: what a process has used before it starts another counts as that one's peak memory too.
WRITE = "import sys; from pathlib import Path; from tests.gguf import published; published.write(Path(sys.argv[1]), 'gemma-4-31b')"
TIMED = "import sys, time; from pathlib import Path; path = Path(sys.argv[1]); {}; began = time.process_time(); read(path); "


def seconds(reader: str, path: Path) -> float:
    """Of the processor, for the reading alone, in a process of its own: other work on the machine does not count."""
    code = TIMED.format(reader) + "print(time.process_time() - began)"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    return float(done.stdout)


def run() -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.gguf"
        subprocess.run([sys.executable, "-c", WRITE, str(path)], check=True)
        seconds(OURS, path)  # the file into the page cache
        ours = statistics.median(seconds(OURS, path) for _ in range(RUNS))
        theirs = seconds(THEIRS, path)
        _, memory = measured(sys.executable, "-c", TIMED.format(OURS), str(path))
        _, their_memory = measured(sys.executable, "-c", TIMED.format(THEIRS), str(path))
    return "\n".join(
        (
            "| reading the header of a 31B GGUF | runtimeprobe | gguf.GGUFReader | limit |",
            "|---|---:|---:|---:|",
            f"| seconds of the processor (ours the median of {RUNS}) | {ours:.3f} | {theirs:.1f} | {SECONDS} |",
            f"| times as fast | {theirs / ours:.0f} | 1 | at least {RATIO} |",
            f"| peak memory of the process, MB | {memory:.0f} | {their_memory:.0f} | {MEGABYTES} |",
        )
    )
