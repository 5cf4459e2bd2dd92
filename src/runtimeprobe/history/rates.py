"""How sure a pass rate is. Pure, and cheap enough for every cell of a page (diagnose.rates has exact bounds, at the price of scipy)."""

import math

Z = 1.959964  # two-sided 95%


def interval(passes: int, attempts: int) -> tuple[float, float]:
    """Bounds after Wilson (JASA 22, 1927), who stays within 0 and 1 and works for few attempts. All is possible after none."""
    if not attempts:
        return 0.0, 1.0
    rate, weight = passes / attempts, Z * Z / attempts
    middle = (rate + weight / 2) / (1 + weight)
    spread = Z * math.sqrt(rate * (1 - rate) / attempts + weight / (4 * attempts)) / (1 + weight)
    return max(0.0, round(middle - spread, 4)), min(1.0, round(middle + spread, 4))
