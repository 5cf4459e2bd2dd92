"""`runtimeprobe timeline` as a user runs it: real releases from the package index, programs, servers, and mistakes."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import BIN, Run

ROOT = Path(__file__).resolve().parents[2]
INDEX, NOBODY = "UV_DEFAULT_INDEX", "http://127.0.0.1:9"  # where nobody listens
OLD, NEW = "2026.4.8672.1", "2026.4.8929"  # around the pull request that brought sound to llama.cpp (b8766)


@pytest.fixture
def cache(tmp_path: Path) -> dict[str, str]:
    """A cache folder of the test's own."""
    return os.environ | {
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache/uv")),
    }


@pytest.mark.timeout(600)
def test_a_real_engine_began_to_hear_between_two_real_releases(runtimeprobe: Run, cache: dict[str, str], tmp_path: Path) -> None:
    words = ["timeline", "xllamacpp", "--from", OLD, "--to", NEW, "--model", "gemma-4-e2b", "--json", "t.json", "--markdown", "t.md"]
    done = runtimeprobe(*words, env=cache, limit_s=500)
    assert done.returncode == 0, done.stderr
    timeline = json.loads((tmp_path / "t.json").read_text())
    verdicts = {(cell["engine_version"], cell["verdict"]) for cell in timeline["cells"]}
    assert verdicts == {(OLD, "rejected"), (NEW, "heard")}
    (change,) = {json.dumps(track["changes"][0]) for track in timeline["story"] if track["route"] == "chat.input_audio"}
    change = json.loads(change)
    assert (change["before"]["build"], change["after"]["build"]) == ("b8672", "b8929")
    assert change["compare"].endswith("/b8672...b8929")
    assert "https://github.com/ggml-org/llama.cpp/pull/21421" in dict(change["known"])
    assert "heard since 2026.4.8929 (2026-04-27, b8929)" in done.stdout
    assert f"`runtimeprobe timeline xllamacpp --only {OLD} --again`" in (tmp_path / "t.md").read_text()
    assert str(tmp_path) not in (tmp_path / "t.json").read_text()
    again = runtimeprobe(*words, env=cache)
    assert again.stderr.count("(known)") == 2
    cell = next(item for item in timeline["cells"] if item["verdict"] == "heard")
    reproduced = runtimeprobe(*cell["reproduce"].split()[1:], "--json", "-", env=cache, limit_s=200)
    (same,) = json.loads(reproduced.stdout)["cells"]
    assert (same["engine_version"], same["verdict"], same["answers"]["a"]) == (NEW, "heard", cell["answers"]["a"])
    removed = runtimeprobe("timeline", "xllamacpp", "--clean", env=cache)
    assert removed.returncode == 0
    assert "removed 2 environments" in removed.stderr


def program(folder: Path, name: str, *command: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(f'#!/bin/sh\nexport PYTHONPATH={ROOT}\nexec {" ".join(command)} "$@"\n')
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


@pytest.mark.timeout(300)
def test_programs_are_given_by_version(runtimeprobe: Run, cache: dict[str, str], tmp_path: Path) -> None:
    server = program(tmp_path / "bin", "server-of-today", sys.executable, str(ROOT / "adapters/llamacpp/tests/launcher.py"))
    broken = program(tmp_path / "bin", "server-of-old", "false")
    words = ["--binary", f"b1={broken}", "--binary", f"b2={server}", "--model", "gemma-4-e2b", "--route", "chat.input_audio", "--json", "-"]
    done = runtimeprobe("timeline", "llama-server", *words, env=cache)
    assert done.returncode == 0, done.stderr
    old, new = json.loads(done.stdout)["cells"]
    assert (old["engine_version"], old["verdict"]) == ("b1", "failed")
    assert f"--binary b1={broken}" in old["reproduce"]
    assert (new["engine_version"], new["verdict"]) == ("b2", "heard")
    assert any("calls itself" in note for note in new["notes"])
    assert f"--binary b2={server}" in new["reproduce"]


@pytest.mark.timeout(300)
def test_an_ollama_of_a_given_version_is_started_whatever_else_runs(runtimeprobe: Run, cache: dict[str, str], tmp_path: Path) -> None:
    emulator = [sys.executable, "-m", "tests.emulators.ollama"]
    healthy = program(tmp_path / "new", "ollama", *emulator, "--version", "0.33.0")
    deaf = program(tmp_path / "old", "ollama", *emulator, "--version", "0.20.0", "--behaviour", "audio-ignored")
    words = ["--binary", f"0.33.0={healthy}", "--binary", f"0.20.0={deaf}", "--model", "gemma-4-e2b", "--route", "api.chat.images"]
    done = runtimeprobe("timeline", "ollama", *words, "--json", "-", env=cache)
    assert done.returncode == 0, done.stderr
    timeline = json.loads(done.stdout)
    assert [(cell["engine_version"], cell["verdict"]) for cell in timeline["cells"]] == [("0.20.0", "ignored"), ("0.33.0", "heard")]
    (track,) = timeline["story"]
    assert track["first_heard"]["version"] == "0.33.0"


@pytest.mark.timeout(300)
def test_a_server_that_is_down_is_not_another_one(runtimeprobe: Run, cache: dict[str, str]) -> None:
    emulator = [sys.executable, "-m", "tests.emulators.ollama", "--end-with-stdin", "--port", "0"]
    with subprocess.Popen(emulator, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout
        address = other.stdout.readline().split()[-1]
        here = cache | {"OLLAMA_HOST": address}
        words = ["--binary", "0.3=http://127.0.0.1:9", "--model", "gemma-4-e2b", "--route", "api.chat.images", "--json", "-"]
        done = runtimeprobe("timeline", "ollama", *words, env=here)
        other.kill()
    (cell,) = json.loads(done.stdout)["cells"]
    assert (cell["engine_version"], cell["verdict"]) == ("0.3", "skipped")
    assert cell["reason"] == "no ollama answers at http://127.0.0.1:9"


@pytest.mark.timeout(120)
def test_a_polite_end_keeps_what_there_is_and_leaves_nothing(cache: dict[str, str], tmp_path: Path) -> None:
    words = [str(BIN / "runtimeprobe"), "timeline", "xllamacpp", "--from", OLD, "--to", NEW, "--json", "t.json"]
    with subprocess.Popen(words, cwd=tmp_path, env=cache, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as run:
        assert run.stderr
        run.stderr.readline()  # the first row
        run.terminate()
        assert run.wait(20) == 130
    timeline = json.loads((tmp_path / "t.json").read_text())
    assert not timeline["complete"]
    assert {"rejected", "heard"} & {cell["verdict"] for cell in timeline["cells"]}
    assert not list((tmp_path / "cache" / "runtimeprobe" / "environments").glob(".part-*"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["xllamacp"], "no engine named 'xllamacp'; did you mean xllamacpp?"),
        ([], "name an engine"),
        (["ollama"], "is in no package index: give its releases"),
        (["ollama", "--binary", "0.33.0=nowhere"], "there is no file nowhere"),
        (["ollama", "--binary", "0.33.0"], "is not VERSION=PATH"),
        (["ollama", "--binary", f"0.33.0={__file__}"], "is not executable: chmod +x"),
        (["ollama", "--binary", "0.33.0=/bin/true", "--from", "1"], "do not go with it"),
        (["ollama", "--clean"], "so it has no environments here"),
        (["xllamacpp", "--binary", "1=httpd"], "xllamacpp is no program"),
        (["xllamacpp", "--to", "2026-13-45"], "is no day"),
        (["xllamacpp", "--binary", "1=/bin/true"], "xllamacpp is no program"),
        (["xllamacpp", "--from", "soon"], "neither a version nor a date"),
        (["xllamacpp", "--only", "1.2.3.4"], "no release named '1.2.3.4'"),
        (["xllamacpp", "--from", "2031-01-01"], "has no release from 2031-01-01"),
        (["xllamacpp", "--route", "chat"], "no route named 'chat'"),
        (["xllamacpp", "--model", "gemma"], "no model named 'gemma'"),
    ],
)
def test_mistakes_are_told_before_anything_is_installed(runtimeprobe: Run, cache: dict[str, str], words: list[str], told: str) -> None:
    done = runtimeprobe("timeline", *words, env=cache)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_without_an_index_it_says_so(runtimeprobe: Run, cache: dict[str, str]) -> None:
    done = runtimeprobe("timeline", "xllamacpp", env=cache | {INDEX: NOBODY})
    assert done.returncode == 2
    assert "the package index does not answer" in done.stderr
