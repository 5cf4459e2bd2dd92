"""The command line's promises: a light start, a published schema, help that fits the README."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

from runtimeprobe.cli import COMMANDS, group
from runtimeprobe.contract import Claim
from runtimeprobe.results import Cell, Host, Matrix, Verdict, decode, encode, json_schema

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("numpy", "librosa", "soundfile", "jiwer", "rich", "httpx", "msgspec", "gguf", "huggingface_hub", "psutil", "jinja2")


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from runtimeprobe.cli import group; group(['-h'], standalone_mode=False); print(list(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not [name for name in HEAVY if f"'{name}'" in done.stderr]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_stands_in_the_readme(name: str) -> None:
    done = CliRunner().invoke(group, [name, "--help"])
    assert done.exit_code == 0, done.output
    assert f"`runtimeprobe {name}" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_schema_command_prints_the_schema() -> None:
    done = CliRunner().invoke(group, ["schema"])
    assert json.loads(done.output) == json.loads(json.dumps(json_schema()))


def test_completion_for_each_shell() -> None:
    for shell in ("bash", "zsh", "fish"):
        assert "_RUNTIMEPROBE_COMPLETE" in CliRunner().invoke(group, ["completion", shell]).output


def test_results_survive_the_trip_through_json_and_fit_the_schema() -> None:
    cell = Cell(runtime="r", engine="e", route="x", model="m", weights="twin", claim=Claim.YES, verdict=Verdict.HEARD, reason="heard")
    host = Host(os="Linux", arch="x86_64", cpu="", gpu="", memory_bytes=1, python="3.11")
    matrix = Matrix(created="2026-11-24T02:17:00Z", host=host, hearing_test="1", cells=(cell,))
    assert decode(encode(matrix)) == matrix
    jsonschema.validate(json.loads(encode(matrix)), json_schema())


def test_the_fields_others_rely_on_are_there() -> None:
    """DESIGN's schema_version 1, field by field."""
    definitions = json_schema()["$defs"]
    assert set(definitions["Matrix"]["properties"]) >= {"schema_version", "created", "host", "cells"}
    assert set(definitions["Host"]["properties"]) == {"os", "arch", "cpu", "gpu", "memory_bytes", "python"}
    assert set(definitions["Cell"]["properties"]) >= {
        "runtime", "engine", "engine_version", "build", "device", "route", "model", "weights", "quantization", "digest", "claim", "verdict",
        "reason", "stages", "evidence", "answers", "attempts", "pass_rate", "timing", "reproduce", "issues",
    }  # fmt: skip
    assert set(definitions["Stages"]["properties"]) == {"load", "ingest", "infer", "output"}
    assert set(definitions["Evidence"]["properties"]) >= {
        "control_tokens", "a_tokens", "b_tokens", "expected_a", "expected_b", "tokens_per_second_of_audio", "wer_a", "wer_b",
        "depends_on_clip", "loop",
    }  # fmt: skip
    assert set(definitions["Answers"]["properties"]) >= {"control", "a", "b", "silence"}
    assert set(definitions["Timing"]["properties"]) == {"ttft_s", "tokens_per_s", "audio_rtf", "peak_rss_bytes"}
