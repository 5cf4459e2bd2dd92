"""The fault bench: diagnoses twin-31b with each fault of tests/diagnose/faults planted in it, and counts how often the diagnosis is right.

Every row is a whole diagnosis on real llama.cpp. A cure that is claimed is applied once more, with seeds the diagnosis never used. What
it cost is compared with pulling every lever on every prompt.
"""

import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from statistics import median

from tests.diagnose.faults.catalogue import CATALOGUE, Fault
from tests.diagnose.faults.plant import plant, twin

from runtimeprobe.contract import Options, Sampling
from runtimeprobe.diagnose import ablate, preparing
from runtimeprobe.diagnose.diagnosing import Investigation
from runtimeprobe.diagnose.experiment import Budget, Laboratory
from runtimeprobe.results import Struct
from runtimeprobe.session import Settings

SETTINGS = Settings(limit_s=60.0)
# Loops like those of these two are in the twin's training (twins/recipe/train_text.py), so they show little about other models.
TAUGHT = {"C5", "T6"}
FRESH_SEEDS = (1001, 1002)
LIMIT_RANKED, LIMIT_COST = 0.90, 0.25


class Score(Struct, frozen=True, kw_only=True):
    """One fault diagnosed. `place`: of the planted cause, 1 the first; 0 not named. `again`: bad runs of the cure, run once more."""

    fault: Fault
    causes: tuple[str, ...]
    loops: int
    wrong: int
    runs: int
    failure: str
    bad: bool
    cure: str
    again: tuple[int, int] | None
    cost: int
    exhaustive: int
    seconds: float

    @property
    def place(self) -> int:
        places = [self.causes.index(cause) + 1 for cause in self.fault.causes if cause in self.causes]
        return max(places) if places and len(places) == len(self.fault.causes) else 0

    @property
    def right(self) -> bool:
        if not self.fault.causes:
            return not self.causes
        return 0 < self.place <= len(self.fault.causes)


class Quiet:
    def passing(self, line: str) -> None: ...

    def say(self, line: str) -> None: ...


def given(fault: Fault) -> dict[str, str]:
    """The configuration the fault is seen with, as `--lever` would give it."""
    found = dict(fault.levers)
    if fault.sampling:
        names = [name for name in Sampling.__dataclass_fields__ if name != "seed"]
        found |= {name: f"{getattr(fault.sampling, name):g}" for name in names}
    if fault.thinking is not None:
        found["thinking"] = "on" if fault.thinking else "off"
    return found


def diagnosed(fault: Fault, folder: Path) -> Score:
    planted = plant(fault.id, twin(), folder)
    projector = Path(planted.candidate.projector_gguf) if planted.candidate.projector_gguf else None
    question = preparing.question(str(planted.file), "xllamacpp", given(fault), projector, (), Budget(), Options(), sys.executable)
    with Laboratory(question.target.load, question.given, SETTINGS, Budget(), folder) as laboratory:
        known = Investigation(question, laboratory, Quiet())
        known.run()
        found = known.result(complete=True)
        again = applied(known) if known.cured else None
    planted.file.unlink()
    everything = 2 * len(question.prompts) * len(ablate.SEEDS)
    return Score(
        fault=fault,
        causes=found.causes,
        loops=known.asis.loops if known.asis else 0,
        wrong=known.asis.wrong if known.asis else 0,
        runs=known.asis.runs if known.asis else 0,
        failure=found.failure,
        bad=known.sick,
        cure=known.cured.change.lever if known.cured else "",
        again=again,
        cost=found.cost.runs,
        exhaustive=everything * (1 + known.considered),
        seconds=found.cost.seconds,
    )


def applied(known: Investigation) -> tuple[int, int]:
    """(bad, runs) under the cure, with seeds of its own."""
    assert known.cured
    attempts = ablate.tries(known.question.prompts, FRESH_SEEDS, known.samplings)
    outcomes = [known.laboratory.run(known.cured.change, attempt) for attempt in attempts]
    return sum(outcome.loop is not None for outcome in outcomes), len(outcomes)


def scores(wanted: Iterable[str]) -> list[Score]:
    found = []
    with tempfile.TemporaryDirectory() as name:
        for fault_id in wanted:
            found.append(diagnosed(CATALOGUE[fault_id], Path(name)))
            print(line(found[-1]), file=sys.stderr, flush=True)
    return found


def line(score: Score) -> str:
    fault = score.fault
    what = score.failure[:40] or f"{score.loops} loop, {score.wrong} wrong of {score.runs}"
    again = "" if score.again is None else f"{score.again[1] - score.again[0]} of {score.again[1]}"
    planted, named = ", ".join(fault.causes) or "none", ", ".join(score.causes[:3]) or "none"
    share = f"{score.cost / score.exhaustive:.0%}" if score.bad else ""
    right = "yes" if score.right else "**no**"
    return (
        f"| {fault.id} | {planted} | {what} | {named} | {right} | {score.cure} | {again} | {score.cost} | {share} | {score.seconds:.0f} |"
    )


def summary(found: list[Score]) -> list[str]:
    single = [score for score in found if len(score.fault.causes) == 1]
    pairs = [score for score in found if len(score.fault.causes) > 1]
    healthy = [score for score in found if not score.fault.causes]
    cured = [score for score in found if score.again is not None]
    shares = [score.cost / score.exhaustive for score in found if score.bad]
    looping = {cause for score in single if score.loops for cause in score.fault.causes}

    taught = f"{len(TAUGHT & looping)} of them ({', '.join(sorted(TAUGHT & looping))})"

    def share(part: list[Score]) -> str:
        return f"{sum(score.right for score in part)} of {len(part)}"

    return [
        "| what | measured | limit |",
        "|---|---:|---:|",
        f"| single faults whose cause is named first | {share(single)} | {LIMIT_RANKED:.0%} |",
        f"| pairs whose causes are the first two | {share(pairs)} | |",
        f"| healthy variants with no cause named | {share(healthy)} | all |",
        f"| cures that still loop when applied again | {sum(score.again[0] > 0 for score in cured if score.again)} of {len(cured)} | 0 |",
        f"| causes that make the twin loop, {taught} taught so | {len(looping)} | 8 |",
        f"| cost of a diagnosis over pulling every lever, median | {median(shares) if shares else 0:.0%} | {LIMIT_COST:.0%} |",
        f"| seconds of a diagnosis, median and most | {median(s.seconds for s in found):.0f}, {max(s.seconds for s in found):.0f} | 60 |",
    ]


def run() -> str:
    found = scores(CATALOGUE)
    title = "| fault | cause | as it is | causes named | right | cure | clean when applied again | runs | of all | s |"
    return "\n".join([*summary(found), "", title, "|---|---|---|---|---|---|---|---:|---:|---:|", *map(line, found)])
