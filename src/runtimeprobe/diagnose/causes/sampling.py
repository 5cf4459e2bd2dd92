"""S: how the next token is drawn."""

import math

from runtimeprobe.diagnose.causes.interface import Cause, FileFacts, Look, RunFacts, clear, found, of_run, unknown
from runtimeprobe.diagnose.causes.versions import numbers

RECOMMENDED = {"temperature": 1.0, "top_p": 0.95, "top_k": 64.0, "min_p": 0.0, "repeat_penalty": 1.0}
MOST_REPEAT = 1.2  # 1.1 is the default of several runtimes
MOST_PRESENCE = 1.0
HOTTEST = 1.5
PENALTIES = ("presence_penalty", "frequency_penalty", "dry_multiplier")

_LLAMA = {"temperature": 0.8, "top_p": 0.95, "top_k": 40.0, "min_p": 0.05, "repeat_penalty": 1.0}
# What a runtime fills in when nothing is sent; the first name that the engine's begins with counts.
DEFAULTS = {
    "llama-cpp-python": {**_LLAMA, "temperature": 0.2, "repeat_penalty": 1.1},
    "llama": _LLAMA,
    "xllamacpp": _LLAMA,
    "lmstudio": {"repeat_penalty": 1.1},
    "lm studio": {"repeat_penalty": 1.1},
    "ollama": {"repeat_penalty": 1.1},
    "mlx": {"temperature": 0.0, "repeat_penalty": 1.0},
}
OLLAMA_WITHOUT_PENALTY = (0, 32, 10)
FROM_FILE = {"temp": "temperature", "top_p": "top_p", "top_k": "top_k", "min_p": "min_p", "penalty_repeat": "repeat_penalty"}


def runtime_defaults(run: RunFacts) -> dict[str, float]:
    """What the adapter says, else what is known of the engine."""
    if run.defaults is not None:
        return run.defaults
    name = run.engine.lower()
    if name.startswith("ollama") and numbers(run.version) >= OLLAMA_WITHOUT_PENALTY:
        return {}
    return next((values for prefix, values in DEFAULTS.items() if name.startswith(prefix)), {})


def in_effect(run: RunFacts) -> dict[str, float]:
    return runtime_defaults(run) | (run.sampling or {})


def extreme(run: RunFacts) -> Look:
    values = in_effect(run)
    if "temperature" not in values:
        return unknown("the sampling is not known")
    words = ", ".join(f"{name} {values[name]:g}" for name in ("temperature", "top_k", "top_p", "min_p", "repeat_penalty") if name in values)
    if values["temperature"] > 0 and values.get("top_k") != 1:
        uncut = not values.get("top_k", 64) and values.get("top_p", 0.95) >= 1 and not values.get("min_p", 0)
        hot = values["temperature"] > HOTTEST or (uncut and values["temperature"] > 1)
        return found(f"{words}: hot, with little or nothing cut off") if hot else clear(words)
    punished = values.get("repeat_penalty", 1) > 1 or any(values.get(name, 0) > 0 for name in PENALTIES)
    return clear(words) if punished else found(f"{words}: greedy, without a penalty")


def too_high(run: RunFacts) -> Look:
    values = in_effect(run)
    if not values:
        return unknown("the sampling is not known")
    high = [f"repeat_penalty {values['repeat_penalty']:g}"] if values.get("repeat_penalty", 1) > MOST_REPEAT else []
    high += [f"{name} {values[name]:g}" for name in ("presence_penalty", "frequency_penalty") if abs(values.get(name, 0)) > MOST_PRESENCE]
    return found(", ".join(high)) if high else clear(f"repeat penalty {values.get('repeat_penalty', 1):g}")


def silent_defaults(file: FileFacts | None, run: RunFacts | None) -> Look:
    if run is None or (run.sampling is None and not runtime_defaults(run)):
        return unknown("neither what is sent nor the runtime's own defaults are known")
    sent = run.sampling or {}
    filled = runtime_defaults(run) | _from_file(file, run)
    unsent = {name: value for name, value in filled.items() if name in RECOMMENDED and name not in sent}
    differing = [f"{name} {value:g}" for name, value in unsent.items() if not math.isclose(value, RECOMMENDED[name], rel_tol=1e-5)]
    if not differing:
        return clear("every value that matters is sent" if not unsent else "what is not sent is as recommended")
    return found(f"not sent, so {', '.join(differing)}")


def _from_file(file: FileFacts | None, run: RunFacts) -> dict[str, float]:
    """llama.cpp takes `general.sampling.*` of the file as its defaults (common/common.cpp)."""
    if file is None or run.build is None:
        return {}
    said = {name: file.metadata.get(f"general.sampling.{key}") for key, name in FROM_FILE.items()}
    return {name: float(value) for name, value in said.items() if isinstance(value, int | float)}


ROWS = (
    Cause(
        "S1", "Sampling is at an extreme: greedy without a penalty, or hot", "sampling", "medium", of_run(extreme),
        "temperature 1.0, top_p 0.95, top_k 64", "send the recommended sampling", "the published generation_config.json; arXiv 1904.09751",
    ),
    Cause(
        "S2", "A penalty is too high", "sampling", "medium", of_run(too_high),
        f"repeat penalty at most {MOST_REPEAT}, presence and frequency at most {MOST_PRESENCE:g}", "repeat penalty 1.0",
        "Google recommends no penalty",
    ),
    Cause(
        "S3", "The runtime's defaults are silently others", "sampling", "low", silent_defaults,
        "temperature 1.0, top_p 0.95, top_k 64, no penalty", "send every value", "the defaults of each runtime, causes/sampling.py",
    ),
)  # fmt: skip
