"""Levers as data: one row says what a lever is called here, what the engine calls it, and what each value becomes.

Names and values are the same for all three engines, so that whoever turns levers need not know the engine; the engine's own
name stands in the lever's note.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from runtimeprobe.contract import Ask, Config, Lever, LoadFailed

# Types a KV cache may have (kv_cache_types, llama.cpp common/arg.cpp), with their numbers (enum ggml_type, ggml/include/ggml.h).
_CACHE_TYPES = {"f16": 1, "bf16": 30, "q8_0": 8, "q5_1": 7, "q5_0": 6, "q4_1": 3, "q4_0": 2, "f32": 0}


@dataclass(frozen=True, slots=True)
class Knob:
    """A lever, and what it sets in the engine: `becomes[value]`, or for free values each name in `own` set to `kind(value)`."""

    lever: Lever
    own: str = ""
    kind: type[int] | type[float] | type[str] = str
    becomes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def settings(self, value: str) -> Mapping[str, Any]:
        if self.becomes:
            return self.becomes[value]
        return {name: self.kind(value) for name in self.own.split()}


def number(name: str, own: str, default: str, *, note: str = "", values: Sequence[str] = (), kind: type[int] | type[float] = int) -> Knob:
    return Knob(Lever(name, default, tuple(values), note or own), own, kind)


def text(name: str, own: str, default: str, note: str) -> Knob:
    return Knob(Lever(name, default, (), note), own)


def choice(name: str, default: str, becomes: Mapping[str, Mapping[str, Any]], note: str) -> Knob:
    return Knob(Lever(name, default, tuple(becomes), note), becomes=becomes)


def cache_type(name: str, own: str, *, by_number: bool) -> Knob:
    return choice(name, "f16", {word: {own: code if by_number else word} for word, code in _CACHE_TYPES.items()}, own)


PER_ASK: tuple[Knob, ...] = (
    choice(
        "thinking", "on", {"on": {"enable_thinking": True}, "off": {"enable_thinking": False}}, "template argument enable_thinking, per ask"
    ),
    *(
        number(name, name, "the model's or the engine's", note=f"{name}, per ask", values=values, kind=kind)
        for name, kind, values in (
            ("temperature", float, ("0", "0.7", "1.0")),
            ("top_k", int, ("1", "64")),
            ("top_p", float, ("0.95", "1.0")),
            ("min_p", float, ("0", "0.05")),
            ("repeat_penalty", float, ("1.0", "1.1")),
            ("presence_penalty", float, ("0", "1.0")),
            ("frequency_penalty", float, ("0", "1.0")),
            ("seed", int, ()),
        )
    ),
    text("stop", "stop", "none", "stop, per ask: the answer ends before this text"),
)


def check(engine: str, rows: Sequence[Knob], levers: Mapping[str, str]) -> None:
    """Raises LoadFailed for a lever the engine lacks or a value it cannot take: a typo must not measure the default."""
    known = {knob.lever.name: knob for knob in rows}
    for name, value in levers.items():
        knob = known.get(name)
        if knob is None:
            raise LoadFailed(f"{engine} has no lever named {name}.", fix=f"Its levers: {', '.join(known)}.")
        try:
            knob.settings(value)
        except KeyError:
            raise LoadFailed(f"{engine} cannot set {name} to {value!r}.", fix=f"Values: {', '.join(knob.becomes)}.") from None
        except ValueError:
            raise LoadFailed(f"{engine} cannot set {name} to {value!r}: not a number.", fix="Give a number.") from None


def for_load(rows: Sequence[Knob], config: Config) -> dict[str, Any]:
    """The engine's own settings, by its own names. Values not asked for are left to the engine."""
    values = {"context": str(config.context_tokens)} | ({"threads": str(config.threads)} if config.threads else {})
    values |= config.levers
    settings: dict[str, Any] = {}
    for knob in rows:
        if knob.lever.name in values:
            settings |= knob.settings(values[knob.lever.name])
    return settings


def for_ask(ask: Ask, levers: Mapping[str, str]) -> tuple[dict[str, Any], bool | None]:
    """What an ask says of sampling and of thinking: the levers, and over them what the ask itself says."""
    settings: dict[str, Any] = {}
    for knob in PER_ASK:
        if knob.lever.name in levers:
            settings |= knob.settings(levers[knob.lever.name])
    thinking = settings.pop("enable_thinking", None)
    if ask.seed is not None:
        settings["seed"] = ask.seed
    if ask.sampling is not None:
        settings |= asdict(ask.sampling)
    return settings, thinking if ask.thinking is None else ask.thinking
