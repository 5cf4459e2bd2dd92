"""The matrix against an Ollama that misbehaves in every way its emulator knows: through the command line, one table.

What is measured is the tool, not Ollama: the emulator does what Ollama's source says, or worse.
"""

import contextlib
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.emulators.enduring import leaked, marked
from tests.emulators.ollama.behaviours import BEHAVIOURS
from tests.emulators.serving import started

PROGRAM = Path(sys.executable).parent / "runtimeprobe"
ROUTES = ("api.chat.images", "api.generate.images", "v1.chat.input_audio", "v1.audio.transcriptions")
LIMIT_S = {"hang": 2, "hang-load": 2, "thinking-eats-budget": 60}
AT_ONCE = 3


def everywhere(verdict: str, words: str) -> dict[str, tuple[str, str]]:
    return dict.fromkeys(ROUTES, (verdict, words))


CLIPS_RIGHT = "both clips transcribed right"
REFUSED = "audio input is not supported"
GUARD = "loop guard"
# Nothing that this route sends back names a model, counts tokens, or limits them.
TRANSCRIPTIONS = "v1.audio.transcriptions"
EXPECTED: dict[str, dict[str, tuple[str, str]]] = {
    "healthy": everywhere("heard", CLIPS_RIGHT),
    "audio-ignored": everywhere("ignored", "the prompt did not grow")
    | {TRANSCRIPTIONS: ("deaf", "the engine reports no token counts, so whether the sound reached the model cannot be told")},
    "claims-audio-without-projector": everywhere("rejected", "model does not support multimodal requests"),
    "thinking-eats-budget": everywhere("failed", "thinking used up the whole token budget") | {TRANSCRIPTIONS: ("failed", GUARD)},
    "no-done": everywhere("failed", "reply ends without") | {TRANSCRIPTIONS: ("failed", "200 and an empty body")},
    "loop-guard-old": everywhere("failed", GUARD) | {TRANSCRIPTIONS: ("failed", "200 and an empty body")},
    "loop-guard-new": everywhere("failed", GUARD),
    "error-string": everywhere("rejected", REFUSED),
    "error-object": everywhere("rejected", REFUSED),
    "error-nested": everywhere("rejected", REFUSED),
    "ok-with-error-body": everywhere("rejected", REFUSED),
    "wrong-model": everywhere("failed", "'gemma4:latest' answered") | {TRANSCRIPTIONS: ("heard", CLIPS_RIGHT)},
    "auth-required": everywhere("skipped", "unauthorized"),
    "slow-load": everywhere("heard", CLIPS_RIGHT),
    "transient-html-500": everywhere("heard", CLIPS_RIGHT),
    "crash-mid-stream": everywhere("skipped", "No server answers") | {"api.chat.images": ("crashed", "gone in the middle of a reply")},
    "runner-crash": everywhere("crashed", "an error was encountered while running the model")
    | {"v1.chat.input_audio": ("failed", "ends without finish_reason: /v1 leaves out what went wrong")},
    "connection-refused": {"-": ("skipped", "nothing answers at")},
    "reset": everywhere("failed", "broke off its reply"),
    "hang": everywhere("timeout", "no answer within 2 s"),
    "hang-load": everywhere("timeout", "the model does not load: no answer within 2 s"),
    "huge-reply": everywhere("failed", "more than 33554432 bytes"),
    "invalid-utf8": everywhere("failed", "not UTF-8"),
    "duplicate-keys": everywhere("failed", "twice in one object"),
    "redirect": everywhere("failed", "a redirect, which is not followed"),
}


@dataclass(frozen=True)
class Outcome:
    """One run: its cells, and what it left on the server. `left` is None where the server itself is gone."""

    cells: dict[str, dict[str, Any]]
    stderr: str
    seconds: float
    left: list[str] | None


def probe(behaviour: str) -> Outcome:
    words = ["--runtime", "Ollama", "--model", "gemma-4-e2b", "--attempts", "1", "--timeout", str(LIMIT_S.get(behaviour, 30))]
    with started("tests.emulators.ollama", "--behaviour", behaviour) as (address, _):
        began = time.monotonic()
        done = subprocess.run(
            [PROGRAM, "matrix", "--endpoint", address, *words, "--json", "-"], capture_output=True, text=True, timeout=120, check=False
        )
        seconds = time.monotonic() - began
        assert done.returncode == 0, done.stderr
        cells = {cell["route"]: cell for cell in json.loads(done.stdout)["cells"]}
        return Outcome(cells, done.stderr, seconds, models_on(address))


def models_on(address: str) -> list[str] | None:
    """After a child was killed, the keeper takes its model away while the command already ends."""
    with contextlib.suppress(OSError):
        for _ in range(100):
            with urllib.request.urlopen(f"{address}/api/tags", timeout=5) as response:  # noqa: S310
                names = [model["name"] for model in json.load(response)["models"]]
            if not names:
                break
            time.sleep(0.1)
        return names
    return None


@pytest.fixture(scope="module")
def outcomes() -> Iterator[dict[str, "Future[Outcome]"]]:
    """All runs, a few at a time."""
    with marked() as mark, ThreadPoolExecutor(AT_ONCE) as pool:
        yield {behaviour: pool.submit(probe, behaviour) for behaviour in BEHAVIOURS}
    assert leaked(mark) == []


def test_the_table_has_every_behaviour() -> None:
    assert EXPECTED.keys() == BEHAVIOURS.keys()


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_every_route_has_the_right_verdict_and_reason(behaviour: str, outcomes: dict[str, "Future[Outcome]"]) -> None:
    outcome = outcomes[behaviour].result()
    said = {route: (cell["verdict"], cell["reason"]) for route, cell in outcome.cells.items()}
    assert said.keys() == EXPECTED[behaviour].keys()
    for route, (verdict, words) in EXPECTED[behaviour].items():
        assert said[route][0] == verdict, said[route]
        assert words in said[route][1]


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_nothing_of_ours_stays_on_the_server(behaviour: str, outcomes: dict[str, "Future[Outcome]"]) -> None:
    gone = ("connection-refused", "crash-mid-stream")
    assert outcomes[behaviour].result().left == (None if behaviour in gone else [])


def test_every_cell_says_that_only_an_emulator_was_asked(outcomes: dict[str, "Future[Outcome]"]) -> None:
    outcome = outcomes["healthy"].result()
    assert all("only against an emulator" in str(cell["notes"]) for cell in outcome.cells.values())
    assert outcome.stderr.count("only against an emulator") == 1


def test_a_claim_that_the_files_do_not_bear_out_is_said(outcomes: dict[str, "Future[Outcome]"]) -> None:
    cells = outcomes["claims-audio-without-projector"].result().cells.values()
    assert all("neither the model nor a projector of it has an audio encoder" in str(cell["notes"]) for cell in cells)


def test_heard_cells_have_real_numbers(outcomes: dict[str, "Future[Outcome]"]) -> None:
    for route, cell in outcomes["healthy"].result().cells.items():
        evidence = cell["evidence"]
        assert cell["claim"] == "yes"
        assert cell["engine_version"] == "0.33.0"
        assert cell["device"] == "CPU"
        assert cell["quantization"] == cell["projector_quantization"] == "F16"
        assert cell["digest"].startswith("sha256:")
        assert cell["timing"]["ttft_s"] > 0
        assert cell["answers"]["defaults"] == cell["answers"]["a"]
        if route != TRANSCRIPTIONS:
            assert evidence["token_evidence"] == "consumed"
            assert 20 <= evidence["tokens_per_second_of_audio"] <= 30


def test_a_slow_load_is_measured_as_one(outcomes: dict[str, "Future[Outcome]"]) -> None:
    assert all(cell["stages"]["load"]["seconds"] >= 3 for cell in outcomes["slow-load"].result().cells.values())


def test_a_server_that_never_answers_costs_its_limits_and_little_more(outcomes: dict[str, "Future[Outcome]"]) -> None:
    """One load that hangs, then nothing more is asked; discovery and the engines' own start are the rest."""
    healthy = outcomes["healthy"].result().seconds
    assert outcomes["hang-load"].result().seconds < LIMIT_S["hang-load"] + 2 + healthy
