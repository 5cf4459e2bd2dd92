"""Runs cases through worker, judge and JSON, and counts expected against measured verdicts."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from runtimeprobe import probe
from runtimeprobe.audio import clips
from runtimeprobe.audio.scoring import word_error_rate
from runtimeprobe.contract import Candidate, Engine
from runtimeprobe.diagnose.loops import find_loop
from runtimeprobe.plan import Load
from runtimeprobe.registry import FoundEngine
from runtimeprobe.results import Cell, Host, Matrix, Verdict, decode, encode
from runtimeprobe.session import Session, Settings
from runtimeprobe.twins import files
from runtimeprobe.worker.process import Target
from tests.sabotage.adapter import Sabotage
from tests.sabotage.cases import CASES

ROOT = Path(__file__).resolve().parents[2]


def measure(name: str, candidate: Candidate) -> Cell:
    """One case's cell, after a trip through the published JSON."""
    os.environ["PYTHONPATH"] = str(ROOT)  # the child imports tests.sabotage
    case = CASES[name]
    adapter = Sabotage()
    (model,) = adapter.models(name, [candidate])
    found = FoundEngine(
        runtime="Sabotage",
        target=Target("tests.sabotage.adapter:Sabotage"),
        engine=Engine(name, "1"),
        routes=tuple(adapter.routes(name)),
        models=(model,),
    )
    tools = probe.Tools(
        clips=lambda attempt: clips.pair("twin", attempt), error_rate=word_error_rate, find_loop=find_loop, report=lambda _line: None
    )
    settings = Settings(attempts=case.attempts, limit_s=case.limit_s)
    with Session(Load(found=found, model=model, routes=found.routes), settings) as session:
        cells = tuple(probe.cells(session, settings, tools))
    nowhere = Host(os="", arch="", cpu="", gpu="", memory_bytes=0, python="")
    matrix = Matrix(created="2026-11-24T00:00:00Z", host=nowhere, hearing_test="", cells=cells)
    (cell,) = decode(encode(matrix)).cells
    return cell


def twin() -> Candidate:
    return next(item for item in files.candidates() if item.model == "gemma-4-e2b")


def all_cells(names: Iterable[str] = CASES) -> Iterator[tuple[str, Cell]]:
    candidate = twin()
    for name in names:
        yield name, measure(name, candidate)


def confusion(pairs: Iterable[tuple[Verdict, Verdict]]) -> str:
    """A Markdown table: expected verdicts down, measured ones across."""
    counts = Counter(pairs)
    shown = [verdict for verdict in Verdict if any(verdict in pair for pair in counts)]
    lines = ["| expected \\ measured | " + " | ".join(shown) + " |", "|---|" + "---:|" * len(shown)]
    lines += [f"| {row} | " + " | ".join(str(counts[row, column] or "") for column in shown) + " |" for row in shown]
    return "\n".join(lines)
