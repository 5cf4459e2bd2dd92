"""Wrong use gets one clear line with the next step, exit code 2, and never a traceback."""

import os
import shutil
from pathlib import Path

import pytest

from runtimeprobe.twins import files
from tests.e2e.conftest import Run

ONE = ("--engine", "xllamacpp", "--route", "chat.input_audio", "--model", "gemma-4-e2b", "--attempts", "1")


def refused(done: object, *words: str) -> None:
    stderr, code = done.stderr, done.returncode  # type: ignore[attr-defined]
    assert code == 2, stderr
    assert "Traceback" not in stderr
    for word in words:
        assert word in stderr, stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("matrix", "--engine", "xllamacp"), "no engine named 'xllamacp'; did you mean xllamacpp?"),
        (("matrix", "--model", "gemma-4-e5b"), "did you mean gemma-4-e4b?"),
        (("matrix", "--runtime", "llama"), "did you mean llama.cpp?"),
        (("matrix", "--route", "chat.input_audios"), "did you mean chat.input_audio?"),
        (("matrix", "--shard", "3/2"), "is no shard; write I/N"),
        (("matrix", "--endpoint", "localhost:8080"), "is no URL; write http://HOST:PORT"),
        (("matrix", "--python", "/nowhere"), "no Python interpreter at '/nowhere'"),
        (("matrix", "--weights", "real", "--model-path", "/nowhere.gguf"), "/nowhere.gguf does not exist"),
        (("matrix", "--download"), "add --weights real"),
        (("matrix", "--attempts", "0"), "is not in the range"),
        (("matix",), "did you mean matrix?"),
        (("hear", "/nowhere.wav"), "no such file"),
        (("inspect", "/nowhere.gguf"), "nowhere.gguf: No such file or directory; check the path"),
    ],
)
def test_wrong_words(runtimeprobe: Run, words: tuple[str, ...], told: str) -> None:
    refused(runtimeprobe(*words), told)


def test_a_place_that_cannot_be_written_is_said_before_anything_is_measured(runtimeprobe: Run, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    done = runtimeprobe("matrix", *ONE, "--out", str(file / "below"))
    refused(done, "cannot write into", "choose another folder")
    assert "[1/1]" not in done.stderr
    refused(runtimeprobe("matrix", *ONE, "--json", str(tmp_path)), "is a folder")


def test_a_full_disk_loses_nothing(runtimeprobe: Run) -> None:
    if not Path("/dev/full").exists():
        pytest.fail("this test needs Linux's /dev/full")
    done = runtimeprobe("matrix", *ONE, "--json", "/dev/full")
    refused(done, "cannot write /dev/full")
    assert "Who really hears" in done.stdout
    kept = Path(done.stderr.rpartition("the results are in ")[2].split(" instead")[0])
    assert b'"verdict": "heard"' in kept.read_bytes()
    kept.unlink()
    assert Path("/dev/full").is_char_device()  # written to, not replaced


def test_two_runs_in_one_folder_leave_whole_files(runtimeprobe: Run, tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: runtimeprobe("matrix", *ONE, "--out", str(tmp_path / "same")), range(2)))
    assert [item.returncode for item in done] == [0, 0]
    assert sorted(item.name for item in (tmp_path / "same").iterdir()) == ["matrix.json", "matrix.txt"]


def test_a_recording_that_is_no_sound(runtimeprobe: Run, tmp_path: Path) -> None:
    file = tmp_path / "notes.wav"
    file.write_text("not sound")
    refused(runtimeprobe("hear", str(file), "--engine", "xllamacpp"), "not a sound file")
    file.write_bytes(b"")
    refused(runtimeprobe("hear", str(file), "--engine", "xllamacpp"), "empty file")


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """The shipped twin's files in a folder of the user's, to be broken."""
    folder = tmp_path / "models"
    shutil.copytree(files.folder() / "twin-e2b", folder)
    shutil.rmtree(folder / "hf")
    return folder


@pytest.mark.parametrize("cut", [100, 5000, 200_000])
def test_a_model_that_is_cut_off_is_named_and_the_rest_goes_on(runtimeprobe: Run, damaged: Path, cut: int) -> None:
    text = damaged / "text.gguf"
    os.truncate(text, cut)
    done = runtimeprobe("matrix", "--weights", "all", "--model-path", str(damaged), *ONE)
    assert done.returncode == 0, done.stderr
    assert "text.gguf" in done.stderr
    assert "heard" in done.stdout


def test_inspect_names_what_is_wrong(runtimeprobe: Run, damaged: Path) -> None:
    with (damaged / "text.gguf").open("r+b") as file:
        file.seek(16)
        file.write(b"\xff" * 8)  # claims 2^64 - 1 keys
    refused(runtimeprobe("inspect", str(damaged / "text.gguf")), "text.gguf", "byte")
