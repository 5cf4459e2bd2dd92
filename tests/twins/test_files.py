"""The shipped twins are found, and any change to them is noticed."""

import json
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from runtimeprobe.twins import files
from runtimeprobe.twins.recipe.pack import LIMIT_BYTES


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(files.folder(), tmp_path / "data"))


def test_all_twins_are_whole() -> None:
    assert files.verify() == []
    models = ["gemma-4-e2b", "gemma-4-e4b", "gemma-4-31b"]
    assert [(candidate.model, candidate.weights) for candidate in files.candidates()] == [(model, "twin") for model in models]


def test_candidates_name_files_that_are_there() -> None:
    for candidate in files.candidates():
        assert Path(candidate.text_gguf).read_bytes()[:4] == b"GGUF"
        hears = candidate.model != "gemma-4-31b"
        assert bool(candidate.projector_gguf) == hears
        assert not hears or Path(candidate.projector_gguf).read_bytes()[:4] == b"GGUF"
        assert json.loads(Path(candidate.hf_folder, "config.json").read_text(encoding="utf-8"))["model_type"] == "gemma4"


def test_all_formats_together_stay_small() -> None:
    sizes = {twin.name: sum(facts["size_bytes"] for facts in twin.files.values()) for twin in files.shipped()}
    assert sizes["twin-e2b"] + sizes["twin-e4b"] <= 25_000_000
    assert sum(file.stat().st_size for file in files.folder().rglob("*") if file.is_file()) <= LIMIT_BYTES


def test_everyone_may_read_them_and_nobody_runs_them() -> None:
    modes = {stat.S_IMODE(file.stat().st_mode) & 0o755 for file in files.folder().rglob("*") if file.is_file()}
    assert modes == {0o644}


def test_a_changed_byte_is_named(copy: Path) -> None:
    weights = copy / "twin-e2b" / "hf" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert [problem.split(": ")[0] for problem in files.verify(copy)] == [str(weights)]
    assert "SHA-256" in files.verify(copy)[0]


def test_a_cut_file_is_named(copy: Path) -> None:
    text = copy / "twin-e4b" / "text.gguf"
    text.write_bytes(text.read_bytes()[:1000])
    whole = (files.folder() / "twin-e4b" / "text.gguf").stat().st_size
    assert files.verify(copy) == [f"{text}: 1000 bytes, shipped with {whole}. Reinstall runtimeprobe."]


def test_a_missing_and_a_foreign_file_are_named(copy: Path) -> None:
    (copy / "twin-e2b" / "mmproj.gguf").rename(copy / "other.gguf")
    first, second = files.verify(copy)
    assert first.startswith(f"{copy / 'twin-e2b' / 'mmproj.gguf'}: missing")
    assert second.startswith(f"{copy / 'other.gguf'}: not part")


def test_without_manifest_nothing_is_offered_and_verify_says_so(tmp_path: Path) -> None:
    assert files.candidates(tmp_path) == ()
    assert len(files.verify(tmp_path)) == 1


def test_importing_it_costs_nothing_heavy() -> None:
    code = (
        "import sys, runtimeprobe.twins.files; print([m for m in ('numpy', 'torch', 'gguf', 'jinja2', 'tokenizers') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
