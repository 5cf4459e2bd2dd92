"""Runs the command line as a user does: in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

BIN = Path(sys.executable).parent
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def runtimeprobe(tmp_path: Path) -> Run:
    """`runtimeprobe(*words)` in an empty folder."""

    def run(*words: str, limit_s: float = 280, **more: Any) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [BIN / "runtimeprobe", *words], capture_output=True, text=True, timeout=limit_s, cwd=tmp_path, check=False, **more
        )

    return run


@pytest.fixture(scope="session")
def real_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    """One whole `matrix` run over every engine here: its JSON, and what it said on stderr."""
    folder = tmp_path_factory.mktemp("run")
    done = subprocess.run(
        [BIN / "runtimeprobe", "matrix", "--json", "-", "--attempts", "1"],
        capture_output=True,
        text=True,
        timeout=600,
        cwd=folder,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr
