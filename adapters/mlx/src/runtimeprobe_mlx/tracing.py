"""What flows between the parts of a loaded mlx-vlm model while it answers: its modules are called through a wrapper that writes down."""

import contextlib
import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import Any

from runtimeprobe.contract import Ask, Step
from runtimeprobe_mlx.vlm import InProcess

VALUES = 256  # of each step
BROKEN = 1e30  # for a number that is none
PARTS = ("audio_tower", "embed_audio", "language_model")


@dataclasses.dataclass
class Call:
    positional: tuple[Any, ...]
    named: dict[str, Any]
    result: Any


@contextlib.contextmanager
def overheard(module: Any, calls: list[Call]) -> Iterator[None]:
    """Every call of the module, for as long as this is open. Python looks `__call__` up on the class, so it is changed there."""
    kind = type(module)
    plain = kind.__call__

    def call(self: Any, *positional: Any, **named: Any) -> Any:
        result = plain(self, *positional, **named)
        calls.append(Call(positional, named, result))
        return result

    kind.__call__ = call
    try:
        yield
    finally:
        kind.__call__ = plain


def trace(model: InProcess, ask: Ask) -> Sequence[Step]:
    heard: dict[str, list[Call]] = {name: [] for name in PARTS}
    with contextlib.ExitStack() as stack:
        for name, calls in heard.items():
            if (module := getattr(model.model, name, None)) is not None:
                stack.enter_context(overheard(module, calls))
        reply = model.ask(dataclasses.replace(ask, max_tokens=1))
    steps = []
    if tower := heard["audio_tower"]:
        steps += [step("front end", (*tower[0].positional, *tower[0].named.values())[0]), step("encoder", tower[0].result)]
    if projected := heard["embed_audio"]:
        steps.append(step("projector", projected[0].result))
    if (last := end_of_prompt(heard["language_model"], reply.prompt_tokens or 0)) is not None:
        steps.append(step("decoder", last))
    return [found for found in steps if found is not None]


def end_of_prompt(calls: list[Call], tokens: int) -> Any:
    """The logits after the last token of the prompt, which a release may feed in pieces."""
    seen = 0
    for call in calls:
        given = call.named.get("inputs_embeds")
        given = given if given is not None else (*call.positional, call.named.get("inputs"))[0]
        seen += given.shape[1]
        if seen >= tokens:
            return getattr(call.result, "logits", call.result)[:, -1:]
    return None


def step(name: str, value: Any) -> Step | None:
    """Some of an array's numbers, evenly spaced; None where it is no array."""
    import mlx.core as mx

    array = value[0] if isinstance(value, tuple | list) else value
    if not isinstance(array, mx.array):
        return None
    flat = array.astype(mx.float32).reshape(-1)
    numbers: Any = flat[:: max(1, flat.size // VALUES)][:VALUES].tolist()
    # JSON, through which they go, has no NaN and no infinity; where the healthy number is finite, this is as far from it.
    return Step(name, tuple(int(size) for size in array.shape), tuple(value if math.isfinite(value) else BROKEN for value in numbers))
