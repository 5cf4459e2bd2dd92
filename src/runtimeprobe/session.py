"""One child with one model loaded: asks become values, whatever happens to the child. Never judges."""

import contextlib
import time
from typing import Self

import msgspec

from runtimeprobe import judge
from runtimeprobe.contract import Ask, Config, Loaded, Reply
from runtimeprobe.plan import Load
from runtimeprobe.registry import DISCOVER_LIMIT_S
from runtimeprobe.results import Struct, Verdict
from runtimeprobe.worker.process import Died, Failed, OverMemory, TimedOut, Worker, WorkerError

# A twin is so small that threads cost more than they bring, and on a busy machine they wait for each other.
CONFIGS = {"twin": Config(threads=1), "real": Config()}


# The contract's errors, most telling first, and the verdicts they stand for.
KINDS = (
    ("Rejected", Verdict.REJECTED),
    ("Unavailable", Verdict.SKIPPED),
    ("EngineDied", Verdict.CRASHED),
    ("AdapterError", Verdict.FAILED),
)


class Settings(Struct, frozen=True, kw_only=True):
    """How to ask: attempts per cell, and the limits of a child."""

    attempts: int = 3
    until_heard: bool = False  # a first attempt that hears is enough: two transcripts right to the word are no accident
    limit_s: float = 120.0
    memory_limit_bytes: int = 0


class Timed(Struct, frozen=True, kw_only=True):
    """A reply and how long it took as seen from here."""

    reply: Reply
    seconds: float


class Session:
    """One child for one engine, with one model loaded at a time; restarts after a death. Never judges."""

    def __init__(self, load: Load, settings: Settings, config: Config | None = None) -> None:
        self.load, self.settings = load, settings
        self.config = config or CONFIGS[load.model.weights]
        self.worker: Worker | None = None
        self.loaded: Loaded | None = None
        self.load_seconds = 0.0
        self.ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.worker and kind is None:  # in a hurry (Ctrl-C) the child and its group are killed instead
            with contextlib.suppress(WorkerError):
                self.worker.call("unload", limit_s=10)
        self.close()

    def use(self, load: Load, config: Config | None = None) -> None:
        """The next model of the same engine, or the next configuration: loaded when it is first needed, in the same child."""
        self.load, self.loaded = load, None
        self.config = config or CONFIGS[load.model.weights]

    def close(self) -> None:
        if self.worker:
            self.worker.close()
            self.worker, self.loaded = None, None

    def end(self) -> None:
        """From another thread: what runs is killed, and nothing is started again."""
        self.ended = True
        if self.worker:
            self.worker.close()

    @property
    def peak_rss_bytes(self) -> int | None:
        return self.worker.peak_rss_bytes if self.worker else None

    def start(self) -> None:
        """Starts the child and loads the model, unless both are there. Raises WorkerError."""
        if self.ended:
            raise Died("the run was stopped")
        if self.loaded:
            return
        engine = self.load.found.engine.name
        try:
            if not self.worker:
                self.worker = Worker(self.load.found.target, memory_limit_bytes=self.settings.memory_limit_bytes)
                self.worker.call("discover", limit_s=DISCOVER_LIMIT_S, options=self.load.found.options)
            self.worker.peak_rss_bytes = None
            began = time.monotonic()
            value = self.worker.call("load", limit_s=self.settings.limit_s, engine=engine, model=self.load.model, config=self.config)
        except Failed:
            raise
        except WorkerError:
            self.close()
            raise
        self.load_seconds = time.monotonic() - began
        self.loaded = msgspec.convert(value, Loaded)

    def ask(self, ask: Ask, *, watch: bool = False) -> Timed | judge.Failure:
        """One request, as a value whatever happens. `watch`: it is ended as soon as its answer certainly loops."""
        try:
            self.start()
            assert self.worker
            began = time.monotonic()
            value = self.worker.call("ask", limit_s=self.settings.limit_s, ask=ask, watch=watch)
            return Timed(reply=msgspec.convert(value, Reply), seconds=time.monotonic() - began)
        except Failed as error:
            return failure(error)
        except (WorkerError, msgspec.ValidationError) as error:
            self.close()
            return failure(error)


def failure(error: Exception) -> judge.Failure:
    """The verdict an error stands for. What is nobody's declared error is our own fault: `error`, never blamed on the runtime."""
    kinds = error.kinds if isinstance(error, Failed) else []
    verdict = Verdict.ERROR
    for name, meaning in KINDS:
        if name in kinds:
            verdict = meaning
            break
    if isinstance(error, Died):
        verdict = Verdict.CRASHED
    elif isinstance(error, TimedOut):
        verdict = Verdict.TIMEOUT
    elif isinstance(error, OverMemory):
        verdict = Verdict.FAILED
    words = f" [{error.words}]" if isinstance(error, Failed) and error.words and error.words not in str(error) else ""
    return judge.Failure(verdict=verdict, reason=f"{error}{words}")
