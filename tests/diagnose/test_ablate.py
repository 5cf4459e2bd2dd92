"""The order of the experiments, on models whose fault is known because it is simulated; real ones are in test_faults.py."""

from collections.abc import Callable

import pytest

from runtimeprobe.diagnose import ablate
from runtimeprobe.diagnose.changes import RECOMMENDED, Change
from runtimeprobe.diagnose.experiment import AS_IT_IS, Outcome, Try
from runtimeprobe.diagnose.loops import find_loop
from runtimeprobe.diagnose.prompts import BASELINE
from runtimeprobe.diagnose.results import Effect

LOOPING = "and so on " * 400
BOS = Change(lever="bos", before="off", after="on", aims=("T3",), levers={"bos": "on"})
DEVICE = Change(lever="device", before="auto", after="cpu", aims=("K1",), levers={"device": "cpu"})
SAMPLING = Change(lever="sampling", before="x", after="recommended", aims=("S1",), sampling=RECOMMENDED)


def model(loops: Callable[[Change, Try], bool]) -> tuple[ablate.Run, list[Change]]:
    from runtimeprobe.diagnose.loops import Detector

    asked: list[Change] = []

    def run(change: Change, attempt: Try) -> Outcome:
        asked.append(change)
        text = LOOPING if loops(change, attempt) else "right"
        return Outcome(attempt=attempt, text=text, loop=Detector().feed(text), wrong=text != "right")

    return run, asked


class Silent:
    """Nobody reads progress here."""

    def passing(self, line: str) -> None: ...

    def say(self, line: str) -> None: ...


def last(run: ablate.Run) -> ablate.Tally:
    *_, tally = ablate.as_it_is(run, BASELINE, [True, False], Silent())
    return tally


def test_the_looping_answer_loops() -> None:
    assert find_loop(LOOPING)


def test_a_model_that_always_loops_is_known_after_one_round() -> None:
    run, asked = model(lambda *_: True)
    assert last(run).loops == len(asked) == 2 * len(BASELINE)


def test_a_model_that_never_loops_is_asked_everything_with_every_seed() -> None:
    run, asked = model(lambda *_: False)
    tally = last(run)
    assert (tally.bad, len(asked)) == (0, 2 * len(BASELINE) * len(ablate.SEEDS))
    assert ablate.baseline(tally).high < 0.12


def test_the_pool_holds_as_many_prompts_as_there_are() -> None:
    run, _ = model(lambda _, attempt: attempt.prompt.id in {"svg", "json"})
    tried = ablate.pool(last(run))
    assert {attempt.prompt.id for attempt in tried[:4]} == {"svg", "json"}
    assert len({(attempt.prompt.id, attempt.recommended) for attempt in tried[:4]}) == 4


@pytest.mark.parametrize(("change", "effect"), [(BOS, Effect.CURES), (DEVICE, Effect.NONE)])
def test_a_change_is_judged_after_a_few_runs(change: Change, effect: Effect) -> None:
    run, asked = model(lambda change, _: change is not BOS)
    tally = last(run)
    attempts = ablate.pool(tally)
    asked.clear()
    made, matters = ablate.tried(run, change, attempts, ablate.rate_in(tally, attempts))
    assert matters is (effect is Effect.CURES)
    assert ablate.pull(made, matters, 1.0, cures=bool(matters)).effect is effect
    assert len(asked) <= 3


def test_a_change_that_does_not_load_is_given_up_at_once() -> None:
    def run(change: Change, attempt: Try) -> Outcome:
        return Outcome(attempt=attempt, failure="no such type of cache" if change is BOS else "", loads=change is not BOS)

    made, matters = ablate.tried(run, BOS, [Try(prompt=BASELINE[0], seed=1, recommended=True)], 1.0)
    assert (made.runs, matters) == (1, None)
    assert ablate.pull(made, matters, 1.0, cures=False).note == "no such type of cache"


def test_a_cure_that_fails_once_is_not_confirmed() -> None:
    run, _ = model(lambda _, attempt: attempt.prompt.id == "svg")
    *_, tally = ablate.confirmed(run, BOS, BASELINE, [True, False], 40)
    assert tally.bad == 1
    assert tally.runs < 40


def test_pairs_are_made_of_what_helped_most() -> None:
    run, _ = model(lambda change, _: change in (AS_IT_IS, BOS))
    attempts = ablate.pool(last(run))
    tallies = [ablate.tried(run, change, attempts, 1.0)[0] for change in (DEVICE, BOS, SAMPLING)]
    assert ablate.pairs(tallies)[0].lever in {"device + sampling", "sampling + device"}
