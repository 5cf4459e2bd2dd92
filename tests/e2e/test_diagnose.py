"""`runtimeprobe diagnose` as a user runs it, on real llama.cpp: planted faults, a healthy file, and the same behind both servers."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.diagnose.faults.plant import plant, twin
from tests.e2e.conftest import BIN
from tests.emulators.engine import LAUNCHER
from tests.emulators.serving import started

LOOPING = "values-dropped-once"  # a loop that no template, sampling or end token is to blame for, so every server shows it
LIMIT_S = 60


def diagnose(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([BIN / "runtimeprobe", "diagnose", *words], capture_output=True, text=True, timeout=200, check=False)


def report(*words: str) -> dict[str, Any]:
    done = diagnose(*words, "--json", "-")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_a_foreign_template_is_found_tried_and_cured_within_a_minute(tmp_path: Path) -> None:
    file = plant("wrong-family-template", twin(), tmp_path).file
    began = time.monotonic()
    found = report(str(file), "--issue", str(tmp_path / "issue.md"))
    assert time.monotonic() - began < LIMIT_S
    assert found["schema_version"] == 1
    assert found["baseline"]["loops"] > 0
    assert found["baseline"]["class"]
    assert found["causes"][0] == "C1"
    assert found["cure"]["config"] == {"template": "gemma-4.jinja"}
    assert found["cure"]["loops"] == 0
    assert found["cure"]["runs"] >= 40
    assert found["cure"]["upper_bound"] < 0.08
    assert {"llama-server", "modelfile", "lmstudio", "python"} == set(found["cure"]["as"])
    assert {pull["effect"] for pull in found["ablation"]} >= {"cures"}
    issue = (tmp_path / "issue.md").read_text()
    assert "C1" in issue
    assert str(tmp_path) not in issue.replace(str(file), "")


def test_a_metadata_fault_is_mended_in_a_copy_and_the_flags_that_do_the_same_are_said(tmp_path: Path) -> None:
    file = plant("turn-end-unknown", twin(), tmp_path).file
    before = file.read_bytes()
    found = report(str(file))
    assert found["causes"] == ["T6"]
    assert "--override-kv tokenizer.ggml.eos_token_id=int:" in found["cure"]["as"]["llama-server"]
    assert file.read_bytes() == before


def test_a_healthy_file_is_blamed_for_nothing() -> None:
    found = report(str(twin()))
    assert (found["causes"], found["cure"], found["ablation"]) == ([], None, [])
    assert found["baseline"]["loops"] == 0


def test_a_fault_that_does_not_make_it_loop_is_found_in_the_file(tmp_path: Path) -> None:
    done = diagnose(str(plant("softcap-300", twin(), tmp_path).file))
    assert "does not loop here" in done.stdout
    assert "G1" in done.stdout


def test_how_it_is_run_is_part_of_the_question() -> None:
    found = report(str(twin()), "--lever", "thinking=on")
    assert found["causes"][0] == "C5"
    assert found["cure"]["config"] == {"thinking": "off"}


def test_a_budget_ends_it_and_what_is_known_is_reported(tmp_path: Path) -> None:
    found = report(str(plant("merges-few", twin(), tmp_path).file), "--budget", "500t")
    assert found["complete"] is False
    assert found["baseline"]["runs"] >= 1
    assert "T9" in found["causes"]


def test_static_runs_nothing(tmp_path: Path) -> None:
    found = report(str(plant("merges-few", twin(), tmp_path).file), "--static")
    assert found["cost"]["runs"] == 0
    assert [finding["id"] for finding in found["findings"] if finding["status"] == "found" and finding["confidence"] != "low"] == ["T9"]


def test_a_loop_is_an_exit_code_if_asked_for(tmp_path: Path) -> None:
    file = str(plant("merges-few", twin(), tmp_path).file)
    assert diagnose(file, "--budget", "3000t", "--fail-on-loop").returncode == 1
    assert diagnose(str(twin()), "--fail-on-loop").returncode == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nowhere.gguf",), "there is no file nowhere.gguf"),
        (("ollama:gemma4:31b", "--no-start", "--endpoint", "http://127.0.0.1:1"), "No server answers|nothing answers|has no"),
        ((str(twin()), "--lever", "temprature=0"), "did you mean temperature"),
        ((str(twin()), "--lever", "temperature"), "write NAME=VALUE"),
        ((str(twin()), "--lever", "context=lots"), "context cannot be 'lots'; give a number such as 2048 or"),
        ((str(twin()), "--lever", "kv_type_k=q4"), "kv_type_k cannot be 'q4'; give f16 or"),
        (("llamacpp:http://127.0.0.1:9",), "Error: llama-server: No server answers at http://127.0.0.1:9"),
        ((str(twin()), "--budget", "soon"), "is no budget"),
        ((str(Path(__file__)),), "GGUF"),
    ],
)
def test_bad_input_is_one_clear_line(words: tuple[str, ...], says: str) -> None:
    done = diagnose(*words)
    assert done.returncode == 2
    assert any(part in done.stderr for part in says.split("|")), done.stderr
    assert "Traceback" not in done.stderr


def test_a_real_llama_server_is_told_the_same_cause_and_only_its_asks_are_changed(tmp_path: Path) -> None:
    file = plant(LOOPING, twin(), tmp_path).file
    command = [sys.executable, str(LAUNCHER), "--model", str(file), "--say-address"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        try:
            found = report(f"llamacpp:{process.stdout.readline().strip()}", "--file", str(file), "--timeout", "60")
        finally:
            process.kill()
    assert found["runtime"]["engine"] == "llama-server"
    assert found["baseline"]["loops"] > 0
    assert found["causes"][0] == "G2"
    tried = {name for pull in found["ablation"] for name in pull["lever"].split(" + ")}
    assert tried
    assert tried <= {"sampling", "thinking", "stop", "repeat_penalty"}


def test_a_folder_runs_on_mlx_and_what_a_healthy_runtime_does_by_itself_is_no_cause() -> None:
    found = report(f"mlx:{twin().parent / 'hf'}", "--timeout", "60")
    assert found["runtime"]["engine"] in {"mlx-lm", "mlx-vlm"}
    assert (found["baseline"]["loops"], found["baseline"]["failures"], found["causes"]) == (0, 0, [])
    assert any(finding["id"] == "S1" and finding["status"] == "found" for finding in found["findings"])


@pytest.mark.parametrize("server", ["ollama", "lmstudio"])
def test_the_same_cause_is_told_of_a_model_behind_a_server(server: str, tmp_path: Path) -> None:
    file = plant(LOOPING, twin(), tmp_path).file
    folder = tmp_path / "models" / "google" / "gemma-4-31b"
    folder.mkdir(parents=True)
    shutil.copy(file, folder / "gemma-4-31b-it.gguf")
    options = ["--model", f"gemma4:31b={file}"] if server == "ollama" else ["--models-folder", str(tmp_path / "models")]
    name = "ollama:gemma4:31b" if server == "ollama" else "lmstudio:gemma-4-31b"
    with started(f"tests.emulators.{server}", *options) as (address, _):
        found = report(name, "--endpoint", address, "--file", str(file), "--timeout", "60")
    assert found["runtime"]["engine"] == server
    assert found["baseline"]["loops"] + found["baseline"]["failures"] > 0
    assert found["causes"][0] == "G2"
    assert all(pull["lever"] != "template" for pull in found["ablation"])
