"""From a broken engine to the right cell: every way a child can end, through the session and the judge."""

import pytest

from runtimeprobe import probe
from runtimeprobe.audio import clips
from runtimeprobe.audio.scoring import word_error_rate
from runtimeprobe.contract import Engine, Model, Route
from runtimeprobe.diagnose.loops import find_loop
from runtimeprobe.plan import Load
from runtimeprobe.registry import FoundEngine
from runtimeprobe.results import Cell, Verdict
from runtimeprobe.session import Session, Settings
from runtimeprobe.worker.process import Target

MODEL = Model("gemma-4-e2b", "twin", "file", quantization="F16", digest="sha256:00")


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setenv("PYTHONPATH", str(request.config.rootpath))


def measured(name: str, limit_s: float = 20, memory: int = 0) -> list[Cell]:
    found = FoundEngine(
        runtime="Test", target=Target(f"tests.worker.bad_adapters:{name}"), engine=Engine("good", "1.0"), routes=(), models=(MODEL,)
    )
    load = Load(found=found, model=MODEL, routes=(Route("one"), Route("two")))
    tools = probe.Tools(
        clips=lambda attempt: clips.pair("twin", attempt), error_rate=word_error_rate, find_loop=find_loop, report=lambda _line: None
    )
    settings = Settings(attempts=2, limit_s=limit_s, memory_limit_bytes=memory)
    with Session(load, settings) as session:
        return list(probe.cells(session, settings, tools))


@pytest.mark.parametrize(
    ("name", "verdict", "words"),
    [
        ("Segfault", Verdict.CRASHED, "SIGSEGV"),
        ("Killed", Verdict.CRASHED, "SIGKILL"),
        ("ExitsWithZero", Verdict.CRASHED, "code 0 without an answer"),
        ("WritesGarbageOnTheWire", Verdict.ERROR, "not a reply"),
        ("Raises", Verdict.ERROR, "ZeroDivisionError"),
        ("CannotLoad", Verdict.FAILED, "does not load: broken file [magic mismatch]"),
        ("DiesInLoad", Verdict.CRASHED, "does not load: the process died of SIGABRT"),
        ("Good", Verdict.IGNORED, "never reached the model"),
    ],
)
def test_every_route_gets_its_cell_however_the_engine_ends(name: str, verdict: Verdict, words: str) -> None:
    cells = measured(name)
    assert [cell.route for cell in cells] == ["one", "two"]
    for cell in cells:
        assert cell.verdict is verdict, cell
        assert words in cell.reason
        assert cell.reproduce.startswith("runtimeprobe matrix --engine good --route ")


def test_a_hang_is_a_timeout_and_is_not_tried_again() -> None:
    cells = measured("Hangs", limit_s=3)
    assert [cell.verdict for cell in cells] == [Verdict.TIMEOUT] * 2
    assert len(cells[0].attempts) == 1


def test_a_refusal_keeps_the_runtimes_words_and_needs_text_to_work() -> None:
    (cell, _) = measured("Refuses")
    assert cell.verdict is Verdict.FAILED  # it refuses text too, so nothing is known about sound
    assert "without sound too: audio is refused [400: audio input is not supported]" in cell.reason


def test_memory_over_the_limit_is_a_failure_of_that_cell() -> None:
    for cell in measured("EatsMemory", memory=300 * 2**20):
        assert cell.verdict is Verdict.FAILED
        assert "over the limit" in cell.reason
