"""The detector: a stream of text in, the first loop that is certain out."""

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from runtimeprobe.diagnose.loops.enumeration import Enumeration
from runtimeprobe.diagnose.loops.evidence import CALL, TOKEN, Kind, Unit, classify
from runtimeprobe.diagnose.loops.period import KEEP, STEP, Tracker

Confidence = Literal["high", "medium", "low"]
SILENT = 48  # tokens in a row without a character of text: nothing but special tokens is being generated
SAME_CALLS = 4  # identical tool calls in a row, whatever stands between them
_CALL = re.compile(r"<\|tool_call>.*?<tool_call\|>", re.DOTALL)
_MIXED = re.compile(rf"(?:(?:{TOKEN.pattern})\s*){{12,}}<?[^<>\s]*\Z")
_MIXED_IN = 512  # characters looked at for a mixture of reserved tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """A loop that is certain. `start`, `period` and `seen` in characters of the stream; `seen`: how many had come when it was certain.

    `period` is 0 where nothing repeats verbatim: mixed reserved tokens, and thinking that outran its budget. `confidence`: high for a
    verbatim cycle, medium for one that is verbatim but for its counter or in its tokens alone, low for a spent budget.
    """

    kind: Kind
    start: int
    period: int
    period_tokens: int | None = None
    confidence: Confidence
    seen: int


class Detector:
    """Fed with one stream, in pieces of any size: how it is cut changes nothing but when an answer can be had.

    `thinking`: the stream is thinking text, so every loop is endless thinking, and so is more than `budget` characters.
    """

    def __init__(self, *, thinking: bool = False, budget: int | None = None) -> None:
        self.loop: Loop | None = None
        self._thinking = thinking
        self._budget = budget if thinking else None
        self._pending: list[str] = []
        self._append = self._pending.append
        self._waiting = 0
        self._seen = 0  # characters looked at
        self._cycle = Tracker()
        self._unit: Unit | None = None  # of the cycle, while it is the same
        self._items = Enumeration()
        self._calls = ("", 0, 0)  # the last tool call, how often it came in a row, where it first began
        self._ends: deque[int] = deque(maxlen=KEEP)  # where each of the last tokens ends
        self._silent = 0

    def feed(self, piece: str, tokens: Sequence[int] = ()) -> Loop | None:
        """The loop, as soon as it is certain and ever after. `tokens`: the ids that `piece` was decoded from, if they are known."""
        self._append(piece)
        self._waiting = waiting = self._waiting + len(piece)
        if tokens and self.loop is None:
            self._count(piece, tokens)
        if waiting >= STEP:
            self._look(STEP)
        return self.loop

    def finish(self) -> Loop | None:
        """The same at the end of the stream, where what is left of it is looked at too."""
        if self.loop is None and self._waiting:
            self._look(1)
        return self.loop

    def _look(self, least: int) -> None:
        pending = self._pending
        text = pending[0] if len(pending) == 1 else "".join(pending)
        at, end = 0, len(text)
        while end - at >= least and self.loop is None:
            self._step(text[at : at + STEP])
            at += STEP
        pending.clear()
        self._waiting = 0
        if at < end and self.loop is None:
            pending.append(text[at:])
            self._waiting = end - at

    def _step(self, step: str) -> None:
        cycle = self._cycle
        run, period = cycle.run, cycle.period
        cycle.add(step)
        self._seen += len(step)
        if cycle.run < run or cycle.period != period:
            self._unit = None
        if cycle.period and cycle.run >= CALL.length(cycle.period):
            unit = self._unit or classify(cycle.period, cycle.window[-2 * cycle.period :])
            self._unit = unit
            if cycle.run >= unit.needed.length(cycle.period):
                self._certain(unit.kind, cycle.period, cycle.run, "high")
                return
        if self._items.add(step) and (item := self._items.found(cycle.window)):
            self._certain(Kind.ENUMERATION, *item, "medium")
        elif ">" in step or "]" in step:
            self._markers(step)
        if self.loop is None and self._budget is not None and self._seen > self._budget:
            self._certain(Kind.THINKING, 0, self._seen, "low")

    def _markers(self, step: str) -> None:
        window = self._cycle.window
        if TOKEN.search(step) and (mixed := _MIXED.search(window[-_MIXED_IN:])):
            self._certain(Kind.RESERVED, 0, len(mixed[0]), "high")
        fresh = window[-len(step) - 12 :]  # a marker may have begun in the step before
        if "tool_call|>" not in fresh:
            return
        before = len(window) - len(step)
        for call in _CALL.finditer(window):
            if call.end() <= before:
                continue
            last, times, start = self._calls
            begin = self._seen - len(window) + call.start()
            self._calls = (call[0], times + 1, start) if call[0] == last else (call[0], 1, begin)
            if self._calls[1] >= SAME_CALLS and self.loop is None:
                self._certain(Kind.CALLS, 0, self._seen - self._calls[2], "medium")

    def _count(self, piece: str, tokens: Sequence[int]) -> None:
        end = self._seen + self._waiting
        self._ends.extend([end] * len(tokens))
        self._silent = 0 if piece else self._silent + len(tokens)
        if self._silent >= SILENT:
            self._certain(Kind.RESERVED, 0, 0, "medium")

    def _certain(self, kind: Kind, period: int, run: int, confidence: Confidence) -> None:
        seen = self._seen
        inside = sum(1 for end in self._ends if seen - period < end <= seen) if period else 0
        self.loop = Loop(
            kind=Kind.THINKING if self._thinking else kind,
            start=seen - run,
            period=period,
            period_tokens=inside or None,
            confidence=confidence,
            seen=seen,
        )


def loop_in(text: str, *, thinking: bool = False) -> Loop | None:
    """The loop in a finished text, or nothing."""
    detector = Detector(thinking=thinking)
    return detector.feed(text) or detector.finish()


def find_loop(text: str) -> str | None:
    """Its class alone."""
    loop = loop_in(text)
    return None if loop is None else loop.kind.value
