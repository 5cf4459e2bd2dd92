"""How far engines are apart on the first token of an answer, from what evaluate.py `--details` prints. Pure."""

import math
from itertools import combinations
from typing import Any

# Natural log-probabilities of the first token, of tokens that have at least this in both engines.
LIKELY = math.log(0.01)


def likely(answer: dict[str, Any]) -> dict[str, float]:
    """Likely first tokens; bytes that are no character alone look alike in every engine, so they are left out."""
    readable = {piece: number for piece, number in answer["first"].items() if piece.isprintable() and "\ufffd" not in piece}
    return {piece: number for piece, number in readable.items() if number > LIKELY}


def gaps(measured: dict[str, list[dict[str, Any]]]) -> list[tuple[float, str]]:
    """Differences of log-probability, each with where it is, of every pair of engines over the answers to the same clips.

    Engines that do not agree on the most likely token are infinitely far apart.
    """
    found = []
    for left, right in combinations(measured, 2):
        for one, other in zip(measured[left], measured[right], strict=True):
            a, b = likely(one), likely(other)
            where = f"{left}, {right}, {one['file']}"
            if max(a, key=a.__getitem__) != max(b, key=b.__getitem__):
                found.append((math.inf, where))
            found += [(abs(a[piece] - b[piece]), f"{where}, {piece!r}") for piece in a.keys() & b.keys()]
    return found
