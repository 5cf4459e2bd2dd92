"""An adapter for an engine that is a few lines of Python, published in `index.py`'s package index, one wheel per release."""

import importlib.metadata
import shutil
import subprocess
import wave
from collections.abc import Sequence

from runtimeprobe.contract import (
    Absent,
    AdapterError,
    Ask,
    Candidate,
    Claim,
    Config,
    Engine,
    Lever,
    Loaded,
    Model,
    Options,
    Rejected,
    Releases,
    Reply,
    Route,
    Step,
)

ENGINE, PACKAGE, PROGRAM = "echo", "echo-engine", "echo-server"


class Echo:
    runtime = "Echo"

    def discover(self, options: Options) -> Sequence[Engine | Absent]:
        try:
            return [Engine(ENGINE, importlib.metadata.version(PACKAGE))]
        except importlib.metadata.PackageNotFoundError:
            return [Absent(ENGINE, "not installed", f"pip install {PACKAGE}")]

    def routes(self, engine: str) -> Sequence[Route]:
        return [Route("whistle")]

    def models(self, engine: str, candidates: Sequence[Candidate]) -> Sequence[Model]:
        return [Model(item.model, item.weights, item.text_gguf, digest="sha256:1") for item in candidates]

    def levers(self, engine: str) -> Sequence[Lever]:
        return []

    def releases(self, engine: str) -> Releases:
        return Releases(
            package=PACKAGE, upstream_build=r"\d+\.(\d+)", compare="https://example.org/compare/b{before}...b{after}", traced=True
        )

    def load(self, engine: str, model: Model, config: Config) -> Loaded:
        return Loaded(Claim.YES)

    def ask(self, ask: Ask) -> Reply:
        import echo_engine  # type: ignore[import-not-found]

        seconds = 0.0
        if ask.clip:
            with wave.open(ask.clip) as file:
                seconds = file.getnframes() / file.getframerate()
        try:
            text = echo_engine.answer(ask.clip)
        except echo_engine.Refused as error:
            raise Rejected("it takes no sound", words=str(error)) from error
        except OSError as error:
            raise AdapterError(str(error)) from error
        return Reply(text, prompt_tokens=10 + round(25 * seconds), completion_tokens=2, finish_reason="stop")

    def trace(self, ask: Ask) -> Sequence[Step]:
        import echo_engine

        return [Step(name, (len(values),), tuple(values)) for name, values in echo_engine.STEPS.items()]

    def unload(self) -> None:
        return


class EchoBeside(Echo):
    """Has its engine installed with a part beside it."""

    def releases(self, engine: str) -> Releases:
        return Releases(package=PACKAGE, beside=("echo-part",))


class EchoLater(Echo):
    """Has a second way in since 1.2."""

    def routes(self, engine: str) -> Sequence[Route]:
        later = importlib.metadata.version(PACKAGE) >= "1.2"
        return [Route("whistle"), *([Route("hum")] if later else [])]


class EchoProgram(Echo):
    """The same engine as a program, which the adapter finds on PATH and runs."""

    def discover(self, options: Options) -> Sequence[Engine | Absent]:
        program = shutil.which(PROGRAM)
        if not program or not options.own_server:
            return [Absent(ENGINE, "not on PATH", "install it")]
        return [Engine(ENGINE, subprocess.run([program], capture_output=True, text=True, check=True).stdout.strip())]

    def releases(self, engine: str) -> Releases:
        return Releases(package=PACKAGE, program=PROGRAM)

    def ask(self, ask: Ask) -> Reply:
        return Reply("a dog", prompt_tokens=10)
