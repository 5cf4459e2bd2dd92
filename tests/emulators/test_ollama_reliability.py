"""Nothing that a server does makes us wait longer than we said, or leave anything behind."""

import os
import socket
import sys
import time

import pytest
from bench.servers import models_left

from runtimeprobe import registry
from runtimeprobe.audio import clips
from runtimeprobe.contract import Ask, Config, Options, Sampling
from runtimeprobe.twins import files
from runtimeprobe.worker.process import Target, TimedOut, Worker
from tests.emulators.enduring import alive, endure, leaked, marked, sockets
from tests.emulators.serving import started

TARGET = Target("runtimeprobe_ollama:Ollama")


def test_forty_asks_of_a_server_that_crashes_all_end_and_leave_nothing() -> None:
    """The bench `servers` makes a hundred."""
    with marked() as mark, started("tests.emulators.ollama", "--crash-probability", "0.2", "--seed", "3") as (address, _):
        assert alive(mark)
        endured = endure("ollama", address, 40, 10.0)
        assert sum(endured.outcomes.values()) == 40
        assert endured.outcomes["answered right"] >= 10
        assert any(name.startswith(("crashed", "skipped")) for name in endured.outcomes), endured.outcomes
        assert not any(name.startswith("error") for name in endured.outcomes), endured.outcomes
        assert endured.slowest_s < 12
        assert models_left(address) == 0
        assert sockets(address, os.getpid()) == 0
    assert leaked(mark) == []


@pytest.mark.parametrize(("behaviour", "stage"), [("hang", "ask"), ("hang-load", "load")])
def test_a_server_that_never_answers_costs_its_limit_and_two_seconds_at_most(behaviour: str, stage: str) -> None:
    with started("tests.emulators.ollama", "--behaviour", behaviour) as (address, _), Worker(TARGET) as worker:
        worker.call("discover", limit_s=10, options=Options(endpoints=(address,)))
        models = worker.call("models", limit_s=10, engine="ollama", candidates=files.candidates())
        given = {"engine": "ollama", "model": next(model for model in models if model["type"] == "Model"), "config": Config(threads=1)}
        given["model"].pop("type")
        if stage == "ask":
            worker.call("load", limit_s=30, **given)
            ask = Ask("api.chat.images", "Transcribe.", clip=str(clips.pair("twin", 0).a.path), sampling=Sampling(), thinking=False)
            given = {"ask": ask}
        began = time.monotonic()
        with pytest.raises(TimedOut, match="no answer within 2 s"):
            worker.call(stage, limit_s=2, **given)
        assert time.monotonic() - began < 4


def test_discovery_gives_a_mute_server_a_second() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        began = time.monotonic()
        found = registry.discover(Options(endpoints=(address,), start_servers=False), (), sys.executable)
        assert time.monotonic() - began < 20
    assert all(item.engine.endpoint != address for item in found.engines)
    assert not found.problems
