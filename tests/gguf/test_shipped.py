"""The readers on real files: the twins we ship, against the reference readers."""

from pathlib import Path

import pytest
from safetensors import safe_open
from tests.gguf.test_header import same_as_the_reference

from runtimeprobe.gguf.header import read_header
from runtimeprobe.gguf.safetensors import read_safetensors
from runtimeprobe.gguf.summary import summarise
from runtimeprobe.twins import files
from runtimeprobe.weights import find

TWINS = sorted(path.name for path in files.DATA.glob("twin-*"))
GGUFS = sorted(str(path.relative_to(files.DATA)) for path in files.DATA.glob("twin-*/*.gguf"))


def test_there_are_files_to_read() -> None:
    assert {"twin-e2b", "twin-e4b"} <= set(TWINS)
    assert len(GGUFS) >= 4


@pytest.mark.parametrize("name", GGUFS)
def test_a_shipped_gguf_reads_as_the_reference_reads_it(name: str) -> None:
    path = files.folder() / name
    header = read_header(path)
    same_as_the_reference(header, path)
    assert header.missing_bytes == 0


@pytest.mark.parametrize("twin", TWINS)
def test_the_shipped_safetensors_read_as_the_reference_reads_them(twin: str) -> None:
    path = files.folder() / twin / "hf/model.safetensors"
    with safe_open(path, "numpy") as reference:
        theirs = {name: (tuple(part.get_shape()), part.get_dtype()) for name in reference.keys() for part in [reference.get_slice(name)]}  # noqa: SIM118
    assert {tensor.name: (tensor.shape, tensor.type_name) for tensor in read_safetensors(path).tensors} == theirs


@pytest.mark.parametrize("name", [*GGUFS, *(f"{twin}/hf" for twin in TWINS)])
def test_a_twin_has_the_traits_that_every_gemma_4_has(name: str) -> None:
    summary = summarise(files.folder() / name)
    assert [check for check in summary.checks if check.status != "ok"] == []
    assert len(summary.checks) >= 3
    assert summary.problems == ()


@pytest.mark.parametrize("twin", TWINS)
def test_a_twin_named_as_published_weights_is_refused_with_the_reason(twin: str, tmp_path: Path) -> None:
    candidates, notes = find.find({}, tmp_path, "test", (files.folder() / twin,))
    assert candidates == ()
    assert any("twin" in note.text or "layers" in note.text or "size" in note.text for note in notes)
