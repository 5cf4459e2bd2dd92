"""Real engines on the shipped twin and the shipped clips."""

import json
import os
import stat
import subprocess
import sys
import tomllib
import urllib.request
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runtimeprobe.contract import Candidate, Config, Model
from runtimeprobe_llamacpp import LlamaCpp

SAMPLES = Path(__file__).parents[3] / "audio_samples"
LAUNCHER = Path(__file__).with_name("launcher.py")


@pytest.fixture(scope="session")
def twin() -> Candidate:
    from runtimeprobe.twins import files

    return next(candidate for candidate in files.candidates() if candidate.model == "gemma-4-e2b")


@pytest.fixture(scope="session")
def model(twin: Candidate) -> Model:
    (described,) = LlamaCpp().models("xllamacpp", [twin])
    return described


@pytest.fixture(scope="session")
def config() -> Config:
    """One thread: the twin is so small that on a busy machine its threads would only wait for each other."""
    return Config(threads=1)


@pytest.fixture(scope="session")
def clip_a() -> str:
    return str(SAMPLES / "digits-1a.wav")


@pytest.fixture(scope="session")
def clip_b() -> str:
    return str(SAMPLES / "digits-1b.wav")


@pytest.fixture(scope="session")
def spoken() -> dict[str, str]:
    """What is said in each clip, by path."""
    manifest = tomllib.loads((SAMPLES / "manifest.toml").read_text(encoding="utf-8"))
    return {str(SAMPLES / clip["file"]): clip["transcript"] for clip in manifest["clip"]}


@pytest.fixture(scope="session")
def sound_tokens() -> Callable[[str], int]:
    """What a clip adds to a prompt: its soft tokens and the two markers around them.

    Frames of the mel front end (16 kHz, hop 160, frame 320), halved twice by the subsampling.
    """

    def count(clip: str) -> int:
        with wave.open(clip, "rb") as sound:
            samples = sound.getnframes() * 16000 // sound.getframerate()
        tokens = (samples + 160 - 321) // 160 + 1
        for _ in range(2):
            tokens = (tokens - 1) // 2 + 1
        return tokens + 2

    return count


@pytest.fixture
def server_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `llama-server` on PATH: llama.cpp's own server out of xllamacpp, under the program's name and flags."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "llama-server"
    script.write_text(f"#!/bin/sh\nexec '{sys.executable}' '{LAUNCHER}' \"$@\"\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return script


@pytest.fixture(scope="module")
def endpoint(twin: Candidate) -> Iterator[str]:
    """A server that somebody else started."""
    command = [
        sys.executable,
        str(LAUNCHER),
        "--model",
        twin.text_gguf,
        "--mmproj",
        twin.projector_gguf,
        "--ctx-size",
        "2048",
        "--say-address",
    ]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        try:
            yield address
            with urllib.request.urlopen(f"{address}/health", timeout=10) as page:  # noqa: S310  (still there: the adapter never stops it)
                assert json.load(page) == {"status": "ok"}
        finally:
            process.kill()
