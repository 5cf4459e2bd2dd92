"""Figures: a hundred asks of a server that dies at random between them, and what a server costs that stops answering. Printed by -s."""

import collections
import contextlib
import random
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from runtimeprobe import registry
from runtimeprobe.contract import Ask, Options, Sampling
from runtimeprobe.judge import Failure
from runtimeprobe.plan import Load
from runtimeprobe.session import Session, Settings, Timed
from runtimeprobe.twins import files
from runtimeprobe.worker.process import Target
from tests.emulators.lmstudio.bench import Bench, bench

CLIP = str(Path(__file__).resolve().parents[2] / "audio_samples" / "digits-1a.wav")
RUNTIMEPROBE = str(Path(sys.executable).parent / "runtimeprobe")
ASKS, DEATHS, LIMIT_S = 100, 8, 15.0
ROUTE = "v1.chat.input_audio"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = bench(tmp_path)
    for name in ("HOME", "PATH"):
        monkeypatch.setenv(name, made.environment[name])
    monkeypatch.delenv("LM_API_TOKEN", raising=False)
    return made


def load(here: Bench) -> Load:
    """As the command line finds it."""
    (entry,) = (entry for entry in registry.adapters() if entry.name == "lmstudio")
    found = registry.discover_one(entry, Target(entry.value), Options((here.address,)), files.candidates())
    (engine,) = found.engines
    model = next(model for model in engine.models if (model.model, model.weights) == ("gemma-4-e2b", "twin"))
    return Load(found=engine, model=model, routes=engine.routes)


def ask(clip: str = CLIP) -> Ask:
    return Ask(ROUTE, "Transcribe.", clip, max_tokens=48, sampling=Sampling(), thinking=False)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.timeout(280)
def test_a_hundred_asks_of_a_server_that_dies_at_random(here: Bench) -> None:
    """Each is answered or says why not; the server comes back on its port; in the end nothing is left of any of it."""
    dice = random.Random(7)
    dies_before = set(dice.sample(range(5, ASKS), DEATHS))
    port = str(free_port())
    outcomes: collections.Counter[str] = collections.Counter()
    texts = set()
    slowest = 0.0
    with contextlib.ExitStack() as servers:
        server = servers.enter_context(here.serving("future", "--port", port))
        with Session(load(here), Settings(limit_s=LIMIT_S)) as session:
            for number in range(ASKS):
                if number in dies_before:
                    server.kill()
                    server.wait()
                    if dice.random() < 0.5:  # one ask meets nobody
                        outcomes[_outcome(session.ask(ask()))] += 1
                    server = servers.enter_context(here.serving("future", "--port", port))
                began = time.monotonic()
                outcome = session.ask(ask())
                slowest = max(slowest, time.monotonic() - began)
                outcomes[_outcome(outcome)] += 1
                if isinstance(outcome, Timed):
                    texts.add(outcome.reply.text)
            sockets = psutil.Process(session.worker._process.pid).net_connections() if session.worker else []
        left = here.left_behind()
        loaded = [model["id"] for model in here.get("/api/v0/models")["data"] if model["state"] == "loaded"]
    print(
        f"{ASKS} asks and {DEATHS} deaths: {dict(outcomes)}; slowest {slowest:.1f} s; left {left}, loaded {loaded}, {len(sockets)} sockets"
    )
    assert outcomes["answered"] >= ASKS - DEATHS
    assert outcomes.keys() <= {"answered", "skipped", "crashed", "failed"}
    assert len(texts) == 1  # the same words every time
    assert slowest < LIMIT_S
    assert left == {"files": [], "processes": []}
    assert loaded == []
    assert len(sockets) <= 4


def _outcome(outcome: Timed | Failure) -> str:
    return "answered" if isinstance(outcome, Timed) else str(outcome.verdict)


@pytest.mark.parametrize("limit_s", [2.0])
def test_an_ask_that_is_never_answered_costs_its_limit_and_no_more_than_two_seconds(here: Bench, limit_s: float) -> None:
    with here.serving("hang-mid-stream"):
        with Session(load(here), Settings(limit_s=LIMIT_S)) as session:
            session.start()
            session.settings = Settings(limit_s=limit_s)
            began = time.monotonic()
            outcome = session.ask(ask(""))
            seconds = time.monotonic() - began
        assert isinstance(outcome, Failure)
        assert outcome.verdict == "timeout"
        print(f"limit {limit_s} s, cost {seconds:.2f} s")
        assert seconds < limit_s + 2
        assert here.left_behind() == {"files": [], "processes": []}


def test_looking_for_a_server_that_never_answers_is_bounded(here: Bench) -> None:
    with here.serving("never-answers"):
        began = time.monotonic()
        done = subprocess.run(
            [RUNTIMEPROBE, "doctor", "--runtime", "LM Studio", "--endpoint", here.address],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert time.monotonic() - began < 15
    assert "does not answer within 5 s" in done.stdout


def test_doctor_names_what_it_found_where_and_what_is_missing(here: Bench) -> None:
    """Twice: with `lms`, and without, where the twins are missing and the command that gets them is told."""
    said = []
    with here.serving("healthy"):
        for _ in range(2):
            command = [RUNTIMEPROBE, "doctor", "--runtime", "LM Studio", "--endpoint", here.address, "--weights", "all"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == 0, done.stderr
            said.append(" ".join(done.stdout.split()))
            (here.home / "bin" / "lms").unlink(missing_ok=True)
    with_lms, without = said
    assert "0.4.23+1" in with_lms
    assert here.address in with_lms
    assert "will probe lmstudio: gemma-4-e2b (twin" in with_lms
    assert "LM Studio has not downloaded this model fix: lms get google/gemma-4-e2b -y --gguf" in with_lms
    assert "only through `lms import`" in without
    assert "start LM Studio once, which installs `lms`" in without
