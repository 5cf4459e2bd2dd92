"""expected.toml, typed, and the comparison of what was seen with what it says. Pure."""

import math
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

PREFIX = "gemma4."
SHOWN_ITEMS = 6


class Check(msgspec.Struct, frozen=True):
    """One key: what the file says, what a good file says, and `ok`, `wrong` or `absent`."""

    key: str
    seen: str
    expected: str
    status: str


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    common: dict[str, Any]
    sizes: dict[str, dict[str, Any]]
    tokenizer: dict[str, Any]
    vocabulary: dict[str, Any]
    special_tokens: dict[str, int]
    projector: dict[str, Any]
    templates: dict[str, str]
    config: dict[str, str]

    @property
    def vocabulary_size(self) -> int:
        return int(self.vocabulary["tokenizer.ggml.tokens"]["count"])


@cache
def expected() -> Expected:
    text = (files("runtimeprobe.gguf") / "expected.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), Expected)


def model_of(layers: Any) -> str:
    """The published model with so many layers, as llama.cpp tells the sizes apart (src/models/gemma4.cpp); "" for none."""
    return next((name for name, row in expected().sizes.items() if row["block_count"] == layers), "")


def check(key: str, seen: Any, wanted: Any) -> Check:
    """`seen`: None for an absent key, a list for a decoded array; for {count}, the array's length stands for it."""
    status = "absent" if seen is None else "ok" if _matches(seen, wanted) else "wrong"
    return Check(key, "" if seen is None else shown(seen), _wanted_text(wanted), status)


def _matches(seen: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        if "any" in wanted:
            return any(_matches(seen, one) for one in wanted["any"])
        return bool(seen == (wanted["count"] if "count" in wanted else _array(wanted)))
    if isinstance(seen, list):  # a converter may write one number per layer
        return bool(seen) and all(_matches(one, wanted) for one in seen)
    if isinstance(wanted, bool) or isinstance(seen, bool):
        return seen is wanted
    if isinstance(wanted, float) and isinstance(seen, int | float):
        return math.isclose(seen, wanted, rel_tol=1e-5)  # 32-bit floats
    return bool(seen == wanted)


def _array(wanted: dict[str, Any]) -> list[Any]:
    if "runs" in wanted:
        return [value for value, times in wanted["runs"] for _ in range(times)]
    return list(wanted["pattern"]) * int(wanted["times"])


def _wanted_text(wanted: Any) -> str:
    if isinstance(wanted, dict):
        if "any" in wanted:
            return " or ".join(shown(one) for one in wanted["any"])
        return f"{wanted['count']} items" if "count" in wanted else shown(_array(wanted))
    return shown(wanted)


def shown(value: Any) -> str:
    """A value in one short line."""
    if isinstance(value, list):
        if value and all(item == value[0] for item in value):
            return f"{shown(value[0])} x {len(value)}"
        items = ", ".join(shown(item) for item in value[:SHOWN_ITEMS])
        return f"[{items}{', ...' if len(value) > SHOWN_ITEMS else ''}] ({len(value)} items)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.7g}"
    return str(value)[:200]
