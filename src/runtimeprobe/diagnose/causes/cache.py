"""V: the KV cache."""

from runtimeprobe.diagnose.causes.interface import Cause, Look, RunFacts, clear, found, of_run, unknown
from runtimeprobe.diagnose.causes.versions import SETTLED

FLOATS = frozenset(("f16", "bf16", "f32"))
EIGHT_BITS = frozenset(("q8_0", "q8_1"))


def quantized(run: RunFacts) -> Look:
    types = {name: kind.lower() for name, kind in (("K", run.kv_type_k), ("V", run.kv_type_v)) if kind}
    if not types:
        return unknown("the type of the cache is not known")
    small = {name: kind for name, kind in types.items() if kind not in FLOATS}
    if not small:
        return clear(", ".join(f"{name} {kind}" for name, kind in types.items()))
    rotated = _rotated(run)
    words = {True: "rotated", False: "not rotated", None: "rotated or not"}[rotated]
    seen = ", ".join(f"{name} {kind}" for name, kind in small.items()) + f", {words}"
    if all(kind in EIGHT_BITS for kind in small.values()) and rotated is not False:
        return clear(seen) if rotated else unknown(seen)
    return found(seen)


def _rotated(run: RunFacts) -> bool | None:
    """Whether llama.cpp spreads outliers before it rounds: its log says so, a switch forbids it, old builds cannot."""
    if run.logged("attn_rot_k = 0") or run.flags.get("LLAMA_ATTN_ROT_DISABLE", "") not in {"", "0"}:
        return False
    if run.logged("attn_rot_k = 1"):
        return True
    if run.build is None or 8645 < run.build < SETTLED:
        return None
    return run.build >= SETTLED


def restored(run: RunFacts) -> Look:
    if run.parallel == 1 and run.prompt_cache is False:
        return clear("one slot, no prompt cache")
    here = [f"{run.parallel} slots"] * bool(run.parallel and run.parallel > 1) + ["a prompt cache"] * bool(run.prompt_cache)
    return unknown(f"{' and '.join(here)}: only a run without them can tell" if here else "slots and prompt cache are not known")


ROWS = (
    Cause(
        "V1", "The KV cache is quantized", "cache", "low", of_run(quantized),
        "f16, or q8_0 with rotation", "-ctk f16 -ctv f16; a build that has llama.cpp#21513", "llama.cpp#21394, llama.cpp#21513",
    ),
    Cause(
        "V2", "The prompt cache or another slot mixes conversations", "cache", "low", of_run(restored),
        "one slot, no prompt cache", "--parallel 1, cache_prompt false", "llama.cpp#27148, llama.cpp#28917 (open)",
    ),
)  # fmt: skip
