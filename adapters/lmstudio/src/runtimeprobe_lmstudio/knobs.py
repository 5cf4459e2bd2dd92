"""Levers as data: what they are called here, what LM Studio calls them, and where they go: into the load or into each ask."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from runtimeprobe.contract import Ask, Config, Lever, LoadFailed

_ON_OFF = {"on": True, "off": False}
Row = tuple[Lever, str, Callable[[str], Any]]


def _switch(value: str) -> bool:
    return _ON_OFF[value]


# https://lmstudio.ai/docs/developer/rest/load
LOAD: tuple[Row, ...] = (
    (Lever("context", "the model's", ("2048", "4096", "8192"), "context_length"), "context_length", int),
    (Lever("flash_attention", "the app's", ("on", "off"), "flash_attention"), "flash_attention", _switch),
    (Lever("kv_offload", "on", ("on", "off"), "offload_kv_cache_to_gpu"), "offload_kv_cache_to_gpu", _switch),
    (Lever("batch", "the app's", ("128", "512", "2048"), "eval_batch_size"), "eval_batch_size", int),
)
# Defaults where the app has no preset for the model: packages/lms-kv-config/src/schema.ts in lmstudio-ai/lmstudio-js.
ASK: tuple[Row, ...] = (
    (Lever("thinking", "the model's", ("on", "off"), "reasoning, per ask"), "thinking", _switch),
    (Lever("temperature", "0.8", ("0", "0.7", "1.0"), "temperature, per ask"), "temperature", float),
    (Lever("top_k", "40", ("1", "64"), "top_k, per ask"), "top_k", int),
    (Lever("top_p", "0.95", ("0.95", "1.0"), "top_p, per ask"), "top_p", float),
    (Lever("min_p", "0.05", ("0", "0.05"), "min_p, per ask"), "min_p", float),
    (Lever("repeat_penalty", "1.1", ("1.0", "1.1"), "repeat_penalty, per ask"), "repeat_penalty", float),
    (Lever("presence_penalty", "0", ("0", "1.0"), "presence_penalty, per ask; not on /api/v1/chat"), "presence_penalty", float),
    (Lever("frequency_penalty", "0", ("0", "1.0"), "frequency_penalty, per ask; not on /api/v1/chat"), "frequency_penalty", float),
    (Lever("seed", "random", (), "seed, per ask; not on /api/v1/chat"), "seed", int),
)
LEVERS = tuple(lever for lever, _, _ in (*LOAD, *ASK))


def _settings(rows: tuple[Row, ...], levers: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for lever, own, convert in rows:
        if lever.name not in levers:
            continue
        value = levers[lever.name]
        try:
            found[own] = convert(value)
        except (KeyError, ValueError):
            raise LoadFailed(
                f"lmstudio cannot set {lever.name} to {value!r}.", fix=f"Values such as {', '.join(lever.values) or '7'}."
            ) from None
    return found


def for_load(config: Config) -> dict[str, Any]:
    """What a load sends. Raises LoadFailed for a lever there is not, or a value it cannot take: a typo must not measure the default."""
    known = [lever.name for lever in LEVERS]
    for name in config.levers:
        if name not in known:
            raise LoadFailed(f"lmstudio has no lever named {name}.", fix=f"Its levers: {', '.join(known)}.")
    _settings(ASK, config.levers)
    return {"context_length": config.context_tokens} | _settings(LOAD, config.levers)


def for_ask(ask: Ask, levers: Mapping[str, str]) -> tuple[dict[str, Any], bool | None]:
    """What an ask says of sampling and of thinking: the levers, and over them what the ask itself says."""
    settings = _settings(ASK, levers)
    thinking = settings.pop("thinking", None)
    if ask.seed is not None:
        settings["seed"] = ask.seed
    if ask.sampling is not None:
        settings |= asdict(ask.sampling)
    return settings, thinking if ask.thinking is None else ask.thinking
