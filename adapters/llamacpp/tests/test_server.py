"""llama-server, started by us and found at an endpoint. The program behind both is llama.cpp's own server (see launcher.py)."""

import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from runtimeprobe.contract import (
    Absent,
    AdapterError,
    Ask,
    Candidate,
    Claim,
    Config,
    Engine,
    LoadFailed,
    Model,
    ModelMissing,
    Options,
    Sampling,
)
from runtimeprobe_llamacpp import LlamaCpp

ENGINE, CHAT, ASR = "llama-server", "chat.input_audio", "audio.transcriptions"


def greedy(route: str, clip: str = "", *, max_tokens: int = 12) -> Ask:
    return Ask(route, "Transcribe.", clip, max_tokens, Sampling(), False)


def found(adapter: LlamaCpp, options: Options) -> Engine | Absent:
    (item,) = [item for item in adapter.discover(options) if item.name == ENGINE]
    return item


def descendants() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def gone(processes: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=15)
    return not alive


@pytest.mark.usefixtures("server_on_path")
def test_a_server_of_ours_hears_on_both_routes_and_leaves_no_process(
    model: Model, clip_a: str, sound_tokens: Callable[[str], int], config: Config
) -> None:
    adapter = LlamaCpp()
    engine = found(adapter, Options())
    assert isinstance(engine, Engine)
    assert engine.version == engine.build
    assert engine.build.startswith("b")
    before = descendants()
    loaded = adapter.load(ENGINE, model, dataclasses.replace(config, context_tokens=2048, levers={"parallel": "2"}))
    started = [process for process in descendants() if process not in before]
    assert started
    assert (loaded.claim, loaded.device, loaded.details["total_slots"]) == (Claim.YES, "CPU", 2)
    control = adapter.ask(greedy(CHAT)).prompt_tokens or 0
    assert adapter.ask(greedy(CHAT, clip_a)).prompt_tokens == control + sound_tokens(clip_a)
    assert adapter.ask(greedy(ASR, clip_a)).prompt_tokens == control + sound_tokens(clip_a)
    adapter.unload()
    adapter.unload()
    assert gone(started)


@pytest.mark.usefixtures("server_on_path")
def test_a_server_that_ends_while_loading_is_a_failed_load_with_its_words_and_leaves_no_process(
    model: Model, tmp_path: Path, config: Config
) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(Path(model.name).read_bytes()[:1_000_000])
    before = descendants()
    with pytest.raises(LoadFailed) as caught:
        LlamaCpp().load(ENGINE, Model("gemma-4-e2b", "twin", str(cut)), config)
    assert "not within the file bounds" in caught.value.words
    assert gone([process for process in descendants() if process not in before])


@pytest.mark.usefixtures("server_on_path")
def test_a_server_killed_between_asks_is_told_apart_from_a_bad_reply(model: Model, clip_a: str, config: Config) -> None:
    adapter = LlamaCpp()
    before = descendants()
    adapter.load(ENGINE, model, config)
    started = [process for process in descendants() if process not in before]
    for process in started:
        if "--port" in process.cmdline() and "guard.py" not in " ".join(process.cmdline()):
            process.kill()
    with pytest.raises(AdapterError, match=r"llama-server died in the middle of an answer \(killed by signal 9\)"):
        adapter.ask(greedy(CHAT, clip_a))
    adapter.unload()
    assert gone(started)


@pytest.mark.usefixtures("server_on_path")
def test_a_server_does_not_outlive_a_killed_adapter(model: Model) -> None:
    program = (
        "import time; from runtimeprobe_llamacpp import LlamaCpp; from runtimeprobe.contract import Model, Config, Options\n"
        "adapter = LlamaCpp(); adapter.discover(Options())\n"
        f"adapter.load({ENGINE!r}, Model('gemma-4-e2b', 'twin', {model.name!r}), Config(threads=1))\n"
        "print('loaded', flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "loaded\n"
        started = psutil.Process(child.pid).children(recursive=True)
        assert started
        os.kill(child.pid, signal.SIGKILL)
    assert gone(started)


def test_without_the_program_the_engine_is_absent_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    absent = found(LlamaCpp(), Options())
    assert isinstance(absent, Absent)
    assert absent.reason == "not on PATH"
    assert "--endpoint" in absent.fix


@pytest.mark.usefixtures("server_on_path")
def test_no_server_is_started_where_that_is_switched_off() -> None:
    assert isinstance(found(LlamaCpp(), Options(start_servers=False)), Absent)


def test_a_server_at_an_endpoint_is_used_as_it_is(
    endpoint: str, twin: Candidate, clip_a: str, sound_tokens: Callable[[str], int], config: Config
) -> None:
    adapter = LlamaCpp()
    engine = found(adapter, Options(endpoints=(endpoint,)))
    assert isinstance(engine, Engine)
    assert engine.endpoint == endpoint
    (served,) = adapter.models(ENGINE, [twin])
    assert (served.model, served.weights, served.claim) == (twin.model, twin.weights, Claim.YES)
    assert served.digest.startswith("sha256:")
    loaded = adapter.load(ENGINE, served, config)
    assert loaded.claim is Claim.YES
    control = adapter.ask(greedy(CHAT)).prompt_tokens or 0
    assert adapter.ask(greedy(CHAT, clip_a)).prompt_tokens == control + sound_tokens(clip_a)
    adapter.unload()


def test_a_server_that_somebody_else_started_has_no_lever_of_its_load(endpoint: str, twin: Candidate, config: Config) -> None:
    adapter = LlamaCpp()
    found(adapter, Options(endpoints=(endpoint,)))
    names = {lever.name for lever in adapter.levers(ENGINE)}
    assert {"temperature", "thinking", "stop"} <= names
    assert not names & {"context", "template", "bos", "flash_attention", "device"}
    (served,) = adapter.models(ENGINE, [twin])
    with pytest.raises(LoadFailed, match="no lever named context"):
        adapter.load(ENGINE, served, dataclasses.replace(config, levers={"context": "8192"}))


def test_a_model_the_endpoint_does_not_serve_is_missing(endpoint: str, config: Config) -> None:
    adapter = LlamaCpp()
    found(adapter, Options(endpoints=(endpoint,)))
    with pytest.raises(ModelMissing, match="does not serve another"):
        adapter.load(ENGINE, Model("gemma-4-e2b", "real", "another"), config)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://192.0.2.1:8080", "192.0.2.1 is not this machine"),
        ("http://127.0.0.1.example.org", "is not this machine"),
        ("http://user:secret@127.0.0.1:1", "not the address of a server"),
        ("file:///etc/passwd", "not the address of a server"),
        ("http://127.0.0.1:99999", "not the address of a server"),
        ("http://127.0.0.1:1", "No server answers"),
    ],
)
def test_an_address_that_may_not_or_cannot_be_used_makes_the_engine_absent(address: str, reason: str) -> None:
    started = time.perf_counter()
    absent = found(LlamaCpp(), Options(endpoints=(address,)))
    assert isinstance(absent, Absent)
    assert reason in absent.reason
    assert time.perf_counter() - started < 5
