"""The twins come into a server, answer, and are gone again, whatever happens in between."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from adapters.ollama.tests.conftest import FILES, Start, discovered, load, twin

from runtimeprobe.audio import clips
from runtimeprobe.contract import (
    AdapterError,
    Ask,
    BadReply,
    Claim,
    Config,
    Engine,
    EngineDied,
    Loaded,
    LoadFailed,
    Model,
    ModelMissing,
    Options,
    RouteMissing,
    Sampling,
)
from runtimeprobe.twins import files
from runtimeprobe_ollama import Ollama, routes, twins
from runtimeprobe_ollama.server import Server

CLIP = clips.pair("twin", 0).a


def names(address: str) -> list[str]:
    server = Server(address)
    try:
        return [str(tag["model"]) for tag in server.tags()]
    finally:
        server.close()


def waited(until: Callable[[], bool], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while not until() and time.monotonic() < end:
        time.sleep(0.05)
    return until()


def ask(adapter: Ollama, route: str = routes.CHAT, **more: Any) -> str:
    return adapter.ask(Ask(route, "Transcribe.", clip=str(CLIP.path), sampling=Sampling(), thinking=False, **more)).text


def test_loaded_says_claim_digest_context_and_device(start: Start, adapter: Ollama) -> None:
    loaded = load(adapter, start(), context="2048")
    assert (loaded.claim, loaded.device) == (Claim.YES, "CPU")
    assert loaded.details["context_length"] == 2048
    assert len(loaded.details["digest"]) == 64
    assert loaded.details["quantization"] == "F16"


@pytest.mark.parametrize("route", [route.name for route in routes.ROUTES])
def test_every_route_hears(start: Start, adapter: Ollama, route: str) -> None:
    load(adapter, start())
    assert ask(adapter, route) == CLIP.transcript


def test_the_name_tells_the_size_and_is_gone_after_unload(start: Start, adapter: Ollama) -> None:
    address = start("--model", f"gemma4:e2b={FILES}")
    load(adapter, address)
    _, guest = names(address)
    assert guest.startswith("runtimeprobe-twin-e2b-")
    adapter.unload()
    adapter.unload()
    assert names(address) == ["gemma4:e2b"]


def test_two_runs_at_once_do_not_take_each_others_twin(start: Start, adapter: Ollama) -> None:
    address = start()
    other = Ollama()
    load(adapter, address)
    load(other, address)
    assert len(names(address)) == 2
    other.unload()
    assert ask(adapter) == CLIP.transcript


def test_what_a_run_left_long_ago_is_removed_and_somebody_elses_twin_is_not(start: Start, adapter: Ollama) -> None:
    address = start("--model", f"runtimeprobe-twin-e2b-0123abcd:left={FILES}", "--model", f"my-twin-e2b:latest={FILES}")
    load(adapter, address)
    adapter.unload()
    assert names(address) == ["my-twin-e2b:latest"]


def test_a_twin_made_just_now_is_left_to_its_run(start: Start) -> None:
    address = start()
    server = Server(address)
    guest = twins.Guest(server, twins.described(files.candidates()[0]), {})
    twins.sweep(server)
    assert names(address) == [guest.name]
    guest.leave()
    server.close()
    assert names(address) == []


def test_a_claim_that_the_files_do_not_bear_out_is_said(start: Start, adapter: Ollama) -> None:
    loaded = load(adapter, start("--behaviour", "claims-audio-without-projector"))
    assert loaded.claim is Claim.YES
    assert loaded.note == "Ollama claims audio, and neither the model nor a projector of it has an audio encoder"


def test_a_load_that_fails_leaves_nothing(start: Start, adapter: Ollama, tmp_path: Path) -> None:
    address = start()
    discovered(adapter, address)
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF but not really")
    with pytest.raises(AdapterError, match="supplied file was not in GGUF format"):
        adapter.load("ollama", Model("gemma-4-e2b", "twin", str(broken)), Config())
    assert names(address) == []


def test_a_file_that_is_gone_is_said_before_anything_is_sent(start: Start, adapter: Ollama) -> None:
    discovered(adapter, start())
    with pytest.raises(ModelMissing):
        adapter.load("ollama", Model("gemma-4-e2b", "twin", "/nowhere/text.gguf"), Config())


def test_a_child_that_is_killed_leaves_nothing(start: Start) -> None:
    """As `matrix` does to one that passes its limit: its whole process group gets SIGKILL."""
    address = start()
    code = (
        "import sys, time\nfrom runtimeprobe_ollama import Ollama\nfrom runtimeprobe.contract import *\n"
        "from runtimeprobe.twins import files\n"
        "o = Ollama(); o.discover(Options(endpoints=(sys.argv[1],)))\n"
        "o.load('ollama', [m for m in o.models('ollama', files.candidates()) if m.weights == 'twin'][0], Config(threads=1))\n"
        "print('loaded', flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code, address], stdout=subprocess.PIPE, text=True, start_new_session=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "loaded\n"
        assert len(names(address)) == 1
        os.killpg(child.pid, signal.SIGKILL)
    assert waited(lambda: names(address) == [])


def test_a_real_model_is_loaded_under_its_own_name_and_stays(start: Start, adapter: Ollama) -> None:
    address = start("--model", f"gemma4:e2b={FILES}")
    discovered(adapter, address)
    model = next(item for item in adapter.models("ollama", ()) if isinstance(item, Model))
    assert isinstance(adapter.load("ollama", model, Config()), Loaded)
    assert ask(adapter) == CLIP.transcript
    adapter.unload()
    assert names(address) == ["gemma4:e2b"]
    server = Server(address)
    assert server.running("gemma4:e2b") is None
    server.close()


def test_a_model_that_is_not_there_is_missing(start: Start, adapter: Ollama) -> None:
    discovered(adapter, start())
    with pytest.raises(ModelMissing, match="model 'gemma4:e2b' not found"):
        adapter.load("ollama", Model("gemma-4-e2b", "real", "gemma4:e2b"), Config())


def test_a_remote_model_is_not_loaded(start: Start, adapter: Ollama) -> None:
    discovered(adapter, start("--remote-model", f"gemma4:e2b={FILES}"))
    with pytest.raises(ModelMissing, match="runs on https://ollama"):
        adapter.load("ollama", Model("gemma-4-e2b", "real", "gemma4:e2b"), Config())


def test_a_runner_that_dies_is_a_death_and_the_next_ask_is_answered(start: Start, adapter: Ollama) -> None:
    load(adapter, start("--behaviour", "runner-crash"))
    with pytest.raises(EngineDied, match="an error was encountered while running the model"):
        ask(adapter)
    assert adapter.ask(Ask(routes.CHAT, "Transcribe.", sampling=Sampling(), thinking=False)).text == "nothing"


def test_an_unknown_lever_or_value_is_no_silent_default(start: Start, adapter: Ollama) -> None:
    address = start()
    for levers, words in (
        ({"mirostat": "1"}, "no lever named mirostat"),
        ({"device": "moon"}, "cannot set device"),
        ({"seed": "x"}, "not a number"),
    ):
        with pytest.raises(LoadFailed, match=words):
            load(adapter, address, **levers)


def test_levers_reach_the_engine(start: Start, adapter: Ollama) -> None:
    load(adapter, start(), thinking="off")
    plain = adapter.ask(Ask(routes.CHAT, "Transcribe.", clip=str(CLIP.path)))
    assert plain.thinking == ""
    load(adapter, start(), thinking="on")
    assert adapter.ask(Ask(routes.CHAT, "Transcribe.", clip=str(CLIP.path))).thinking == "Listen.\n"


def test_what_cannot_be_asked(start: Start, adapter: Ollama, tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="No model is loaded"):
        ask(adapter)
    load(adapter, start())
    with pytest.raises(RouteMissing):
        ask(adapter, "chat.smoke_signals")
    with pytest.raises(AdapterError, match="There is no clip"):
        adapter.ask(Ask(routes.CHAT, "Transcribe.", clip=str(tmp_path / "none.wav")))
    noise = tmp_path / "noise.wav"
    noise.write_bytes(b"RIFF\0\0\0\0WAVE and no sound")
    with pytest.raises(AdapterError, match="Failed to load image or audio file"):
        adapter.ask(Ask(routes.CHAT, "Transcribe.", clip=str(noise)))


def test_another_models_answer_is_no_answer(start: Start, adapter: Ollama) -> None:
    load(adapter, start("--behaviour", "wrong-model"))
    with pytest.raises(BadReply, match="'gemma4:latest' answered"):
        ask(adapter)


def program(folder: Path, monkeypatch: pytest.MonkeyPatch, note: Path) -> None:
    """`ollama`, which is the emulator, and keeps a note of how it was started."""
    script = folder / "ollama"
    root = Path(__file__).parents[3]
    script.write_text(
        "#!/bin/sh\n"
        'if [ "$1" = --version ]; then echo "ollama version is 0.33.0"; exit; fi\n'
        f'echo "$* $OLLAMA_HOST $OLLAMA_MODELS" >> {note}\ncd {root}\n'
        f'exec {sys.executable} -m tests.emulators.ollama "$@" --model gemma4:e4b={FILES}\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def test_a_server_of_ours_is_started_for_what_is_done_and_ends_with_it(
    adapter: Ollama, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    note = tmp_path / "note"
    program(tmp_path, monkeypatch, note)
    (found,) = adapter.discover(Options())
    assert isinstance(found, Engine)
    assert (found.version, found.endpoint) == ("0.33.0", "")
    listed = adapter.models("ollama", files.candidates())
    assert ("gemma-4-e4b", "real") in [(model.model, model.weights) for model in listed]
    adapter.load("ollama", twin(adapter), Config(threads=1))
    assert ask(adapter) == CLIP.transcript
    words, address, store = note.read_text().splitlines()[-1].split()
    assert words == "serve"
    assert Path(store).is_dir()
    adapter.unload()
    assert not Path(store).exists()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])))


def test_a_server_that_does_not_start_is_said_by_load(adapter: Ollama, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = tmp_path / "ollama"
    script.write_text("#!/bin/sh\necho 'Error: no space left on device' >&2; exit 3\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    adapter.discover(Options())
    assert [model.weights for model in adapter.models("ollama", files.candidates()[:2])] == ["twin", "twin"]
    with pytest.raises(LoadFailed, match="exit code 3") as caught:
        adapter.load("ollama", twin(adapter), Config())
    assert caught.value.words == "Error: no space left on device"


def test_json_is_what_the_format_lever_makes_of_an_answer(start: Start, adapter: Ollama) -> None:
    load(adapter, start(), format="json", thinking="off")
    reply = adapter.ask(Ask(routes.CHAT, "Transcribe.", max_tokens=24))
    assert reply.text.lstrip().startswith("{")
