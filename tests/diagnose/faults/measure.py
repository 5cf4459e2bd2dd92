"""Runs every fault on xllamacpp: how often it loops, how often it is wrong, or why it does not load."""

import dataclasses
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from runtimeprobe.contract import AdapterError, Ask, Config
from runtimeprobe.diagnose.changes import RECOMMENDED
from runtimeprobe.diagnose.loops import Detector, Loop
from runtimeprobe.diagnose.prompts import BASELINE, Prompt, known
from runtimeprobe.results import Struct
from runtimeprobe_llamacpp import LlamaCpp
from tests.diagnose.faults.catalogue import CATALOGUE, Fault
from tests.diagnose.faults.plant import Planted, plant, twin

MEASURED = Path(__file__).parent / "measured.json"
ENGINE, ROUTE = "xllamacpp", "chat.input_audio"
SEEDS = (1, 2)
CONTEXT = 2048


class Measured(Struct, frozen=True, kw_only=True):
    """`outcome`: loops, wrong, no change, or does not load. Shares of `runs`; `kinds` of loops with their number."""

    outcome: str
    runs: int = 0
    loops: int = 0
    wrong: int = 0
    kinds: dict[str, int] = msgspec.field(default_factory=dict)
    looping: tuple[str, ...] = ()
    mistaken: tuple[str, ...] = ()
    words: str = ""


def prompts() -> tuple[Prompt, ...]:
    return known(BASELINE, json.loads((twin().parent / "answers.json").read_text(encoding="utf-8")))


def run(planted: Planted, asked: Iterable[Prompt], seeds: Iterable[int] = SEEDS) -> Measured:
    fault, adapter = planted.fault, LlamaCpp()
    try:
        (model,) = adapter.models(ENGINE, [planted.candidate])
        context = int(fault.levers.get("context", CONTEXT))
        try:
            adapter.load(ENGINE, model, Config(context_tokens=context, threads=1, levers=fault.levers))
        except AdapterError as error:
            return Measured(outcome="does not load", words=f"{error} {error.words}"[:200])
        return summed([one(adapter, fault, prompt, seed) for seed in seeds for prompt in asked])
    finally:
        adapter.unload()


class Watch:
    """Hears an answer, thought and text apart, and stops it when it certainly loops."""

    def __init__(self) -> None:
        self.detectors = {True: Detector(thinking=True), False: Detector()}

    def enough(self, piece: str, thought: bool) -> bool:
        return self.detectors[thought].feed(piece) is not None

    @property
    def kind(self) -> str | None:
        found: list[Loop] = [loop for detector in self.detectors.values() if (loop := detector.finish())]
        return str(found[0].kind) if found else None


class Answer(Struct, frozen=True, kw_only=True):
    prompt: str
    kind: str | None
    wrong: bool
    words: str = ""  # of an engine that refused


def one(adapter: LlamaCpp, fault: Fault, prompt: Prompt, seed: int) -> Answer:
    sampling = dataclasses.replace(fault.sampling or RECOMMENDED, seed=seed)
    thinking = prompt.thinking if fault.thinking is None else fault.thinking
    watch = Watch()
    ask = Ask(ROUTE, prompt.text, max_tokens=prompt.max_tokens, sampling=sampling, thinking=thinking, listen=watch.enough)
    try:
        reply = adapter.ask(ask)
    except AdapterError as error:  # llama.cpp's chat parser refuses marks of channels where none belong
        return Answer(prompt=prompt.id, kind=watch.kind, wrong=True, words=str(error))
    return Answer(prompt=prompt.id, kind=watch.kind, wrong=watch.kind is not None or bool(prompt.wrong(reply.text)))


def summed(answers: list[Answer]) -> Measured:
    kinds = [answer.kind for answer in answers if answer.kind]
    wrong = sum(answer.wrong for answer in answers)
    return Measured(
        outcome="loops" if kinds else "wrong" if wrong else "no change",
        runs=len(answers),
        loops=len(kinds),
        wrong=wrong,
        kinds={kind: kinds.count(kind) for kind in sorted(set(kinds))},
        looping=tuple(dict.fromkeys(answer.prompt for answer in answers if answer.kind)),
        mistaken=tuple(dict.fromkeys(answer.prompt for answer in answers if answer.wrong)),
        words=next((answer.words for answer in answers if answer.words), "")[:200],
    )


def everything(folder: Path, wanted: Iterable[str] = tuple(CATALOGUE)) -> Iterator[tuple[Fault, Measured]]:
    asked = prompts()
    for fault_id in wanted:
        planted = plant(fault_id, twin(), folder)
        yield planted.fault, run(planted, asked)
        planted.file.unlink()


def table(measured: dict[str, Any]) -> str:
    lines = ["| fault | cause | in the file | outcome | loops | wrong | which |", "|---|---|---|---|---|---|---|"]
    for name, found in measured.items():
        fault = CATALOGUE[name]
        seen = "yes" if fault.expected_static else "no"
        which = found.get("words") or ", ".join(f"{kind} {count}" for kind, count in found.get("kinds", {}).items())
        rates = f"{found['loops']} of {found['runs']} | {found['wrong']} of {found['runs']}" if found.get("runs") else " | "
        lines.append(f"| {fault.id} | {', '.join(fault.causes)} | {seen} | {found['outcome']} | {rates} | {which} |")
    return "\n".join(lines)
