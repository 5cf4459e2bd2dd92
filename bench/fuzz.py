"""100,000 damaged headers: each is read or refused, in time, and without memory that the file does not justify.

Each is a healthy file with bytes flipped, lengths replaced, parts cut out or repeated. Memory is the peak of the whole process, which
never falls, so that it bounds every single read; a limit on the address space turns what is asked for and never touched into an error.
"""

import contextlib
import random
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from runtimeprobe.diagnose.causes import facts, rendering
from runtimeprobe.diagnose.causes.catalogue import examine
from runtimeprobe.diagnose.causes.interface import Renders
from runtimeprobe.gguf.errors import BadFile
from runtimeprobe.gguf.header import Array
from runtimeprobe.gguf.safetensors import read_safetensors
from runtimeprobe.gguf.splits import read_model
from runtimeprobe.gguf.summary import summarise
from runtimeprobe.twins import files

COUNT = 100_000
SECONDS, MEGABYTES = 1.0, 64
SEED = 20_261_124
EVERY = 10  # as often everything that `inspect` computes is computed too
HEADER_BYTES = 65_536  # of a twin; its tensor data is left out, which is one more damage
LENGTHS = (0, 1, 7, 8, 255, 2**16, 2**31 - 1, 2**32 - 1, 2**32, 2**40, 2**63 - 1, 2**63, 2**64 - 1)


def healthy() -> list[tuple[str, bytes]]:
    """Name ending and bytes: two twins, a projector, a safetensors header, and a small file of every type in both byte orders."""
    import gguf
    from tests.gguf.conftest import write

    data = files.folder()
    found = [(".gguf", (data / name).read_bytes()[:HEADER_BYTES]) for name in ("twin-e2b/text.gguf", "twin-e2b/mmproj.gguf")]
    found.append((".safetensors", (data / "twin-e2b/hf/model.safetensors").read_bytes()[:HEADER_BYTES]))
    with tempfile.TemporaryDirectory() as folder:
        for order in gguf.GGUFEndian:
            path = write(Path(folder) / f"{order.name}.gguf", endianess=order, strings=12)
            found += [(".gguf", path.read_bytes())] * 3  # small files reach every branch sooner
    return found


def damaged(data: bytes, dice: random.Random) -> bytes:
    broken = bytearray(data)
    for _ in range(dice.choice((1, 1, 1, 2, 4, 16))):
        at = dice.randrange(len(broken))
        match dice.randrange(6):
            case 0:
                broken[at] ^= 1 << dice.randrange(8)
            case 1:
                broken[at : at + 8] = struct.pack(dice.choice("<>") + "Q", dice.choice(LENGTHS))
            case 2:
                broken[at : at + 4] = struct.pack(dice.choice("<>") + "I", dice.choice(LENGTHS) & 0xFFFFFFFF)
            case 3:
                broken[at : at + dice.randrange(1, 64)] = dice.randbytes(dice.randrange(1, 64))
            case 4:
                del broken[at : at + dice.randrange(1, 64)]
            case _:
                broken = broken[: max(at, 1)] if dice.random() < 0.3 else broken[:at] + broken[max(0, at - 32) :]
        if not broken:
            break
    return bytes(broken)


def read(path: Path, *, everything: bool) -> None:
    """As much of the file as any command reads."""
    with contextlib.suppress(BadFile):
        if path.suffix == ".safetensors":
            read_safetensors(path)
            return
        for field in read_model(path).fields.values():
            if isinstance(field.value, Array):
                field.value.values()
    if everything:
        with contextlib.suppress(BadFile):
            summarise(path)
            examine(facts.file_facts(path), None)


def unrendered(template: str, seconds: float = 0.0) -> Renders:
    return Renders(error=f"{len(template)} characters are not rendered within {seconds} seconds")


def fuzz(count: int, folder: Path) -> tuple[float, float]:
    """The longest read in seconds, and by how many MB the peak of memory grew. Raises what a read raises but BadFile."""
    dice, seeds = random.Random(SEED), healthy()
    # Templates are rendered in a process of their own (causes/rendering.py); a hundred thousand processes would measure the machine.
    rendering.render = unrendered
    longest, before = 0.0, psutil.Process().memory_info().rss
    for index in range(count):
        suffix, data = seeds[index % len(seeds)]
        path = folder / f"damaged{suffix}"
        path.write_bytes(damaged(data, dice))
        began = time.perf_counter()
        try:
            read(path, everything=index % EVERY == 0)
        except BaseException:
            path.rename(folder / f"crash-{index}{suffix}")
            print(f"damaged header {index} of seed {SEED} raised", file=sys.stderr)
            raise
        longest = max(longest, time.perf_counter() - began)
    return longest, (peak_bytes() - before) / 1e6


def peak_bytes() -> int:
    """The most this process ever held. Linux: its own words, since getrusage counts in what its parent held when it was started."""
    status = Path("/proc/self/status")
    if status.exists():
        return 1024 * next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main() -> None:
    """`python -m bench.fuzz COUNT FOLDER`, in a process of its own, with a limit on its address space."""
    with contextlib.suppress(ImportError):
        import resource

        limit = psutil.Process().memory_info().vms + (512 << 20)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    longest, grown = fuzz(int(sys.argv[1]), Path(sys.argv[2]))
    print(longest, grown)


def measure(count: int) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([sys.executable, "-m", "bench.fuzz", str(count), folder], capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(done.stderr[-2000:])
    longest, grown = done.stdout.split()
    return float(longest), float(grown)


def run() -> str:
    longest, grown = measure(COUNT)
    return "\n".join(
        (
            f"| {COUNT:,} damaged headers, seed {SEED} | measured | limit |",
            "|---|---:|---:|",
            "| crashes | 0 | 0 |",
            f"| longest read, seconds | {longest:.3f} | {SECONDS:g} |",
            f"| memory that all reads together added to the process, MB | {grown:.0f} | {MEGABYTES} |",
        )
    )


if __name__ == "__main__":
    main()
