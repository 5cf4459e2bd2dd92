"""What a broken or lying engine may do with an ask and its reply. Each calls the real engine (`real`) and returns what it makes of it."""

import ctypes
import dataclasses
import time
from collections.abc import Callable
from typing import Any

from runtimeprobe.contract import AdapterError, Ask, BadReply, OutOfMemory, Rejected, Reply, RouteMissing

Real = Callable[[Ask], Reply]
Memory = dict[str, Any]
Behaviour = Callable[[Real, Ask, Memory], Reply]
Change = Callable[[str], str]
FIGURES = {"zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9"}


def honest(real: Real, ask: Ask, memory: Memory) -> Reply:  # noqa: ARG001
    return real(ask)


def words(change: Change) -> Behaviour:
    """Changes the answer's text."""
    return lambda real, ask, _memory: (reply := real(ask)) and dataclasses.replace(reply, text=change(reply.text))


def heard_words(change: Change) -> Behaviour:
    """Changes the answer's text where digits were heard, and nowhere else."""

    def behave(real: Real, ask: Ask, _memory: Memory) -> Reply:
        reply = real(ask)
        return dataclasses.replace(reply, text=change(reply.text)) if set(reply.text.split()) & set(FIGURES) else reply

    return behave


def figures(text: str) -> str:
    return " ".join(FIGURES.get(word, word) for word in text.split())


def counts(change: Callable[[int, Ask], Any]) -> Behaviour:
    """Changes the prompt token count."""

    def behave(real: Real, ask: Ask, _memory: Memory) -> Reply:
        reply = real(ask)
        return dataclasses.replace(reply, prompt_tokens=change(reply.prompt_tokens or 0, ask))

    return behave


def without_clip(ask: Ask) -> Ask:
    return dataclasses.replace(ask, clip="")


def dropped(real: Real, ask: Ask, memory: Memory) -> Reply:  # noqa: ARG001
    """The classic: accepted, and never passed on."""
    return real(without_clip(ask))


def dropped_then(after: Behaviour) -> Behaviour:
    return lambda real, ask, memory: after(lambda inner: real(without_clip(inner)), ask, memory)


def marker_word(real: Real, ask: Ask, memory: Memory) -> Reply:  # noqa: ARG001
    """The clip becomes a word of the prompt."""
    return real(dataclasses.replace(ask, clip="", prompt="audio " + ask.prompt)) if ask.clip else real(ask)


def paid_for(real: Real, ask: Ask, memory: Memory) -> Reply:  # noqa: ARG001
    """Counts the sound's tokens and does not use them."""
    silent = real(without_clip(ask))
    return dataclasses.replace(silent, prompt_tokens=real(ask).prompt_tokens) if ask.clip else silent


def first_answer_for_all(real: Real, ask: Ask, memory: Memory) -> Reply:
    """Remembers what it heard first, and says it to every clip after."""
    reply = real(ask)
    if not ask.clip:
        return reply
    return dataclasses.replace(reply, text=memory.setdefault("first", reply.text))


def fixed(text: str) -> Behaviour:
    return words(lambda _: text)


def echo(real: Real, ask: Ask, memory: Memory) -> Reply:  # noqa: ARG001
    return dataclasses.replace(real(ask), text=ask.prompt)


def on_clip(error: Callable[[], BaseException], which: Callable[[Memory], bool] = lambda _memory: True) -> Behaviour:
    """Raises, for the clips that `which` chooses."""

    def behave(real: Real, ask: Ask, memory: Memory) -> Reply:
        if ask.clip and which(memory):
            raise error()
        return real(ask)

    return behave


def always(error: Callable[[], BaseException]) -> Behaviour:
    def behave(real: Real, ask: Ask, memory: Memory) -> Reply:  # noqa: ARG001
        raise error()

    return behave


def rejected() -> AdapterError:
    return Rejected("this model does not take sound", words="audio input is not supported")


def no_route() -> AdapterError:
    return RouteMissing("no such route", words="404 page not found")


def bad_reply() -> AdapterError:
    return BadReply("the stream ended without its last event")


def no_memory() -> AdapterError:
    return OutOfMemory("cannot allocate the context")


def broken() -> AdapterError:
    return AdapterError("500 internal error")


def dies(which: Callable[[Ask, Memory], bool]) -> Behaviour:
    def behave(real: Real, ask: Ask, memory: Memory) -> Reply:
        if ask.clip and which(ask, memory):
            ctypes.string_at(0)
        return real(ask)

    return behave


def hangs(real: Real, ask: Ask, memory: Memory) -> Reply:  # noqa: ARG001
    if ask.clip:
        time.sleep(3600)
    return real(ask)


def thinks_on(real: Real, ask: Ask, memory: Memory) -> Reply:  # noqa: ARG001
    """Thinking is on whatever is asked, and the budget ends inside it."""
    return dataclasses.replace(real(ask), text="", thinking="The user wants a transcript. Let me listen. ", finish_reason="length")


def thinks_on_by_default(real: Real, ask: Ask, memory: Memory) -> Reply:
    return thinks_on(real, ask, memory) if ask.thinking is None else real(ask)


def thinks_then_answers(real: Real, ask: Ask, memory: Memory) -> Reply:  # noqa: ARG001
    return dataclasses.replace(real(ask), thinking="Two words, I believe.")


def sometimes(behaviour: Behaviour, asks: Callable[[int], bool]) -> Behaviour:
    """Misbehaves on the asks (counted from 1) that `asks` chooses."""
    return lambda real, ask, memory: behaviour(real, ask, memory) if asks(memory["asks"]) else real(ask)
