"""Ctrl-C keeps what is measured, prints it, and leaves no child behind."""

import json
import signal
import subprocess
import time
from pathlib import Path

import psutil

from tests.e2e.conftest import BIN


def hear_ctrl_c() -> None:
    """A shell that puts the tests into the background has them ignore SIGINT, and what they start inherits that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_after_the_first_cell(tmp_path: Path) -> None:
    words = [str(BIN / "runtimeprobe"), "matrix", "--runtime", "llama.cpp", "--attempts", "8", "--json", "out.json"]
    with subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        preexec_fn=hear_ctrl_c,  # noqa: PLW1509 (no thread runs here)
    ) as process:
        assert process.stderr
        line = process.stderr.readline()
        assert line.startswith("[1/"), line
        time.sleep(0.3)
        until = time.monotonic() + 10
        # Between two engines there is none for a moment.
        while not (children := psutil.Process(process.pid).children(recursive=True)):
            assert time.monotonic() < until
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        stdout, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted: this is what was measured until then" in stdout
    matrix = json.loads((tmp_path / "out.json").read_text())
    assert matrix["complete"] is False
    assert matrix["cells"][0]["verdict"] == "heard"
    assert any("interrupted" in cell["reason"] for cell in matrix["cells"] if cell["verdict"] == "skipped")
    _, alive = psutil.wait_procs(children, timeout=5)
    assert not alive


def test_a_killed_parent_takes_its_children_along(tmp_path: Path) -> None:
    words = [str(BIN / "runtimeprobe"), "matrix", "--runtime", "llama.cpp"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stderr
        process.stderr.readline()
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.communicate(timeout=60)
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive
