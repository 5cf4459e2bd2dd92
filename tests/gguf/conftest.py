"""GGUF files written with llama.cpp's own writer."""

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

KINDS = {
    "uint8": 255, "int8": -128, "uint16": 65535, "int16": -32768, "uint32": 2**32 - 1, "int32": -(2**31), "float32": 0.1,
    "uint64": 2**64 - 1, "int64": -(2**63), "float64": 0.1,
}  # fmt: skip


def write(path: Path, *, endianess: gguf.GGUFEndian = gguf.GGUFEndian.LITTLE, strings: int = 40, alignment: int = 0) -> Path:
    """A file with one key of every type, arrays of every kind, and tensors of several types."""
    writer = gguf.GGUFWriter(str(path), "gemma4", endianess=endianess)
    if alignment:
        writer.add_custom_alignment(alignment)
    for name, value in KINDS.items():
        getattr(writer, f"add_{name}")(f"kind.{name}", value)
    writer.add_bool("kind.true", True)
    writer.add_bool("kind.false", False)
    writer.add_string("kind.string", "Zürich ½ 東京")
    writer.add_string("kind.empty", "")
    writer.add_array("array.string", [f"word {n} ½" if n % 3 else "" for n in range(strings)])
    writer.add_array("array.int", list(range(-5, 300)))
    writer.add_array("array.float", [0.5, -1.25, 1e30])
    writer.add_array("array.bool", [True, False, True])
    writer.add_array("after", [1])
    writer.add_tensor("blk.0.attn_q.weight", np.arange(24, dtype=np.float32).reshape(2, 3, 4))
    writer.add_tensor("norm.weight", np.ones(5, dtype=np.float16))
    quantized = gguf.quantize(np.ones((4, 64), dtype=np.float32), gguf.GGMLQuantizationType.Q8_0)
    writer.add_tensor("ffn.weight", quantized, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture
def written(tmp_path: Path) -> Path:
    return write(tmp_path / "model.gguf")


def plain(value: Any) -> Any:
    """A GGUFReader value without numpy types."""
    return value.item() if isinstance(value, np.generic) else value
