"""`--python` probes the engine of another environment, which has neither this tool nor its dependencies."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import BIN, Run

OLDER = "2026.9.11063"  # a release before the one in constraints.txt


@pytest.mark.timeout(600)
def test_another_environments_older_release(runtimeprobe: Run, tmp_path: Path) -> None:
    environment = tmp_path / "older"
    subprocess.run([BIN / "uv", "--quiet", "venv", "--python", sys.executable, environment], check=True, timeout=120)
    subprocess.run([BIN / "uv", "--quiet", "pip", "install", "--python", environment, f"xllamacpp=={OLDER}"], check=True, timeout=250)
    held = subprocess.run(
        [BIN / "uv", "pip", "list", "--python", environment, "--format", "json"], capture_output=True, text=True, check=True
    )
    assert {item["name"] for item in json.loads(held.stdout)} == {"xllamacpp"}
    words = ["--engine", "xllamacpp", "--route", "chat.input_audio", "--model", "gemma-4-e2b", "--attempts", "1"]
    done = runtimeprobe("matrix", "--python", str(environment), *words, "--json", "-")
    assert done.returncode == 0, done.stderr
    (cell,) = json.loads(done.stdout)["cells"]
    assert cell["engine_version"] == OLDER
    assert cell["build"] == "b11063"
    assert cell["verdict"] == "heard", cell["reason"]
    assert str(environment) in cell["reproduce"]
