"""The adapter under test: the real llama.cpp adapter, with one sabotage (named by the engine) between it and the pipeline."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from runtimeprobe.contract import Absent, Ask, Candidate, Config, Engine, Lever, Loaded, Model, Options, Reply, Route
from runtimeprobe_llamacpp import LlamaCpp
from tests.sabotage.cases import CASES

ENGINE = "xllamacpp"


class Sabotage:
    """Engine names are the names of `CASES`."""

    runtime = "Sabotage"

    def __init__(self) -> None:
        self.real = LlamaCpp()
        self.memory: dict[str, Any] = {}
        self.case = CASES["healthy"]

    def discover(self, options: Options) -> Sequence[Engine | Absent]:
        return [Engine(name, "1") for name in CASES]

    def routes(self, engine: str) -> Sequence[Route]:
        return [Route("chat.input_audio", needs_clip=CASES[engine].needs_clip)]

    def models(self, engine: str, candidates: Sequence[Candidate]) -> Sequence[Model]:
        return self.real.models(ENGINE, candidates)

    def levers(self, engine: str) -> Sequence[Lever]:
        return self.real.levers(ENGINE)

    def load(self, engine: str, model: Model, config: Config) -> Loaded:
        self.case = CASES[engine]
        return self.real.load(ENGINE, self.case.model(model), config)

    def ask(self, ask: Ask) -> Reply:
        self.memory["asks"] = self.memory.get("asks", 0) + 1
        if ask.clip:
            self.memory["clips"] = self.memory.get("clips", 0) + 1
        return self.case.reply(self._through, ask, self.memory)

    def _through(self, ask: Ask) -> Reply:
        """The real engine, with the clip as the case leaves it."""
        return self.real.ask(dataclasses.replace(ask, clip=self.case.clip(ask.clip, self.memory)) if ask.clip else ask)

    def unload(self) -> None:
        self.real.unload()
