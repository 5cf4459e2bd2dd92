"""The main job, on every engine that runs here."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from runtimeprobe.results import json_schema
from tests.e2e.conftest import Run

MODELS = ("gemma-4-e2b", "gemma-4-e4b")
EXPECTED = {
    ("xllamacpp", "chat.input_audio"): "heard",
    ("xllamacpp", "audio.transcriptions"): "heard",
    ("llama-cpp-python", "chat.input_audio"): "ignored",
    ("llama-cpp-python", "chat.image_url"): "heard",
    ("mlx-vlm", "generate.audio"): "heard",
    ("mlx-vlm", "chat.input_audio"): "heard",
    ("mlx-vlm", "audio.transcriptions"): "rejected",  # "only support dedicated speech-to-text models"
    ("mlx-lm", "none"): "rejected",
    ("llama-server", "-"): "skipped",
    ("ollama", "-"): "skipped",
    ("lmstudio", "-"): "skipped",
}


@pytest.mark.timeout(900)
def test_every_engine_and_route_has_its_cell_for_both_models(real_run: tuple[dict[str, Any], str]) -> None:
    matrix, _ = real_run
    measured = {(cell["engine"], cell["route"], cell["model"]): cell["verdict"] for cell in matrix["cells"]}
    assert measured == {(*key, model): verdict for key, verdict in EXPECTED.items() for model in MODELS}, {
        key: cell["reason"] for cell in matrix["cells"] if (key := (cell["engine"], cell["route"], cell["model"]))
    }


def test_the_json_is_what_the_schema_says(real_run: tuple[dict[str, Any], str]) -> None:
    matrix, _ = real_run
    jsonschema.validate(matrix, json_schema())
    assert matrix["schema_version"] == 1
    assert matrix["complete"] is True
    assert not matrix["problems"]


def test_a_heard_cell_holds_its_proof(real_run: tuple[dict[str, Any], str]) -> None:
    for cell in real_run[0]["cells"]:
        if cell["verdict"] != "heard":
            continue
        evidence = cell["evidence"]
        assert evidence["wer_a"] == evidence["wer_b"] == 0.0
        assert evidence["depends_on_clip"] is True
        assert cell["answers"]["a"] != cell["answers"]["silence"]
        assert cell["digest"].startswith("sha256:")
        assert cell["engine_version"]
        assert cell["device"]
        assert cell["timing"]["peak_rss_bytes"] > 10 * 2**20
        assert cell["stages"]["load"]["status"] == "pass"
        assert cell["attempts"]


def test_the_dropped_clip_shows_in_the_token_counts(real_run: tuple[dict[str, Any], str]) -> None:
    cells = {(cell["engine"], cell["route"], cell["model"]): cell for cell in real_run[0]["cells"]}
    for model in MODELS:
        evidence = cells["llama-cpp-python", "chat.input_audio", model]["evidence"]
        assert evidence["control_tokens"] == evidence["a_tokens"] == evidence["b_tokens"]
        evidence = cells["llama-cpp-python", "chat.image_url", model]["evidence"]
        assert 20 <= evidence["tokens_per_second_of_audio"] <= 30


def test_skipped_cells_say_why_and_what_to_do(real_run: tuple[dict[str, Any], str]) -> None:
    for cell in real_run[0]["cells"]:
        if cell["verdict"] == "skipped":
            assert cell["reason"]
            assert cell["fix"]


def test_progress_and_table_are_on_stderr_when_json_is_on_stdout(real_run: tuple[dict[str, Any], str]) -> None:
    assert "[1/16] " in real_run[1]
    assert "Who really hears Gemma 4" in real_run[1]


def test_a_cell_is_reproduced_by_its_own_command(real_run: tuple[dict[str, Any], str], runtimeprobe: Run) -> None:
    cell = next(cell for cell in real_run[0]["cells"] if cell["verdict"] == "ignored")
    words = cell["reproduce"].split()
    assert words[:2] == ["runtimeprobe", "matrix"]
    again = runtimeprobe(*words[1:], "--json", "-")
    (same,) = json.loads(again.stdout)["cells"]
    assert (same["engine"], same["route"], same["verdict"]) == (cell["engine"], cell["route"], "ignored")


def test_formats_of_a_heard_route(runtimeprobe: Run, tmp_path: Path) -> None:
    words = ["--engine", "xllamacpp", "--route", "chat.input_audio", "--model", "gemma-4-e2b", "--attempts", "1"]
    done = runtimeprobe("matrix", *words, "--formats", "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    formats = {item["clip"]: item for item in json.loads((tmp_path / "out" / "matrix.json").read_text())["formats"]}
    assert formats["format-wav-16k-mono.wav"]["verdict"] == "heard"
    assert {item["container"] for item in formats.values()} >= {"WAV", "FLAC", "MP3"}
    assert "Containers and lengths" in (tmp_path / "out" / "matrix.txt").read_text()


@pytest.mark.parametrize(("worst", "code"), [("heard", 1), ("crashed", 0), ("rejected", 1)])
def test_fail_on_is_an_exit_code(runtimeprobe: Run, worst: str, code: int) -> None:
    done = runtimeprobe("matrix", "--engine", "mlx-lm", "--model", "gemma-4-e2b", "--attempts", "1", "--fail-on", worst)
    assert done.returncode == code, done.stderr
