"""Which releases of a runtime have a fault: rows of versions, and the comparison. Sources stand with the causes that use them."""

import re
from dataclasses import dataclass

from runtimeprobe.diagnose.causes.interface import Check, Look, RunFacts, clear, found, of_run, unknown

# llama.cpp's builds. Gemma 4 first loads at FIRST; the fixes of its first days (pull requests 21343 to 21566) are all in SETTLED. Between
# the two, a build may or may not have a given fix.
FIRST, SETTLED = 8639, 8746


@dataclass(frozen=True, slots=True)
class Gate:
    """A fault of `engine` ("llama.cpp" compares builds) that is certainly there up to `broken` and certainly not from `fixed` on."""

    engine: str
    fixed: str
    broken: str = ""


def numbers(version: str) -> tuple[int, ...]:
    """`v0.20.4`, `0.31.2rc1`, `b8746`: the numbers in front; () if there are none."""
    match = re.match(r"[vb]?(\d+(?:\.\d+)*)", version.strip())
    return tuple(int(part) for part in match[1].split(".")) if match else ()


def build_number(text: str) -> int | None:
    """llama.cpp's build, from `b11549`, `11549 (f49e91787)`, or xllamacpp's `2026.10.11549`."""
    match = re.match(r"(?:b|\d+\.\d+\.)?(\d{4,})\b", text.strip())
    return int(match[1]) if match else None


def is_old(gate: Gate, run: RunFacts) -> bool | None:
    """Whether this runtime has the fault; None if it cannot be told."""
    if gate.engine == "llama.cpp":
        here: tuple[int, ...] = (run.build,) if run.build is not None else ()
    else:
        here = numbers(run.version) if gate.engine in run.engine.lower() else ()
    if not here:
        return None
    if here >= numbers(gate.fixed):
        return False
    if not gate.broken or here <= numbers(gate.broken):
        return True
    return None


def concerns(gate: Gate, run: RunFacts) -> bool:
    return run.build is not None if gate.engine == "llama.cpp" else gate.engine in run.engine.lower()


def name_of(run: RunFacts) -> str:
    build = f" (llama.cpp b{run.build})" if run.build is not None else ""
    return f"{run.engine or 'the runtime'} {run.version}".strip() + build


def gated(gate: Gate) -> Check:
    """A cause that is nothing but a release of a runtime."""

    def check(run: RunFacts) -> Look:
        if not concerns(gate, run):
            other = _other(gate, run)
            return clear(f"{name_of(run)} is not {gate.engine}") if other else unknown(f"the version of {gate.engine} is not known")
        old = is_old(gate, run)
        if old is None:
            return unknown(f"{name_of(run)} may or may not have the fix")
        return found(name_of(run), expected=f"{gate.engine} {gate.fixed} or newer") if old else clear(name_of(run))

    return of_run(check)


def _other(gate: Gate, run: RunFacts) -> bool:
    """Another runtime for sure: every engine but MLX may hold a llama.cpp whose build it does not tell."""
    return bool(run.engine) and (gate.engine != "llama.cpp" or run.engine.startswith("mlx"))
