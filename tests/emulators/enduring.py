"""Many asks of a server that crashes at random: what came of each, how long it took, and what is left behind. For a bench and for tests."""

import contextlib
import os
import secrets
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psutil

from runtimeprobe import registry
from runtimeprobe.audio import clips
from runtimeprobe.contract import Ask, Options, Sampling
from runtimeprobe.judge import Failure
from runtimeprobe.plan import Load
from runtimeprobe.session import Session, Settings
from runtimeprobe.twins import files

SETTLE_S = 15.0
MARK = "RUNTIMEPROBE_TEST_MARK"


@dataclass(frozen=True)
class Endured:
    """`outcomes`: "answered right", or the verdict and its reason. Seconds of the slowest ask, and of all."""

    outcomes: Counter[str]
    slowest_s: float
    seconds: float


def endure(engine: str, address: str, asks: int, limit_s: float) -> Endured:
    """`asks` asks, one after the other, through every route in turn, as `matrix` makes them."""
    found = registry.discover(Options(endpoints=(address,)), files.candidates(), sys.executable)
    item = next(item for item in found.engines if item.engine.name == engine)
    model = next(model for model in item.models if model.weights == "twin")
    pair = clips.pair("twin", 0)
    outcomes: Counter[str] = Counter()
    times = []
    began = time.monotonic()
    with Session(Load(found=item, model=model, routes=item.routes), Settings(limit_s=limit_s)) as session:
        for number in range(asks):
            clip = (pair.a, pair.b)[number % 2]
            route = item.routes[number // 2 % len(item.routes)]
            start = time.monotonic()
            outcome = session.ask(Ask(route.name, "Transcribe.", clip=str(clip.path), sampling=Sampling(), thinking=False))
            times.append(time.monotonic() - start)
            if isinstance(outcome, Failure):
                outcomes[f"{outcome.verdict} ({outcome.reason.replace(address, 'ADDRESS').partition(' [')[0][:80]})"] += 1
            else:
                outcomes["answered right" if outcome.reply.text == clip.transcript else "answered wrong"] += 1
    return Endured(outcomes, max(times), time.monotonic() - began)


@contextlib.contextmanager
def marked() -> Iterator[str]:
    """What is started inside can be told from everything else on this machine: it inherits a mark."""
    mark = secrets.token_hex(8)
    os.environ[MARK] = mark
    try:
        yield mark
    finally:
        del os.environ[MARK]


def alive(mark: str) -> list[str]:
    """The processes with that mark, but for this one."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and process.environ().get(MARK) == mark:
                found.append(" ".join(process.cmdline()))
    return found


def leaked(mark: str) -> list[str]:
    """Those that are still there once they had time to end."""
    end = time.monotonic() + SETTLE_S
    while (left := alive(mark)) and time.monotonic() < end:
        time.sleep(0.1)
    return left


def sockets(address: str, pid: int) -> int:
    """Connections that process `pid` still has to a server."""
    port = int(address.rpartition(":")[2])
    connections: list[Any] = psutil.Process(pid).net_connections("tcp")
    return sum(1 for connection in connections if connection.raddr and connection.raddr.port == port)
