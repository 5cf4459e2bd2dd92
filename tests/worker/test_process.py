"""The wall: whatever a child does, the parent gets a typed value, and nothing is left running."""

import time
from collections.abc import Iterator

import psutil
import pytest

from runtimeprobe.contract import Ask, Config, Model
from runtimeprobe.worker.process import Died, Failed, Garbage, OverMemory, Target, TimedOut, Worker, WorkerError

MODEL = Model("gemma-4-e2b", "twin", "file")


def target(name: str) -> Target:
    return Target(f"tests.worker.bad_adapters:{name}")


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    yield
    left = [process for process in psutil.Process().children(recursive=True) if process.pid not in before and process.status() != "zombie"]
    assert not left


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setenv("PYTHONPATH", str(request.config.rootpath))


def ask(worker: Worker, limit_s: float = 20) -> object:
    worker.call("load", limit_s=20, engine="good", model=MODEL, config=Config())
    return worker.call("ask", limit_s=limit_s, ask=Ask("one", "hello"))


def test_a_reply_comes_back_with_the_childs_memory() -> None:
    with Worker(target("Good")) as worker:
        reply = ask(worker)
        assert isinstance(reply, dict)
        assert reply["text"].startswith("pid ")
        assert reply["prompt_tokens"] == 7
        assert worker.peak_rss_bytes
        assert worker.peak_rss_bytes > 5 * 2**20


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Segfault", "SIGSEGV"),
        ("Killed", "SIGKILL"),
        ("ExitsWithZero", "exited with code 0 without an answer"),
    ],
)
def test_a_death_says_how_it_died(name: str, words: str) -> None:
    with Worker(target(name)) as worker, pytest.raises(Died, match=words):
        ask(worker)


def test_a_death_keeps_the_last_words() -> None:
    with Worker(target("Segfault")) as worker, pytest.raises(Died) as caught:
        ask(worker)
    assert "about to fall" in caught.value.stderr
    assert "Segmentation fault" in caught.value.stderr  # faulthandler's own


def test_a_death_in_load_is_a_death() -> None:
    with Worker(target("DiesInLoad")) as worker, pytest.raises(Died, match="SIGABRT"):
        worker.call("load", limit_s=20, engine="good", model=MODEL, config=Config())


def test_a_hang_ends_at_its_limit() -> None:
    began = time.monotonic()
    with Worker(target("Hangs")) as worker, pytest.raises(TimedOut, match=r"within 0\.5 s"):
        ask(worker, limit_s=0.5)
    assert time.monotonic() - began < 10


def test_a_hang_takes_what_it_started_with_it() -> None:
    with Worker(target("HangsWithChild")) as worker, pytest.raises(TimedOut) as caught:
        ask(worker, limit_s=2)
    pid = int(caught.value.stderr.rpartition("grandchild ")[2].split()[0])
    time.sleep(0.2)
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie"


def test_noise_on_stdout_does_not_reach_the_wire() -> None:
    with Worker(target("PrintsToStdout")) as worker:
        reply = ask(worker)
        assert isinstance(reply, dict)
        assert reply["text"] == "clean"


def test_garbage_on_the_wire_is_garbage() -> None:
    with Worker(target("WritesGarbageOnTheWire")) as worker, pytest.raises(Garbage, match="not a reply"):
        ask(worker)


def test_memory_over_the_limit_ends_the_child() -> None:
    with Worker(target("EatsMemory"), memory_limit_bytes=200 * 2**20) as worker, pytest.raises(OverMemory, match="over the limit"):
        ask(worker, limit_s=60)


def test_a_declared_error_keeps_its_kind_words_and_fix_and_the_child_lives_on() -> None:
    with Worker(target("Refuses")) as worker:
        for _ in range(2):
            with pytest.raises(Failed) as caught:
                ask(worker)
            assert caught.value.kinds == ["Rejected", "AdapterError"]
            assert caught.value.words == "400: audio input is not supported"
            assert caught.value.fix == "use another route"


@pytest.mark.parametrize(("name", "words"), [("Raises", "ZeroDivisionError: an adapter's own bug"), ("CallsExit", "SystemExit: 3")])
def test_an_undeclared_error_has_no_kind(name: str, words: str) -> None:
    with Worker(target(name)) as worker, pytest.raises(Failed, match=words) as caught:
        ask(worker)
    assert caught.value.kinds == []


def test_an_adapter_that_cannot_be_made_or_found_is_a_failure() -> None:
    for name, words in (("NotConstructible", "no licence file"), ("Nowhere", "has no attribute")):
        with Worker(target(name)) as worker, pytest.raises(Failed, match=words):
            worker.call("runtime", limit_s=20)


def test_an_endless_answer_is_bounded() -> None:
    with Worker(target("AnswersForever")) as worker:
        reply = ask(worker)
        assert isinstance(reply, dict)
        assert len(reply["text"]) == 200_000
        assert len(str(reply["raw"])) < 30_000


def test_a_python_that_does_not_start_says_so() -> None:
    with pytest.raises(WorkerError, match="cannot start /nowhere/python"):
        Worker(Target("runtimeprobe_llamacpp:LlamaCpp", "/nowhere/python"))
