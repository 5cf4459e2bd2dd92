"""Runs a model under a change and counts what happens: the only part of a diagnosis that asks anything of an engine.

In go a change and a try (a prompt, a seed, whose sampling); out comes an outcome. The model is loaded anew only where the change needs it.
"""

import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import msgspec

from runtimeprobe.contract import Ask, Config, Sampling
from runtimeprobe.diagnose import mending
from runtimeprobe.diagnose.changes import RECOMMENDED, Change, Patch
from runtimeprobe.diagnose.loops import Loop, loop_in
from runtimeprobe.diagnose.prompts import Prompt
from runtimeprobe.diagnose.results import Cost
from runtimeprobe.plan import Load
from runtimeprobe.results import Struct
from runtimeprobe.session import CONFIGS, Session, Settings, Timed
from runtimeprobe.worker.process import WorkerError

CHARACTERS_PER_TOKEN = 4  # where an engine does not count
AS_IT_IS = Change(lever="", before="", after="", aims=())


class Spent(Exception):
    """The budget is used up; what is known by now is the result."""


class Budget(Struct, frozen=True, kw_only=True):
    """0: no limit."""

    seconds: float = 0.0
    tokens: int = 0


class Try(Struct, frozen=True, kw_only=True):
    """One thing to ask. recommended: with the published sampling values; else with what the runtime or the user's levers make of it."""

    prompt: Prompt
    seed: int
    recommended: bool


class Outcome(Struct, frozen=True, kw_only=True):
    """What came of a try. `wrong` is None where the right answer is not known; `failure` says why there is no answer; without
    `loads` the model was not even there to be asked.
    """

    attempt: Try
    text: str = ""
    thinking: str = ""
    loop: Loop | None = None
    wrong: bool | None = None
    failure: str = ""
    loads: bool = True

    @property
    def bad(self) -> bool:
        return self.loop is not None or bool(self.wrong) or bool(self.failure)


class Laboratory:
    """One session on the target. A context manager: engine and copies of the file are gone afterwards."""

    def __init__(self, load: Load, given: Mapping[str, str], settings: Settings, budget: Budget, folder: Path) -> None:
        self.load, self.given, self.budget, self.folder = load, dict(given), budget, folder
        self.session = Session(load, settings, self._config(AS_IT_IS))
        self.began = time.monotonic()
        self.tokens = self.runs = 0
        self._now: tuple[tuple[tuple[str, str], ...], tuple[Patch, ...], bool] = ((), (), False)
        self._copies: dict[tuple[Patch, ...], Path] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *details: object) -> None:
        self.session.__exit__(kind, *details)

    @property
    def cost(self) -> Cost:
        return Cost(seconds=round(time.monotonic() - self.began, 1), tokens=self.tokens, runs=self.runs)

    def run(self, change: Change, attempt: Try) -> Outcome:
        """Raises Spent before a run that the budget no longer allows."""
        if self.budget.seconds and time.monotonic() - self.began > self.budget.seconds:
            raise Spent
        if self.budget.tokens and self.tokens >= self.budget.tokens:
            raise Spent
        self._use(change)
        try:
            self.session.start()
        except WorkerError as error:
            self.runs += 1
            return Outcome(attempt=attempt, failure=str(error), loads=False)
        prompt = attempt.prompt
        ask = Ask(
            self.load.routes[0].name,
            prompt.text,
            max_tokens=prompt.max_tokens,
            sampling=self._sampling(change, attempt),
            thinking=self._thinking(change, prompt),
            seed=attempt.seed,
        )
        outcome = self.session.ask(ask, watch=True)
        self.runs += 1
        if not isinstance(outcome, Timed):
            return Outcome(attempt=attempt, failure=outcome.reason)
        reply = outcome.reply
        self.tokens += reply.completion_tokens or len(reply.text + reply.thinking) // CHARACTERS_PER_TOKEN
        return Outcome(
            attempt=attempt,
            text=reply.text,
            thinking=reply.thinking,
            loop=loop_in(reply.text) or loop_in(reply.thinking, thinking=True),
            wrong=prompt.wrong(reply.text),
        )

    def _use(self, change: Change) -> None:
        """Loads what the change needs, unless it is loaded."""
        wanted = (tuple(sorted(change.levers.items())), change.patches, change.without_projector)
        if wanted == self._now:
            return
        load = self.load
        if change.patches:
            if change.patches not in self._copies:
                path = self.folder / f"mended-{len(self._copies) + 1}.gguf"
                mending.write_copy(Path(load.model.name), change.patches, path)
                self._copies[change.patches] = path
            model = dataclasses.replace(load.model, name=str(self._copies[change.patches]), digest="")
            load = msgspec.structs.replace(load, model=model)
        if change.without_projector:
            load = msgspec.structs.replace(load, model=dataclasses.replace(load.model, projector="", projector_digest=""))
        self.session.use(load, self._config(change))
        self._now = wanted

    def _config(self, change: Change) -> Config:
        return dataclasses.replace(CONFIGS[self.load.model.weights], levers={**self.given, **change.levers})

    def _sampling(self, change: Change, attempt: Try) -> Sampling | None:
        values = change.sampling or (RECOMMENDED if attempt.recommended else None)
        return dataclasses.replace(values, seed=attempt.seed) if values else None

    def _thinking(self, change: Change, prompt: Prompt) -> bool | None:
        """Always said, because runtimes differ in what they do when nothing is; unless the user said it as a lever."""
        if change.thinking is not None:
            return change.thinking
        return None if "thinking" in self.given else prompt.thinking
