import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from runtimeprobe.gguf.errors import BadFile
from runtimeprobe.gguf.safetensors import read_safetensors


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    save_file({"a": np.zeros((2, 3), np.float32), "b": np.ones(7, np.float16), "c": np.zeros((), np.int64)}, path, {"format": "pt"})
    return path


def lying(path: Path, header: Any) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(64))
    return path


def test_names_shapes_and_types_are_what_the_reference_reads(written: Path) -> None:
    header = read_safetensors(written)
    with safe_open(written, "numpy") as reference:
        theirs = {name: (tuple(reference.get_slice(name).get_shape()), reference.get_slice(name).get_dtype()) for name in reference.keys()}  # noqa: SIM118
        assert header.metadata == reference.metadata()
    assert {tensor.name: (tensor.shape, tensor.type_name) for tensor in header.tensors} == theirs
    assert header.missing_bytes == 0
    assert sum(tensor.nbytes or 0 for tensor in header.tensors) == 24 + 14 + 8


def test_a_file_cut_at_any_byte_is_refused_or_says_what_is_missing(written: Path) -> None:
    data = written.read_bytes()
    end = 8 + struct.unpack("<Q", data[:8])[0]
    for length in range(len(data)):
        written.write_bytes(data[:length])
        if length < end:
            with pytest.raises(BadFile):
                read_safetensors(written)
        else:
            assert read_safetensors(written).missing_bytes == len(data) - length


@pytest.mark.parametrize(
    "header",
    [
        b"[]", b"{", b'{"a": 1}', b"\xff\xfe", b"[" * 50_000, b'{"__metadata__": {"a": 1}}',
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 7]}},
        {"a": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}},
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}},
        {"a": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 8]}},
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0]}},
    ],
)  # fmt: skip
def test_a_header_that_lies_is_refused(tmp_path: Path, header: Any) -> None:
    with pytest.raises(BadFile):
        read_safetensors(lying(tmp_path / "model.safetensors", header))


def test_a_header_longer_than_the_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(struct.pack("<Q", 2**62))
    with pytest.raises(BadFile, match="claims a header"):
        read_safetensors(path)


def test_an_entry_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """Found by bench/fuzz.py: msgspec checks a nested value's UTF-8 only when it is decoded."""
    header = b'{"a":{"dtype":"F\xc6 ","shape":[1],"data_offsets":[0,4]}}'
    (tmp_path / "a.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    with pytest.raises(BadFile):
        read_safetensors(tmp_path / "a.safetensors")
