"""Where a release that answers wrong parts from one that hears: the first step between clip and answer whose numbers differ. Pure."""

import math
from collections.abc import Sequence

from runtimeprobe.contract import Step
from runtimeprobe.results import Struct

# Of the spread of a step's numbers. Chosen, not fitted: in the one case so far right steps differ by 0.0000, the wrong one by 0.32.
ALIKE = 0.05
FARTHEST = 1e6


class Parting(Struct, frozen=True, kw_only=True):
    """`step`: the first that differs, "" where none does or nothing could be seen. `alike`: the steps before it, with their difference."""

    model: str
    route: str
    version: str
    against: str
    step: str = ""
    difference: float | None = None  # None: of another shape
    alike: tuple[tuple[str, float], ...] = ()

    @property
    def told(self) -> str:
        """One sentence."""
        before = ", ".join(f"{name} {difference:.4f}" for name, difference in self.alike)
        if not self.step:
            return f"{self.version}: its numbers are those of {self.against} ({before})" if before else ""
        if self.difference is None:
            how = "in shape"
        else:
            how = f"by {self.difference:.2f} of their spread" if self.difference < FARTHEST else "utterly"
        return f"{self.version} parts from {self.against} at the {self.step}, {how}" + (f" (before it: {before})" if before else "")


def difference(one: Step, other: Step) -> float | None:
    """Root mean square of the differences over the spread of `other`'s numbers; None where the shapes differ."""
    if one.shape != other.shape or len(one.values) != len(other.values) or not other.values:
        return None
    middle = sum(other.values) / len(other.values)
    spread = math.sqrt(sum((value - middle) ** 2 for value in other.values) / len(other.values))
    apart = math.sqrt(sum((left - right) ** 2 for left, right in zip(one.values, other.values, strict=True)) / len(other.values))
    if math.isnan(apart) or math.isnan(spread):
        return FARTHEST
    return apart / spread if spread else (0.0 if apart == 0 else FARTHEST)


def parting(model: str, route: str, version: str, wrong: Sequence[Step], against: str, right: Sequence[Step]) -> Parting:
    alike: list[tuple[str, float]] = []
    named = {step.name: step for step in wrong}
    for step in right:
        if step.name not in named:
            continue
        apart = difference(named[step.name], step)
        if apart is None or apart > ALIKE:
            rounded = None if apart is None else round(min(apart, FARTHEST), 4)
            return Parting(
                model=model, route=route, version=version, against=against, step=step.name, difference=rounded, alike=tuple(alike)
            )
        alike.append((step.name, round(apart, 4)))
    return Parting(model=model, route=route, version=version, against=against, alike=tuple(alike))
