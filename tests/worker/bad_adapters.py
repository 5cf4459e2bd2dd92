"""Adapters that break in every way a native engine can: each takes the contract's calls and misbehaves in `ask` (or `load`)."""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Sequence

from runtimeprobe.contract import (
    Absent,
    Ask,
    Candidate,
    Claim,
    Config,
    Engine,
    Lever,
    Loaded,
    LoadFailed,
    Model,
    Options,
    Rejected,
    Reply,
    Route,
)


class Good:
    runtime = "Test"

    def discover(self, options: Options) -> Sequence[Engine | Absent]:
        return [Engine("good", "1.0", endpoint="".join(options.endpoints)), Absent("other", "not here", "install it")]

    def routes(self, engine: str) -> Sequence[Route]:
        return [Route("one"), Route("two")]

    def models(self, engine: str, candidates: Sequence[Candidate]) -> Sequence[Model]:
        return [Model(item.model, item.weights, item.text_gguf, size_bytes=1000) for item in candidates]

    def levers(self, engine: str) -> Sequence[Lever]:
        return [Lever("context", "4096")]

    def load(self, engine: str, model: Model, config: Config) -> Loaded:
        return Loaded(Claim.YES, "b1", "CPU")

    def ask(self, ask: Ask) -> Reply:
        return Reply(f"pid {os.getpid()}", prompt_tokens=7)

    def unload(self) -> None:
        return


class Segfault(Good):
    def ask(self, ask: Ask) -> Reply:
        print("about to fall", file=sys.stderr)
        ctypes.string_at(0)
        return Reply("unreachable")


class Killed(Good):
    def ask(self, ask: Ask) -> Reply:
        os.kill(os.getpid(), signal.SIGKILL)
        return Reply("unreachable")


class ExitsWithZero(Good):
    def ask(self, ask: Ask) -> Reply:
        os._exit(0)


class CallsExit(Good):
    def ask(self, ask: Ask) -> Reply:
        sys.exit(3)


class Hangs(Good):
    def ask(self, ask: Ask) -> Reply:
        time.sleep(600)
        return Reply("late")


class HangsWithChild(Good):
    """Leaves a grandchild in the group, as an engine that starts a server does."""

    def ask(self, ask: Ask) -> Reply:
        import subprocess

        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        print(f"grandchild {child.pid}", file=sys.stderr, flush=True)
        time.sleep(600)
        return Reply("late")


class PrintsToStdout(Good):
    """Native code writes to file descriptor 1: noise that must not reach the wire."""

    def ask(self, ask: Ask) -> Reply:
        os.write(1, b'{"id": 99, "value": "forged"}\n' * 1000)
        print("python noise")
        return Reply("clean")


class WritesGarbageOnTheWire(Good):
    """Finds the private descriptor and writes into it."""

    def ask(self, ask: Ask) -> Reply:
        for descriptor in range(3, 20):
            try:
                os.write(descriptor, b"\x00\xffnot a reply\n")
            except OSError:
                continue
        return Reply("after garbage")


class EatsMemory(Good):
    def ask(self, ask: Ask) -> Reply:
        hoard = []
        while True:
            hoard.append(bytearray(16 * 2**20))
            time.sleep(0.01)


class Refuses(Good):
    def ask(self, ask: Ask) -> Reply:
        raise Rejected("audio is refused", words="400: audio input is not supported", fix="use another route")


class Raises(Good):
    def ask(self, ask: Ask) -> Reply:
        raise ZeroDivisionError("an adapter's own bug")


class CannotLoad(Good):
    def load(self, engine: str, model: Model, config: Config) -> Loaded:
        raise LoadFailed("broken file", words="magic mismatch")


class DiesInLoad(Good):
    def load(self, engine: str, model: Model, config: Config) -> Loaded:
        os.kill(os.getpid(), signal.SIGABRT)
        return Loaded()


class AnswersForever(Good):
    def ask(self, ask: Ask) -> Reply:
        return Reply("x" * 50_000_000, raw={"body": "y" * 5_000_000})


class NotConstructible:
    def __init__(self) -> None:
        raise RuntimeError("no licence file")
