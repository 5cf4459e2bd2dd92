"""How often, and how sure: exact binomial bounds, and the test that stops as soon as a lever is shown to matter or not. Pure."""

import math

CONFIDENCE = 0.95
# Wald's sequential probability ratio test: the ratio at which one of two rates is taken for true, at 5% error either way.
ACCEPT = math.log((1 - 0.05) / 0.05)
LEAST, MOST = 0.2, 0.9  # of the rate without the lever, which a handful of runs cannot pin down at the ends
REDUCTION = 8.0  # a lever matters if it makes the symptom so many times rarer


def interval(hits: int, runs: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Two-sided bounds of a rate after Clopper and Pearson (Biometrika 26, 1934); all is possible after no run."""
    if not runs:
        return 0.0, 1.0
    from scipy.special import betaincinv

    tail = (1 - confidence) / 2
    low = float(betaincinv(hits, runs - hits + 1, tail)) if hits else 0.0
    high = float(betaincinv(hits + 1, runs - hits, 1 - tail)) if hits < runs else 1.0
    return round(low, 4), round(high, 4)


def upper_bound(hits: int, runs: int, confidence: float = CONFIDENCE) -> float:
    """One-sided: the rate is below this. 0 of 40: under 7.2% at 95%."""
    return interval(hits, runs, 2 * confidence - 1)[1]


def shown(hits: int, runs: int, before: float) -> bool | None:
    """Whether a lever matters after `runs` with it, of which `hits` had the symptom that had rate `before` without it.

    True: it makes the symptom rare. False: it does not. None: go on.
    """
    without = min(max(before, LEAST), MOST)
    within = without / REDUCTION
    ratio = hits * math.log(within / without) + (runs - hits) * math.log((1 - within) / (1 - without))
    return True if ratio >= ACCEPT else False if ratio <= -ACCEPT else None
