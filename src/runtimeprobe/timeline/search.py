"""Which releases to probe. Pure: positions go out, what was found there comes back.

A searcher is a generator over positions 0..count-1, oldest first. It is sent the outcome of each position it asked for: anything that
compares equal when the verdicts are the same, or None where the release could not be measured. It returns the stretches that it took
to be alike.
"""

from collections.abc import Generator, Hashable

Outcome = Hashable  # None: not measured
Assumed = tuple[tuple[int, int], ...]
Search = Generator[int, Outcome, Assumed]


def bisect(count: int) -> Search:
    """Closes in on every change that the ends of a stretch betray.

    A stretch whose two ends are alike is taken to be alike throughout. That is wrong for a history that goes and comes back in between,
    so those stretches are returned, for the reader to know. One change among n releases costs at most log2(n) + 2 probes; a release that
    cannot be measured costs one more, since its neighbour stands in for it.
    """
    found: dict[int, Outcome] = {}
    assumed: list[tuple[int, int]] = []

    def near(start: int, low: int, high: int) -> Generator[int, Outcome, int | None]:
        """The measurable position nearest to `start` in low..high; None where there is none."""
        for position in sorted(range(low, high + 1), key=lambda item: (abs(item - start), item)):
            if position not in found:
                found[position] = yield position
            if found[position] is not None:
                return position
        return None

    first = yield from near(0, 0, count - 1)
    if first is None:
        return ()
    last = yield from near(count - 1, first, count - 1)
    stretches = [(first, last)]
    while stretches:
        low, high = stretches.pop()
        if low is None or high is None or high - low < 2:
            continue
        if found[low] == found[high]:
            assumed.append((low, high))
            continue
        middle = yield from near((low + high) // 2, low + 1, high - 1)
        if middle is not None:
            stretches += [(middle, high), (low, middle)]
    return tuple(sorted(assumed))
