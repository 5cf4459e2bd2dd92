"""The table: for every way LM Studio may behave, what the matrix says of each of its routes, through the command line.

Afterwards nothing that was imported lies in LM Studio's folder, nothing that was loaded is loaded, and no process is left.
"""

import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import BIN
from tests.emulators.lmstudio.behaviours import BEHAVIOURS
from tests.emulators.lmstudio.bench import bench

CHAT, NATIVE, RESPONSES, TRANSCRIPTIONS = (
    "v1.chat.input_audio",
    "api.v1.chat.audio",
    "v1.responses.input_audio",
    "v1.audio.transcriptions",
)
ROUTES = (CHAT, NATIVE, RESPONSES, TRANSCRIPTIONS)
TOKEN = "sk-lm-Ab3dEf6h:Kj8mNp2qRs5tUv7wXy9z"  # of the documented form
LIMIT_S = 5.0
TOGETHER = 3  # a run waits more than it works

Said = tuple[str, str]  # verdict, words of its reason or fix

REJECTED: dict[str, Said] = {
    CHAT: ("rejected", "Invalid 'content': 'content' objects must have a 'type' field that is either 'text' or 'image_url'."),
    NATIVE: ("rejected", "Invalid discriminator value. Expected 'text' | 'image'"),
    RESPONSES: ("rejected", "Invalid type for 'input'."),
    TRANSCRIPTIONS: ("rejected", "Unexpected endpoint or method. (POST /v1/audio/transcriptions)"),
}


def every(verdict: str, words: str) -> dict[str, Said]:
    return dict.fromkeys(ROUTES, (verdict, words))


def asked(verdict: str, words: str) -> dict[str, Said]:
    """A fault of inference: the route that there is not today is refused before it."""
    return every(verdict, f"it fails without sound too: {words}") | {TRANSCRIPTIONS: REJECTED[TRANSCRIPTIONS]}


def unreached(words: str) -> dict[str, Said]:
    return {"-": ("skipped", words)}


TABLE: dict[str, dict[str, Said]] = {
    "healthy": REJECTED,
    "future": every("heard", "both clips transcribed right, and the prompt grew by the sound's tokens"),
    "audio-ignored": every("ignored", "accepted without error, but the prompt did not grow"),
    "no-projector": every("rejected", "audio input is not supported"),
    "thinking-eats-budget": every("failed", "thinking used up the whole token budget")
    | {TRANSCRIPTIONS: ("deaf", "sound tokens reached the prompt, yet the answer does not depend on the clip")},
    "no-v1": {route: said for route, said in REJECTED.items() if route != NATIVE},
    "jit-off": {
        route: ("skipped", "No models loaded. Please load a model in the developer page or use the 'lms load' command.")
        for route in ROUTES
        if route != NATIVE
    },
    "auth-required": unreached("set LM_API_TOKEN"),
    "slow-load": REJECTED,
    "transient-html-500": REJECTED,
    "wrong-model": every("failed", "was asked, and qwen2.5-7b-instruct answered"),
    "old-runtime": every("skipped", "unknown model architecture: 'gemma4'"),
    "engine-crash": every("crashed", "exited before becoming healthy"),
    "too-little-memory": every("skipped", "insufficient system resources"),
    "stream-without-end": asked("failed", "LM Studio ended its stream before the answer was done."),
    "stream-cut": asked("failed", "http://127.0.0.1"),
    "crash-mid-stream": {
        CHAT: ("crashed", "is gone in the middle of a reply"),
        NATIVE: ("skipped", "No server answers"),
        RESPONSES: ("skipped", "No server answers"),
        TRANSCRIPTIONS: ("skipped", "No server answers"),
    },
    "hang-mid-stream": {CHAT: ("timeout", f"no answer within {LIMIT_S:g} s")},
    "error-string": asked("failed", "LM Studio answered"),
    "error-object": asked("failed", "LM Studio answered"),
    "error-nested": asked("failed", "LM Studio answered"),
    "ok-with-error-body": asked("failed", "LM Studio answered"),
    "reset": asked("failed", "http://127.0.0.1"),
    "huge-reply": asked("failed", "http://127.0.0.1"),
    "invalid-utf8": asked("failed", "The reply is not UTF-8."),
    "duplicate-keys": asked("failed", "The reply says 'choices' twice in one object."),
    "redirect": asked("failed", "http://127.0.0.1"),
    "never-answers": unreached("does not answer within 5 s"),
    # Not the emulator's: nothing there, the token given, and no `lms` to import a twin with.
    "connection-refused": unreached("No server answers at http://127.0.0.1:"),
    "auth-given": REJECTED,
    "auth-wrong": unreached("set LM_API_TOKEN"),
    "no-lms": every("skipped", "a twin reaches LM Studio only through `lms import`"),
}
# Words that each cell of a row must say besides: what went wrong, as the server has it.
MORE = {
    "error-string": "Error rendering prompt with jinja template",
    "error-object": "Internal error: slot is gone",
    "error-nested": "exceed_context_size_error",
    "ok-with-error-body": "Model is unloaded.",
    "stream-cut": "broke off its reply",
    "reset": "broke off its reply",
    "huge-reply": "answered with more than 33554432 bytes",
    "redirect": "answers with a redirect, which is not followed",
    "old-runtime": "lms runtime update",
    "engine-crash": "SIGSEGV",
    "too-little-memory": "guardrails",
    "jit-off": "switch on just-in-time loading",
    "no-lms": "start LM Studio once, which installs `lms`",
}
ALIASES = {"auth-given": "auth-required", "auth-wrong": "auth-required", "no-lms": "healthy", "connection-refused": "healthy"}


@dataclass(frozen=True)
class Ran:
    done: "subprocess.CompletedProcess[str]"
    seconds: float
    left: dict[str, list[str]]
    loaded: list[str]

    @property
    def cells(self) -> dict[str, dict[str, Any]]:
        assert self.done.returncode == 0, self.done.stderr
        matrix = json.loads(self.done.stdout)
        assert matrix["complete"]
        return {cell["route"]: cell for cell in matrix["cells"]}


def ran(name: str, folder: Path) -> Ran:
    """One run of the command line against one behaviour, and what it left."""
    here = bench(folder)
    environment = here.environment
    if name.startswith("auth-") and name != "auth-required":
        environment["LM_API_TOKEN"] = TOKEN if name == "auth-given" else TOKEN[::-1]
    if name == "no-lms":
        (here.home / "bin" / "lms").unlink()
    words = ["matrix", "--runtime", "LM Studio", "--model", "gemma-4-e2b", "--attempts", "1", "--json", "-"]
    if name == "hang-mid-stream":
        words += ["--timeout", str(LIMIT_S), "--route", CHAT]
    behaviour = ALIASES.get(name, name)
    with here.serving(behaviour, *(["--token", TOKEN] if behaviour == "auth-required" else [])) as server:
        if name == "connection-refused":
            server.kill()
            server.wait()
        began = time.monotonic()
        command = [str(BIN / "runtimeprobe"), *words, "--endpoint", here.address]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=folder, check=False, env=environment)
        seconds = time.monotonic() - began
        left = here.left_behind()
        asleep = server.poll() is not None or BEHAVIOURS[behaviour].silent or BEHAVIOURS[behaviour].needs_token
        listed = [] if asleep else here.get("/api/v0/models")["data"]
        return Ran(done, seconds, left, [model["id"] for model in listed if model["state"] != "not-loaded"])


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    """The runs that the chosen tests need, a few at a time."""
    chosen = [item.callspec.params["name"] for item in request.session.items if item.path == request.path and hasattr(item, "callspec")]
    names = list(dict.fromkeys([*chosen, "healthy"]))
    with ThreadPoolExecutor(TOGETHER) as pool:
        return dict(zip(names, pool.map(lambda name: ran(name, tmp_path_factory.mktemp(name)), names), strict=True))


def test_every_behaviour_of_the_emulator_has_its_row() -> None:
    assert set(BEHAVIOURS) <= set(TABLE)
    assert all(behaviour.source.partition(":")[0] in ("documented", "source", "reported", "inferred") for behaviour in BEHAVIOURS.values())


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", TABLE)
def test_the_verdict_and_its_reason(runs: dict[str, Ran], name: str) -> None:
    cells = runs[name].cells
    assert {route: cell["verdict"] for route, cell in cells.items()} == {route: said[0] for route, said in TABLE[name].items()}, {
        route: cell["reason"] for route, cell in cells.items()
    }
    for route, (_, words) in TABLE[name].items():
        told = f"{cells[route]['reason']} {cells[route]['fix']}"
        assert words in told
        if cells[route]["verdict"] not in ("rejected", "deaf"):
            assert MORE.get(name, "") in told
        assert cells[route]["verdict"] != "error"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", TABLE)
def test_nothing_is_left_behind(runs: dict[str, Ran], name: str) -> None:
    assert runs[name].left == {"files": [], "processes": []}
    assert runs[name].loaded == []


def test_a_refusal_stands_on_a_text_control_that_the_engine_answered(runs: dict[str, Ran]) -> None:
    """The words are the twin's, the count the engine's: had nothing run, a refusal would prove nothing."""
    for route, cell in runs["healthy"].cells.items():
        assert cell["engine_version"] == "0.4.23+1"
        assert cell["build"] == "llama.cpp-linux-x86_64-avx2 2.10.1"
        assert cell["claim"] == "yes"  # by the projector on disk; the server declares nothing
        assert cell["digest"].startswith("sha256:")
        assert "emulator" in str(cell["notes"])
        if route != TRANSCRIPTIONS:
            assert cell["answers"]["control"] == "nothing"
            assert cell["evidence"]["control_tokens"] > 5


def test_a_claim_on_disk_that_the_engine_does_not_keep_stands_beside_its_refusal(runs: dict[str, Ran]) -> None:
    if "no-projector" in runs:
        assert {(cell["claim"], cell["verdict"]) for cell in runs["no-projector"].cells.values()} == {("yes", "rejected")}


def test_the_table_shows_the_servers_words(runs: dict[str, Ran]) -> None:
    for _, words in REJECTED.values():
        assert words in runs["healthy"].done.stderr


@pytest.mark.parametrize("name", ["auth-given", "auth-wrong"])
def test_the_token_is_nowhere(runs: dict[str, Ran], name: str) -> None:
    """auth-wrong: the server echoes what it was given."""
    token = TOKEN if name == "auth-given" else TOKEN[::-1]
    done = runs[name].done
    assert token not in done.stdout
    assert token not in done.stderr
    if name == "auth-wrong":
        assert "<LM_API_TOKEN>" in done.stdout


def test_a_server_that_does_not_answer_costs_no_more_than_its_limits(runs: dict[str, Ran]) -> None:
    """Two asks run into their limit (the control, then the clip); looking around costs the rest, as it does where nothing hangs."""
    if "hang-mid-stream" in runs:
        assert runs["hang-mid-stream"].seconds < runs["healthy"].seconds * 2 + 2 * (LIMIT_S + 2)
