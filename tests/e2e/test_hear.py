"""One recording through one engine, as a user does it."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from runtimeprobe.audio import clips
from tests.e2e.conftest import Run

ENGINE = ("--engine", "xllamacpp", "--route", "chat.input_audio", "--model", "gemma-4-e2b")


@pytest.mark.parametrize("name", ["format-wav-16k-mono", "format-flac", "format-mp3", "format-ogg-vorbis", "format-wav-44k-stereo"])
def test_any_recording_is_heard_whatever_its_container(runtimeprobe: Run, name: str) -> None:
    clip = clips.load_manifest().clip(name)
    done = runtimeprobe("hear", str(clip.path), *ENGINE, "--json")
    assert done.returncode == 0, done.stderr
    heard = json.loads(done.stdout)
    assert heard["answer"] == clip.transcript
    assert heard["answer_to_silence"] != heard["answer"]
    assert heard["ingestion"].startswith("the sound reached the model")


def test_the_engine_that_drops_the_clip_is_found_out(runtimeprobe: Run) -> None:
    clip = clips.pair("twin").a
    done = runtimeprobe("hear", str(clip.path), "--engine", "llama-cpp-python", "--route", "chat.input_audio", "--model", "gemma-4-e2b")
    assert done.returncode == 0, done.stderr
    assert "the sound never reached the model: 0 tokens more than without sound" in done.stdout


def test_a_refusal_is_exit_code_1_with_the_runtimes_words(runtimeprobe: Run) -> None:
    done = runtimeprobe("hear", str(clips.pair("twin").a.path), "--engine", "mlx-lm", "--model", "gemma-4-e2b")
    assert done.returncode == 1
    assert "rejected" in done.stdout


def test_a_silent_recording_is_said_to_be_silent(runtimeprobe: Run, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "nothing.wav", np.zeros(16_000), 16_000)
    done = runtimeprobe("hear", "nothing.wav", *ENGINE)
    assert "the recording is silent" in done.stdout


def test_a_recording_too_long_for_the_model_says_how_to_cut_it(runtimeprobe: Run, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "long.wav", np.zeros(31 * 16_000), 16_000)
    done = runtimeprobe("hear", "long.wav", *ENGINE)
    assert done.returncode == 2
    assert "longer than the 30 s" in done.stderr
    assert "ffmpeg -ss 0" in done.stderr
