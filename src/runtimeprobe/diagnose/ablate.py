"""Does it loop, and what stops it: the order of the experiments. Every number comes from the laboratory; nothing here knows an engine.

First the model as it is, over prompts, seeds and both samplings. If that goes wrong, the runs that went wrong are run again under one
change at a time, most promising first, each only as often as it takes to show that the change matters or does not; then pairs. The first
change after which nothing goes wrong is run over everything again, and only that confirms it.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, cycle, islice
from typing import Protocol

from runtimeprobe.diagnose import rates
from runtimeprobe.diagnose.changes import Change, both
from runtimeprobe.diagnose.experiment import AS_IT_IS, Outcome, Try
from runtimeprobe.diagnose.prompts import Prompt
from runtimeprobe.diagnose.results import Baseline, Effect, Example, Pull
from runtimeprobe.results import Struct

SEEDS = (7, 8)
MORE_SEEDS = range(9, 200)
ENOUGH_BAD = 6  # so many bad runs in the first round, and the second would teach nothing
POOL = 8  # bad runs that a change is tried on
MOST_RUNS = 16  # under one change, if it neither shows to matter nor not to
CONFIRMING_RUNS = 40  # of which none may loop: the rate is then under 7.2% at 95%
MOST_WRONG = 0.07  # of all answers, loops apart: what drawing tokens at random may bring
PAIRED = 3  # changes that are also tried two by two
SHOWN_PERIODS = 4
SHOWN_CHARACTERS = 400

Run = Callable[[Change, Try], Outcome]


class Report(Protocol):
    """Tells a user who waits: `passing` what is going on, `say` what was found."""

    def passing(self, line: str) -> None: ...

    def say(self, line: str) -> None: ...


class Tally(Struct, frozen=True, kw_only=True):
    """Runs under one change."""

    change: Change
    outcomes: tuple[Outcome, ...] = ()

    @property
    def runs(self) -> int:
        return len(self.outcomes)

    @property
    def loops(self) -> int:
        return sum(outcome.loop is not None for outcome in self.outcomes)

    @property
    def bad(self) -> int:
        return sum(outcome.bad for outcome in self.outcomes)

    @property
    def wrong_only(self) -> int:
        return sum(bool(outcome.wrong) and outcome.loop is None and not outcome.failure for outcome in self.outcomes)

    @property
    def wrong(self) -> int:
        return sum(bool(outcome.wrong) for outcome in self.outcomes)

    def with_(self, outcome: Outcome) -> "Tally":
        return Tally(change=self.change, outcomes=(*self.outcomes, outcome))


def tries(prompts: Sequence[Prompt], seeds: Sequence[int], samplings: Sequence[bool]) -> list[Try]:
    return [Try(prompt=prompt, seed=seed, recommended=sampling) for seed in seeds for sampling in samplings for prompt in prompts]


def as_it_is(run: Run, prompts: Sequence[Prompt], samplings: Sequence[bool], report: Report) -> Iterator[Tally]:
    """The tally after each run; ended early where the first round has shown enough."""
    tally = Tally(change=AS_IT_IS)
    for seed in SEEDS:
        for attempt in tries(prompts, [seed], samplings):
            tally = tally.with_(run(AS_IT_IS, attempt))
            report.passing(f"as it is: {tally.runs} runs, {tally.loops} loop, {tally.wrong} wrong")
            yield tally
        if tally.bad >= ENOUGH_BAD:
            return


def pool(tally: Tally) -> list[Try]:
    """Bad runs to try changes on, of as many prompts as there are."""
    bad = [outcome for outcome in tally.outcomes if outcome.bad]
    seen: dict[tuple[str, bool], int] = {}
    ranked: list[tuple[int, bool, int, Try]] = []
    for outcome in bad:
        cell = (outcome.attempt.prompt.id, outcome.attempt.recommended)
        seen[cell] = seen.get(cell, 0) + 1
        ranked.append((seen[cell], outcome.loop is None, len(ranked), outcome.attempt))
    return [attempt for *_, attempt in sorted(ranked, key=lambda item: item[:3])][:POOL]


def rate_in(tally: Tally, attempts: Sequence[Try]) -> float:
    """How often the prompts of `attempts` went wrong, under the same sampling."""
    cells = {(attempt.prompt.id, attempt.recommended) for attempt in attempts}
    there = [outcome for outcome in tally.outcomes if (outcome.attempt.prompt.id, outcome.attempt.recommended) in cells]
    return sum(outcome.bad for outcome in there) / len(there) if there else 0.0


def tried(run: Run, change: Change, attempts: Sequence[Try], before: float) -> tuple[Tally, bool | None]:
    """Runs until it is shown whether the change matters. None: it stayed open, or the change could not be made."""
    tally = Tally(change=change)
    again = (attempt for seed in MORE_SEEDS for attempt in (Try(prompt=a.prompt, seed=seed, recommended=a.recommended) for a in attempts))
    for attempt in islice((attempt for source in (attempts, again) for attempt in source), MOST_RUNS):
        tally = tally.with_(run(change, attempt))
        if not tally.outcomes[-1].loads:
            return tally, None
        if (known := rates.shown(tally.bad, tally.runs, before)) is not None:
            return tally, known
    return tally, None


def confirmed(run: Run, change: Change, prompts: Sequence[Prompt], samplings: Sequence[bool], runs: int) -> Iterator[Tally]:
    """Everything again under a change, with other seeds, until it loops once, or is wrong too often."""
    tally = Tally(change=change)
    for attempt in islice(cycle(tries(prompts, list(MORE_SEEDS)[:6], samplings)), runs):
        tally = tally.with_(run(change, attempt))
        yield tally
        if spoilt(tally):
            return


def spoilt(tally: Tally) -> bool:
    """A cure may not loop or fail at all. A wrong answer now and then is what drawing tokens at random brings."""
    return sick(tally, CONFIRMING_RUNS)


def sick(tally: Tally, runs: int) -> bool:
    """Whether a model that was, or is to be, asked so often has a symptom: one loop or failure, or too many wrong answers."""
    return tally.bad > tally.wrong_only or tally.wrong_only > MOST_WRONG * max(tally.runs, runs)


def pairs(tallies: Sequence[Tally]) -> list[Change]:
    """Two changes at once: of those that helped most, else of those that were most promising."""
    ranked = sorted((tally for tally in tallies if tally.runs), key=lambda tally: tally.bad / tally.runs)
    return [
        both(first.change, second.change) for first, second in combinations(ranked[:PAIRED], 2) if first.change.lever != second.change.lever
    ]


def pull(tally: Tally, known: bool | None, before: float, *, cures: bool) -> Pull:
    low, high = rates.interval(tally.bad, tally.runs)
    rate = tally.bad / tally.runs if tally.runs else 1.0
    effect = Effect.CURES if cures else Effect.HELPS if known else Effect.WORSENS if rate > before and low > before else Effect.NONE
    failure = next((outcome.failure for outcome in tally.outcomes if outcome.failure), "")
    return Pull(
        lever=tally.change.lever,
        before=tally.change.before,
        after=tally.change.after,
        runs=tally.runs,
        loops=tally.loops,
        wrong=tally.wrong,
        effect=effect,
        low=low,
        high=high,
        note=failure or ("not decided" if known is None else ""),
    )


def baseline(tally: Tally) -> Baseline:
    low, high = rates.interval(tally.loops, tally.runs)
    kinds = [outcome.loop.kind for outcome in tally.outcomes if outcome.loop]
    return Baseline(
        runs=tally.runs,
        loops=tally.loops,
        rate=round(tally.loops / tally.runs, 4) if tally.runs else 0.0,
        low=low,
        high=high,
        kind=max(kinds, key=kinds.count) if kinds else "",
        wrong=tally.wrong,
        checked=sum(outcome.wrong is not None for outcome in tally.outcomes),
        failures=sum(bool(outcome.failure) for outcome in tally.outcomes),
        examples=tuple(example(outcome) for outcome in tally.outcomes if outcome.loop)[:3],
    )


def example(outcome: Outcome) -> Example:
    loop = outcome.loop
    assert loop
    text = outcome.text or outcome.thinking
    end = min(loop.start + max(SHOWN_PERIODS * loop.period, 40), loop.start + SHOWN_CHARACTERS)
    return Example(
        prompt=outcome.attempt.prompt.text,
        seed=outcome.attempt.seed,
        text=text[max(0, loop.start - SHOWN_CHARACTERS) : end],
        start=min(loop.start, SHOWN_CHARACTERS),
        period=loop.period,
    )
