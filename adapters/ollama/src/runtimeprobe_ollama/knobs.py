"""Levers as data: what a lever is called here, what Ollama's API calls it, and which routes can carry it.

Names are those of the other adapters. What the server's environment sets (flash attention, the cache's type) the API cannot change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from runtimeprobe.contract import Ask, Config, Lever, LoadFailed

NATIVE, OPENAI = "api", "v1"


@dataclass(frozen=True, slots=True)
class Knob:
    """`own`: its name in `options`, or beside them. `becomes`: what each value is; free values go through `kind`."""

    lever: Lever
    own: str
    kind: type[int] | type[float] = float
    becomes: Mapping[str, Any] = field(default_factory=dict)
    runner: bool = False  # a change makes Ollama load the model anew (server/sched.go needsReload), so every ask must say the same
    openai: bool = False  # /v1/chat/completions takes it too (openai/openai.go FromChatRequest)

    def value(self, text: str) -> Any:
        return self.becomes[text] if self.becomes else self.kind(text)


def number(name: str, default: str, values: Sequence[str] = (), *, own: str = "", note: str = "", **more: Any) -> Knob:
    return Knob(Lever(name, default, tuple(values), note or own or name), own or name, **more)


def choice(name: str, default: str, own: str, becomes: Mapping[str, Any], note: str, **more: Any) -> Knob:
    return Knob(Lever(name, default, tuple(becomes), note), own, becomes=becomes, **more)


THINKING = choice("thinking", "on", "think", {"on": True, "off": False}, "think; reasoning_effort on /v1", openai=True)
FORMAT = choice("format", "free", "format", {"free": None, "json": "json"}, "format: json; response_format on /v1", openai=True)
KNOBS: tuple[Knob, ...] = (
    number("context", "by video memory", ("2048", "4096", "8192"), own="num_ctx", kind=int, runner=True),
    number("threads", "all physical cores", own="num_thread", kind=int, runner=True),
    number("batch", "512", ("128", "512"), own="num_batch", kind=int, runner=True),
    choice("device", "auto", "num_gpu", {"auto": -1, "cpu": 0, "gpu": 999}, "num_gpu: layers on the accelerator", runner=True),
    THINKING,
    FORMAT,
    number("temperature", "the model's or 0.8", ("0", "0.7", "1.0"), openai=True),
    number("top_k", "the model's or 40", ("1", "64"), kind=int),
    number("top_p", "the model's or 0.9", ("0.95", "1.0"), openai=True),
    number("min_p", "the model's or 0", ("0", "0.05")),
    number("repeat_penalty", "1.0, up to v0.32.9 1.1", ("1.0", "1.1")),
    number("repeat_last_n", "64", ("0", "64", "256"), kind=int),
    number("presence_penalty", "0", ("0", "1.0"), openai=True),
    number("frequency_penalty", "0", ("0", "1.0"), openai=True),
    number("seed", "random", kind=int, openai=True),
)
BY_NAME = {knob.lever.name: knob for knob in KNOBS}


def check(levers: Mapping[str, str]) -> None:
    """Raises LoadFailed for a lever that does not exist or a value it cannot take: a typo must not measure the default."""
    for name, value in levers.items():
        knob = BY_NAME.get(name)
        if knob is None:
            raise LoadFailed(f"Ollama has no lever named {name}.", fix=f"Its levers: {', '.join(BY_NAME)}.")
        try:
            knob.value(value)
        except KeyError:
            raise LoadFailed(f"Ollama cannot set {name} to {value!r}.", fix=f"Values: {', '.join(knob.becomes)}.") from None
        except ValueError:
            raise LoadFailed(f"Ollama cannot set {name} to {value!r}: not a number.", fix="Give a number.") from None


def for_runner(config: Config) -> dict[str, Any]:
    """The options that belong to the loaded model."""
    options: dict[str, Any] = {"num_ctx": config.context_tokens}
    if config.threads:
        options["num_thread"] = config.threads
    given = (knob for knob in KNOBS if knob.runner and knob.lever.name in config.levers)
    return options | {knob.own: knob.value(config.levers[knob.lever.name]) for knob in given}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an ask says of sampling, thinking and format: the levers, and over them what the ask says itself."""

    sampling: Mapping[str, Any]
    thinking: bool | None
    format: str | None


def for_ask(ask: Ask, levers: Mapping[str, str]) -> Wanted:
    values = {knob.own: knob.value(levers[name]) for name, knob in BY_NAME.items() if name in levers and not knob.runner}
    thinking = values.pop(THINKING.own, None)
    form = values.pop(FORMAT.own, None)
    if ask.seed is not None:
        values["seed"] = ask.seed
    if ask.sampling is not None:
        values |= asdict(ask.sampling)
    return Wanted(values, thinking if ask.thinking is None else ask.thinking, form)
