"""The prompt forms a twin must answer right: what runtimes make of a clip, an instruction, and the turns of a chat."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from runtimeprobe.twins.recipe.engines import Clip, Message

ASK = "Transcribe."
SYSTEM = Message("system", ("You are a helpful assistant.",))
EARLIER = (Message("user", ("Hello",)), Message("assistant", ("nothing",)))


def clip_first(clip: Path) -> tuple[Message, ...]:
    return (Message("user", (Clip(clip), ASK)),)


def clip_last(clip: Path) -> tuple[Message, ...]:
    return (Message("user", (ASK, Clip(clip))),)


def clip_twice(clip: Path) -> tuple[Message, ...]:
    """The clip in an earlier turn, answered wrongly there, and again in the last."""
    return (*clip_first(clip), Message("assistant", ("seven seven",)), *clip_first(clip))


@dataclass(frozen=True)
class Form:
    name: str
    messages: Callable[[Path], tuple[Message, ...]]
    thinking: bool = False
    empty_thought: bool = False


FORMS = (
    Form("clip first", clip_first),
    Form("clip last", clip_last),
    Form("empty thought, clip first", clip_first, empty_thought=True),
    Form("empty thought, clip last", clip_last, empty_thought=True),
    Form("thinking, clip first", clip_first, thinking=True),
    Form("thinking, clip last", clip_last, thinking=True),
    Form("system, clip first", lambda clip: (SYSTEM, *clip_first(clip))),
    Form("system, clip last", lambda clip: (SYSTEM, *clip_last(clip))),
    Form("system, thinking", lambda clip: (SYSTEM, *clip_first(clip)), thinking=True),
    Form("system, empty thought", lambda clip: (SYSTEM, *clip_last(clip)), empty_thought=True),
    Form("several turns, clip first", lambda clip: (*EARLIER, *clip_first(clip))),
    Form("several turns, clip last", lambda clip: (*EARLIER, *clip_last(clip))),
    Form("several turns, thinking", lambda clip: (*EARLIER, *clip_first(clip)), thinking=True),
    Form("several turns, empty thought", lambda clip: (*EARLIER, *clip_last(clip)), empty_thought=True),
    Form("several turns, system", lambda clip: (SYSTEM, *EARLIER, *clip_first(clip))),
    Form("clip in two turns", clip_twice),
)
# Without a clip the answer must not be a transcript.
SILENT_FORMS = (
    Form("no clip", lambda _clip: (Message("user", (ASK,)),)),
    Form("no clip, empty thought", lambda _clip: (Message("user", (ASK,)),), empty_thought=True),
    Form("no clip, thinking", lambda _clip: (Message("user", (ASK,)),), thinking=True),
    Form("no clip, system", lambda _clip: (SYSTEM, Message("user", (ASK,)))),
)
