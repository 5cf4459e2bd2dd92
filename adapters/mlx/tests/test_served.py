"""mlx-vlm's own server, started by the adapter, on the shipped twin."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from runtimeprobe.contract import AdapterError, Ask, Config, Model, Rejected, Sampling
from runtimeprobe_mlx import Mlx
from runtimeprobe_mlx.server import Server

Describe = Callable[[str, Path], Model]
CHAT = Ask("chat.input_audio", "Transcribe.", max_tokens=16, sampling=Sampling(), thinking=False)
HOLD = """
import json, sys, time
from runtimeprobe.contract import Ask, Candidate, Config
from runtimeprobe_mlx import Mlx
adapter = Mlx()
(model,) = adapter.models("mlx-vlm", [Candidate("gemma-4-e2b", "twin", hf_folder=sys.argv[1])])
adapter.load("mlx-vlm", model, Config())
adapter.ask(Ask("chat.input_audio", "Hello", max_tokens=1))
print(adapter.served.server.process.pid, flush=True)
time.sleep(600)
"""


def test_the_clip_is_heard(vlm: Mlx, clip_a: str, clip_b: str) -> None:
    assert vlm.ask(replace(CHAT, clip=clip_a)).text.strip() == "three nine"
    assert vlm.ask(replace(CHAT, clip=clip_b)).text.strip() == "one four seven two six"


def test_it_counts_the_same_tokens_as_in_process(vlm: Mlx, clip_a: str) -> None:
    for ask in (CHAT, replace(CHAT, clip=clip_a), replace(CHAT, clip=clip_a, thinking=True)):
        assert vlm.ask(ask).prompt_tokens == vlm.ask(replace(ask, route="generate.audio")).prompt_tokens


def test_thinking_is_off_by_default(vlm: Mlx) -> None:
    off, default, on = (vlm.ask(replace(CHAT, thinking=value, max_tokens=1)).prompt_tokens for value in (False, None, True))
    assert default == off != on


def test_times_are_reported_without_the_servers_start(vlm: Mlx, clip_a: str) -> None:
    reply = vlm.ask(replace(CHAT, clip=clip_a))
    assert reply.first_token_seconds is not None
    assert 0 < reply.first_token_seconds <= reply.seconds
    assert reply.finish_reason in ("stop", "length")
    assert reply.raw["usage"]["prompt_tokens"] == reply.prompt_tokens


def test_transcriptions_refuses_a_chat_model_in_the_servers_own_words(vlm: Mlx, clip_a: str) -> None:
    with pytest.raises(Rejected) as caught:
        vlm.ask(replace(CHAT, route="audio.transcriptions", clip=clip_a))
    assert "only support dedicated speech-to-text" in caught.value.words


@pytest.mark.parametrize("data", [b"", b"junk" * 1000])
def test_a_clip_that_is_no_sound_is_refused_and_never_taken_for_no_clip(vlm: Mlx, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "clip.wav").write_bytes(data)
    with pytest.raises(Rejected):
        vlm.ask(replace(CHAT, clip=str(tmp_path / "clip.wav")))


def test_a_clip_that_is_not_there_is_an_error_of_the_contract(vlm: Mlx, tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="cannot be read"):
        vlm.ask(replace(CHAT, clip=str(tmp_path / "nowhere.wav")))


def test_a_server_that_dies_between_asks_is_started_again(vlm: Mlx) -> None:
    before = vlm.ask(CHAT)
    assert vlm.served
    first = vlm.served.server.process
    first.kill()
    first.wait()
    assert vlm.ask(CHAT).text == before.text
    assert vlm.served.server.process.pid != first.pid


def test_a_server_that_dies_during_an_ask_is_an_error_with_its_exit_code(vlm: Mlx) -> None:
    vlm.ask(CHAT)
    assert vlm.served
    served = vlm.served
    served.server.process.kill()
    with pytest.raises(AdapterError, match=r"died \(exit code -9\)"):
        served.ask(CHAT)


def test_unload_leaves_no_server_behind(twin_copy: Path, describe: Describe) -> None:
    adapter = Mlx()
    adapter.load("mlx-vlm", describe("mlx-vlm", twin_copy), Config())
    adapter.ask(replace(CHAT, max_tokens=1))
    assert adapter.served
    pid = adapter.served.server.process.pid
    adapter.unload()
    assert not psutil.pid_exists(pid)
    adapter.unload()


def test_a_server_that_does_not_start_says_why_and_is_gone() -> None:
    with pytest.raises(AdapterError, match="exit code 2 instead of starting") as caught:
        Server(Config(levers={"prefill_step_size": "many"}))
    assert "invalid int value: 'many'" in caught.value.words


def test_the_server_ends_when_the_adapter_is_killed(twin_copy: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(twin_copy)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as adapter:
        assert adapter.stdout
        pid = int(adapter.stdout.readline())
        server = psutil.Process(pid)
        os.kill(adapter.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs([server], timeout=10)
    assert alive == [] or alive[0].status() == psutil.STATUS_ZOMBIE


def test_a_large_model_is_held_once(twin_copy: Path, describe: Describe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtimeprobe_mlx.adapter.BOTH_BYTES", 0)
    adapter = Mlx()
    adapter.load("mlx-vlm", describe("mlx-vlm", twin_copy), Config())
    adapter.ask(replace(CHAT, max_tokens=1))
    assert adapter.here is None
    adapter.ask(replace(CHAT, route="generate.audio", max_tokens=1))
    assert adapter.here is not None
    assert adapter.served is None
    adapter.unload()
