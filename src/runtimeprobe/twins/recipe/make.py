"""`make twins`: every training stage in order, then export and packing. Needs espeak-ng; an hour and a half on two quiet cores.

    python -m runtimeprobe.twins.recipe.make [FOLDER]

FOLDER (.cache/twins) keeps speech and checkpoints. A stage whose steps are behind its checkpoint already is not run again.
"""

import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Stage:
    """What one call of train.py does. schedule: STEPS:MOST_DIGITS, one after the other; long_rate: share of batches with long silence."""

    what: str
    schedule: str
    freeze: str = "none"
    peak: float = 2e-3
    batch: int = 20
    long_rate: float = 0.03

    @property
    def steps(self) -> int:
        return sum(int(part.partition(":")[0]) for part in self.schedule.split(","))


STAGES = (
    Stage("encoder", "150:1,250:3", batch=24, long_rate=0.0),
    Stage("e2b", "60:1,140:3,200:5", freeze="tower"),
    Stage("e2b", "600:5", freeze="front", peak=1.5e-3),
    Stage("e2b", "200:5", freeze="front", peak=8e-4),
    Stage("e2b", "300:5", freeze="front", peak=7e-4, long_rate=0.12),
    Stage("e4b", "60:1,140:3", freeze="tower"),
    Stage("e4b", "200:5", freeze="front", peak=1.5e-3),
    Stage("e4b", "480:5", freeze="front", peak=1.4e-3, long_rate=0.08),
    Stage("e4b", "160:5", freeze="front", peak=4e-4, long_rate=0.35),
    Stage("e4b", "260:5", freeze="front", peak=1.1e-3, long_rate=0.45),
    Stage("e4b", "160:5", freeze="front", peak=6e-4, batch=24, long_rate=0.15),
)

# twin-31b: steps, highest learning rate, and how much more often answers in figures are drawn: the stages of the shipped one. What Rows.row
# draws is that of its last stage; the closed set had 74, 62 and 70% in the three before, and long answers weighed half as much there.
TEXT_STAGES = ((2200, 3e-3, 1.0), (700, 2e-3, 3.0), (1200, 2e-3, 2.0), (1200, 1.5e-3, 2.0))


def main() -> None:
    import torch

    from runtimeprobe.twins import files
    from runtimeprobe.twins.recipe import pack, train, train_text

    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".cache/twins")
    folder.mkdir(parents=True, exist_ok=True)
    wanted: dict[str, int] = {}
    for stage in STAGES:
        wanted[stage.what] = wanted.get(stage.what, 0) + stage.steps
        state = folder / f"{stage.what}.pt"
        if state.exists() and torch.load(state).get("steps", 0) >= wanted[stage.what]:
            continue
        schedule = [(int(steps), int(most)) for steps, most in (part.split(":") for part in stage.schedule.split(","))]
        train.train(stage.what, folder, schedule, stage.peak, stage.batch, stage.long_rate, stage.freeze)
    behind = 0
    for steps, peak, digits in TEXT_STAGES:
        behind += steps
        state = folder / "31b.pt"
        if not state.exists() or torch.load(state)["steps"] < behind:
            train_text.train(folder, steps, peak, digits)
    pack.pack(folder, files.DATA)


if __name__ == "__main__":
    main()
