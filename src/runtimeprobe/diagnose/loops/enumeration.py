"""Lists that never end: periods that are verbatim but for their numbers, and the numbers count up by ones."""

import re

from runtimeprobe.diagnose.loops.evidence import COUNTED, COUNTING, Needed
from runtimeprobe.diagnose.loops.period import FAR, Tracker

_NUMBER = re.compile(r"[0-9]+")
_ITEM = re.compile(r"[^\W\d_]{3}")
_AGAIN = 256  # characters at least, or a quarter of the cycle, between two looks at its numbers
_COPIES = 3
_AT_ONCE = 4  # steps: a list is not verbatim, and may be seen as much later
_DIGITS = bytes.maketrans(b"123456789", b"0" * 9)


class Enumeration:
    """Follows the text with every number replaced by one sign, and looks at the numbers when that text cycles for long enough."""

    __slots__ = ("_in_number", "_next", "_steps", "cycle")

    def __init__(self) -> None:
        self.cycle = Tracker(near=FAR, far=FAR)
        self._in_number = False
        self._next = 0
        self._steps: list[str] = []

    def add(self, step: str) -> bool:
        """Whether there is something new to be `found`."""
        self._steps.append(step)
        if len(self._steps) < _AT_ONCE:
            return False
        text = "".join(self._steps)
        self._steps.clear()
        rest = text.lstrip("0123456789") if self._in_number else text
        self._in_number = "0" <= text[-1] <= "9"
        if rest:
            self.cycle.add(_masked(rest))
        return self.cycle.period > 0

    def found(self, text: str) -> tuple[int, int] | None:
        """Period and length, in characters of `text`, of the enumeration that the stream ends in; `text` is the end of the stream."""
        period, run = self.cycle.period, self.cycle.run
        if period == 0 or run < COUNTED.length(period):
            self._next = 0
            return None
        if run < self._next:
            return None
        self._next = run + max(_AGAIN, run // 4)
        unit = self.cycle.window[-period:]
        needed: Needed = COUNTED if _ITEM.search(unit + unit) else COUNTING
        slots = unit.count("0")
        if slots == 0 or run < needed.length(period) or not self._counting(text[-8 * period - _AGAIN :], slots, 2):
            return None
        places = self._counting(text, slots, run // period - 1)  # the first copy may begin within a number
        if not places:
            return None
        copies = (len(places) - 1) // slots
        length = places[-1] - places[-1 - copies * slots]
        return length // copies, length

    def _counting(self, text: str, slots: int, copies: int) -> list[int]:
        """Where the numbers of the last periods stand, `copies` at most and one number more, if they count; else nothing."""
        found = list(_NUMBER.finditer(text))
        if self._in_number:
            found = found[:-1]  # it may go on
        found = found[-slots * copies - 1 :]
        if len(found) <= min(copies, _COPIES) * slots or not counts([number[0] for number in found], slots):
            return []
        return [number.start() for number in found]


def _masked(text: str) -> str:
    """Every number as one 0. The way over bytes is many times faster than the expression, where it is open."""
    if not text.isascii():
        return _NUMBER.sub("0", text)
    text = text.encode("ascii").translate(_DIGITS).decode("ascii")
    while "00" in text:
        text = text.replace("00", "0")
    return text


def counts(numbers: list[str], slots: int) -> bool:
    """Whether some of the `slots` numbers of a period count up alike, by ones or by as many as there are counters, and no other moves."""
    if max(map(len, numbers)) > 18:
        return False
    values = [int(number) for number in numbers]
    steps = [after - before for before, after in zip(values, values[slots:], strict=False)]
    first = steps[:slots]
    moving = {step for step in first if step}
    if len(moving) != 1 or any(step != first[at % slots] for at, step in enumerate(steps)):
        return False
    by = moving.pop()
    return 1 <= by <= sum(1 for step in first if step)
