"""What is sent to the engines: sampling, cache and thinking, under the names each of them knows."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from runtimeprobe.contract import AdapterError, Ask, Config, Sampling

INTEGERS = ("top_k", "prefill_step_size", "seed")
COMPUTING_LEVERS = ("kv_bits", "kv_quant_scheme", "prefill_step_size")
# The contract's name to the engines' own.
NAMES = {"repeat_penalty": "repetition_penalty"}
SAMPLING_LEVERS = ("temperature", "top_k", "top_p", "min_p", "repeat_penalty", "presence_penalty", "frequency_penalty")


@dataclass(frozen=True, slots=True)
class Fitted:
    """Keyword arguments a function takes, and the names of those it does not know."""

    known: dict[str, Any]
    unknown: tuple[str, ...]


def value_of(name: str, text: str) -> int | float | str:
    if name == "kv_quant_scheme":
        return text
    try:
        value = float(text)
    except ValueError as error:
        raise AdapterError(f"lever {name} takes a number, not {text!r}", fix=f"--lever {name}=NUMBER") from error
    return int(value) if name in INTEGERS or (name == "kv_bits" and value.is_integer()) else value


def sampling(ask: Ask, config: Config) -> dict[str, Any]:
    """Every value of `ask.sampling`; without it only the levers that were changed, so that the engine's own defaults apply."""
    given: dict[str, Any] = {name: value_of(name, config.levers[name]) for name in SAMPLING_LEVERS if config.levers.get(name)}
    if ask.seed is not None:
        given["seed"] = ask.seed
    if ask.sampling:
        given = {name: getattr(ask.sampling, name) for name in Sampling.__dataclass_fields__}
    return {NAMES.get(name, name): value for name, value in given.items()}


def computing(config: Config) -> dict[str, Any]:
    return {name: value_of(name, config.levers[name]) for name in COMPUTING_LEVERS if config.levers.get(name)}


def thinking(ask: Ask, config: Config) -> bool | None:
    """None: nothing is said about it."""
    if ask.thinking is not None:
        return ask.thinking
    return {"on": True, "off": False}.get(config.levers.get("thinking", ""))


def fit(wanted: dict[str, Any], *functions: Callable[..., Any]) -> Fitted:
    """The part of `wanted` that one of the functions names in its signature; older releases know fewer."""
    names = {name for function in functions for name in inspect.signature(function).parameters}
    return Fitted({name: value for name, value in wanted.items() if name in names}, tuple(sorted(set(wanted) - names)))
