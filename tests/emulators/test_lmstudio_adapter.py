"""The adapter against the emulator: what it loads it unloads, what it imports it removes, and nothing else."""

import dataclasses
import json
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runtimeprobe.contract import (
    AbsentModel,
    Ask,
    BadReply,
    Candidate,
    Claim,
    Config,
    Engine,
    LoadFailed,
    Model,
    ModelMissing,
    Options,
    RuntimeTooOld,
    Sampling,
)
from runtimeprobe.twins import files
from runtimeprobe_lmstudio import LmStudio
from tests.emulators.lmstudio.bench import Bench, bench

TWIN = next(candidate for candidate in files.candidates() if candidate.model == "gemma-4-e2b")
CLIP = str(Path(__file__).resolve().parents[2] / "audio_samples" / "digits-1a.wav")
KEY = "gemma-4-e2b-it"
ROUTES = ("v1.chat.input_audio", "api.v1.chat.audio", "v1.responses.input_audio")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = bench(tmp_path)
    for name in ("HOME", "PATH"):
        monkeypatch.setenv(name, made.environment[name])
    monkeypatch.delenv("LM_API_TOKEN", raising=False)
    return made


@pytest.fixture
def found(here: Bench) -> Iterator[Callable[[], LmStudio]]:
    """An adapter that has found the emulator."""
    made: list[LmStudio] = []

    def find() -> LmStudio:
        made.append(LmStudio())
        (engine,) = made[-1].discover(Options((here.address,)))
        assert isinstance(engine, Engine)
        return made[-1]

    yield find
    for lmstudio in made:
        lmstudio.unload()


def downloaded(here: Bench, *, projector: str = TWIN.projector_gguf) -> Path:
    """The twin's files as if they were the published ones, where LM Studio keeps those."""
    folder = here.models / "lmstudio-community" / "gemma-4-E2B-it-GGUF"
    folder.mkdir(parents=True)
    shutil.copy(TWIN.text_gguf, folder / "gemma-4-E2B-it-F16.gguf")
    if projector:
        shutil.copy(projector, folder / "mmproj-gemma-4-E2B-it-F16.gguf")
    return folder


def models(lmstudio: LmStudio, candidate: Candidate = TWIN) -> dict[tuple[str, str], Model | AbsentModel]:
    return {(model.model, model.weights): model for model in lmstudio.models("lmstudio", [candidate])}


def twin(lmstudio: LmStudio) -> Model:
    model = models(lmstudio)["gemma-4-e2b", "twin"]
    assert isinstance(model, Model)
    return model


def post(here: Bench, path: str, **body: Any) -> Any:
    request = urllib.request.Request(f"{here.address}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310 (our own emulator)
        return json.load(reply)


def loaded(here: Bench) -> list[str]:
    return [model["id"] for model in here.get("/api/v0/models")["data"] if model["state"] == "loaded"]


def test_a_twin_is_imported_loaded_asked_unloaded_and_removed(here: Bench, found: Callable[[], LmStudio]) -> None:
    with here.serving("future"):
        lmstudio = found()
        state = lmstudio.load("lmstudio", twin(lmstudio), Config())
        (key,) = loaded(here)
        assert key.startswith("twin-e2b-")
        assert state.build == "llama.cpp-linux-x86_64-avx2 2.10.1"
        assert state.details["load_config"]["context_length"] == 4096
        for route in ROUTES:
            with_clip, without = (lmstudio.ask(Ask(route, "Transcribe.", clip, sampling=Sampling(), thinking=False)) for clip in (CLIP, ""))
            assert with_clip.prompt_tokens is not None
            assert without.prompt_tokens is not None
            assert with_clip.prompt_tokens > without.prompt_tokens + 20
            assert with_clip.completion_tokens
            assert with_clip.first_token_seconds is not None
            assert with_clip.text != without.text
        lmstudio.unload()
        assert loaded(here) == []
    assert here.left_behind() == {"files": [], "processes": []}


def test_a_model_that_somebody_loaded_is_used_and_stays(here: Bench, found: Callable[[], LmStudio]) -> None:
    folder = downloaded(here)
    with here.serving("future"):
        lmstudio = found()
        post(here, "/api/v1/models/load", model=KEY)
        model = models(lmstudio)["gemma-4-e2b", "real"]
        assert isinstance(model, Model)
        assert lmstudio.load("lmstudio", model, Config()).details == {"loaded_by": "somebody else"}
        assert lmstudio.ask(Ask(ROUTES[0], "Transcribe.", sampling=Sampling(), thinking=False)).text
        with pytest.raises(LoadFailed, match="loaded already") as caught:  # its levers would change nothing
            lmstudio.load("lmstudio", model, Config(levers={"flash_attention": "off"}))
        assert caught.value.fix == f"lms unload {KEY}"
        lmstudio.unload()
        assert loaded(here) == [KEY]
    assert len(list(folder.iterdir())) == 2


def test_a_model_of_theirs_that_we_loaded_is_unloaded_and_its_files_stay(here: Bench, found: Callable[[], LmStudio]) -> None:
    folder = downloaded(here)
    with here.serving("healthy"):
        lmstudio = found()
        model = models(lmstudio)["gemma-4-e2b", "real"]
        assert isinstance(model, Model)
        state = lmstudio.load("lmstudio", model, Config(2048, levers={"batch": "128", "flash_attention": "off"}))
        assert (
            state.details["load_config"] | {"context_length": 2048, "eval_batch_size": 128, "flash_attention": False}
            == state.details["load_config"]
        )
        assert loaded(here) == [KEY]
        lmstudio.unload()
        assert loaded(here) == []
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize(
    ("projector", "claim"), [(TWIN.projector_gguf, Claim.YES), ("", Claim.NO), (TWIN.text_gguf, Claim.NO), (__file__, Claim.UNDECLARED)]
)
def test_the_claim_is_the_projectors_where_the_files_can_be_read(
    here: Bench, found: Callable[[], LmStudio], projector: str, claim: Claim
) -> None:
    downloaded(here, projector=projector)
    with here.serving("healthy"):
        model = models(found())["gemma-4-e2b", "real"]
    assert isinstance(model, Model)
    assert model.claim is claim
    assert model.quantization == "F16"
    assert model.digest.startswith("sha256:")


def test_nothing_is_claimed_of_files_that_are_elsewhere(here: Bench, found: Callable[[], LmStudio], tmp_path: Path) -> None:
    downloaded(here)
    with here.serving("healthy"):
        lmstudio = found()
        (here.home / ".lmstudio" / "settings.json").write_text(json.dumps({"downloadsFolder": str(tmp_path / "elsewhere")}))
        model = models(lmstudio)["gemma-4-e2b", "real"]
    assert isinstance(model, Model)
    assert (model.claim, model.digest, model.quantization) == (Claim.UNDECLARED, "", "F16")
    assert model.size_bytes > 0


def test_what_is_not_there_says_how_to_get_it(here: Bench, found: Callable[[], LmStudio]) -> None:
    with here.serving("healthy"):
        lmstudio = found()
        real = models(lmstudio)["gemma-4-e4b", "real"]
        assert isinstance(real, AbsentModel)
        assert real.fix == "lms get google/gemma-4-e4b -y --gguf"
        with pytest.raises(ModelMissing):
            lmstudio.load("lmstudio", Model("gemma-4-e4b", "real", "google/gemma-4-e4b"), Config())


def test_a_load_that_fails_leaves_nothing(here: Bench, found: Callable[[], LmStudio]) -> None:
    with here.serving("old-runtime"):
        lmstudio = found()
        with pytest.raises(RuntimeTooOld) as caught:
            lmstudio.load("lmstudio", twin(lmstudio), Config())
        assert caught.value.fix == "lms runtime update"
        assert here.left_behind() == {"files": [], "processes": []}


def test_lms_of_another_lm_studio_is_noticed_and_its_copy_removed(
    here: Bench, found: Callable[[], LmStudio], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtimeprobe_lmstudio.adapter.LISTED_S", 0.5)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with here.serving("healthy"):
        lmstudio = found()
        (here.home / ".lmstudio" / "settings.json").write_text(json.dumps({"downloadsFolder": str(elsewhere)}))
        with pytest.raises(ModelMissing, match="does not list"):
            lmstudio.load("lmstudio", twin(lmstudio), Config())
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize(
    "answer", ["Would copy the file to /etc/passwd", "Would copy the file to {models}/runtimeprobe/other/text.gguf", "", "no"]
)
def test_an_lms_that_names_a_strange_folder_is_not_followed(here: Bench, found: Callable[[], LmStudio], answer: str) -> None:
    """What is removed afterwards must be a new folder of ours."""
    with here.serving("healthy"):
        lmstudio = found()
        text = answer.format(models=here.models)
        (here.home / "bin" / "lms").write_text(f"#!/bin/sh\necho '{text}' >&2\n")
        with pytest.raises(LoadFailed, match="does not say where"):
            lmstudio.load("lmstudio", twin(lmstudio), Config())


def test_a_killed_adapter_leaves_nothing_imported_and_nothing_loaded(here: Bench) -> None:
    script = (
        "import sys, time\n"
        "from runtimeprobe.contract import Config, Options\n"
        "from runtimeprobe.twins import files\n"
        "from runtimeprobe_lmstudio import LmStudio\n"
        "lmstudio = LmStudio()\n"
        "lmstudio.discover(Options((sys.argv[1],)))\n"
        "model = [model for model in lmstudio.models('lmstudio', files.candidates()) if model.weights == 'twin'][0]\n"
        "lmstudio.load('lmstudio', model, Config())\n"
        "print('loaded', flush=True)\n"
        "time.sleep(600)\n"
    )
    with here.serving("healthy"):
        with subprocess.Popen([sys.executable, "-c", script, here.address], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "loaded\n"
            assert loaded(here)
            process.send_signal(signal.SIGKILL)
        assert here.left_behind() == {"files": [], "processes": []}
        end = time.monotonic() + 10
        while loaded(here) and time.monotonic() < end:
            time.sleep(0.1)
        assert loaded(here) == []


def test_keys_that_a_closed_schema_refuses_are_left_out(
    here: Bench, found: Callable[[], LmStudio], monkeypatch: pytest.MonkeyPatch
) -> None:
    """/api/v1/chat is closed: were it sent a seed, it would name the key, and the ask goes on without it."""
    monkeypatch.setattr("runtimeprobe_lmstudio.asks._NATIVE_SAMPLING", ("temperature", "seed", "presence_penalty"))
    with here.serving("healthy"):
        lmstudio = found()
        lmstudio.load("lmstudio", twin(lmstudio), Config())
        assert lmstudio.ask(Ask(ROUTES[1], "Transcribe.", sampling=Sampling(), thinking=False)).text


def test_an_answer_of_another_model_is_none(here: Bench, found: Callable[[], LmStudio], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where /api/v0, which shows it at the load, is gone."""
    monkeypatch.setattr("runtimeprobe_lmstudio.loading._runtime", lambda *_, **__: "")
    with here.serving("wrong-model"):
        lmstudio = found()
        lmstudio.load("lmstudio", twin(lmstudio), Config())
        for route in ROUTES:
            with pytest.raises(BadReply, match=r"was asked, and qwen2\.5-7b-instruct answered"):
                lmstudio.ask(Ask(route, "Transcribe.", sampling=Sampling(), thinking=False))


def test_a_listener_stops_the_engine(here: Bench, found: Callable[[], LmStudio]) -> None:
    with here.serving("thinking-eats-budget"):
        lmstudio = found()
        lmstudio.load("lmstudio", twin(lmstudio), Config())
        for route in ROUTES:
            pieces: list[str] = []

            def listen(piece: str, thought: bool, pieces: list[str] = pieces) -> bool:
                assert thought
                pieces.append(piece)
                return len(pieces) == 3

            reply = lmstudio.ask(dataclasses.replace(Ask(route, "Transcribe.", CLIP, max_tokens=2000, sampling=Sampling()), listen=listen))
            assert (reply.finish_reason, len(pieces)) == ("loop", 3)
