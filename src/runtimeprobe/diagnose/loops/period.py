"""The period of the end of a stream: found by looking up where its last characters stood before, then verified step by step."""

STEP = 64  # characters between two looks: within the 64 that a detection may come late
KEEP = 8192  # characters remembered at least; a period has to fit in it with one step to spare
NEAR, FAR = 10 * STEP, 36 * STEP  # how far back to look up at every step, and at every fourth; all that is kept at every sixteenth


class Tracker:
    """`period` of the text so far, with `run` characters that obey it up to the end; 0 and 0 while there is none.

    Looking up the last STEP characters finds the nearest place they stood at, so the smallest period; verifying costs one comparison of
    one step. A stretch inside the unit that repeats by itself hides the unit's period for as long as it lasts, no longer. Steps may be
    of any length, but the outcome depends on where they end.
    """

    __slots__ = ("_again", "_far", "_looks", "_near", "period", "run", "window")

    def __init__(self, near: int = NEAR, far: int = FAR) -> None:
        self._near = -near
        self._far = -far
        self.window = ""
        self.period = 0
        self.run = 0
        self._looks = 0
        self._again = 0

    def add(self, step: str) -> None:
        window = self.window + step
        if len(window) > KEEP + KEEP // 2:
            window = window[-KEEP:]
        self.window = window
        period = self.period
        if period:
            if window[-len(step) - period : -period] == step:
                self.run += len(step)
                if self.run >= self._again:
                    self._shorten()
                return
            self.period = self.run = 0
        if len(window) <= STEP:
            return
        self._looks = looks = self._looks + 1
        back = self._near if looks & 3 else self._far if looks & 15 else 0
        at = window.rfind(window[-STEP:], back, -1)
        if at >= 0:
            self.period = period = len(window) - STEP - at
            self.run = period + _same_end(window, period)
            self._again = self.run + period

    def _shorten(self) -> None:
        """Text that comes to repeat with a shorter period obeys its multiples too, so the old one would stay. Looked at once a period."""
        unit = self.window[-self.period :]
        period = (unit + unit).find(unit, 1)
        if period < self.period:
            self.period = period
            self.run = period + _same_end(self.window, period)
        self._again = self.run + self.period


def _same_end(window: str, period: int) -> int:
    """How many of the last characters equal those one period earlier, by comparing ever larger blocks, then ever smaller ones."""
    same, block = 0, STEP
    while block:
        at = len(window) - period - same - block
        if at >= 0 and window[at : at + block] == window[at + period : at + period + block]:
            same += block
            block *= 2
        else:
            block //= 2
    return same
