"""The values of small tensors, against what was written."""

from pathlib import Path

import gguf
import numpy as np
import pytest

from runtimeprobe.gguf.header import read_header
from runtimeprobe.gguf.values import MAX_FLOATS, Values

NUMBERS = [1.0, -0.5, 1e30, 0.0]


@pytest.mark.parametrize("order", list(gguf.GGUFEndian))
def test_floats_are_read_in_either_byte_order(tmp_path: Path, order: gguf.GGUFEndian) -> None:
    writer = gguf.GGUFWriter(str(tmp_path / "a.gguf"), "gemma4", endianess=order)
    writer.add_tensor("single", np.array(NUMBERS, np.float32))
    writer.add_tensor("half", np.array([1.0, -0.5, 0.25], np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    values = Values(read_header(tmp_path / "a.gguf"))
    assert values.floats("single") == tuple(np.array(NUMBERS, np.float32).tolist())
    assert values.floats("half") == (1.0, -0.5, 0.25)
    assert values.floats("absent") is None


def test_the_upper_half_of_a_float_is_read(tmp_path: Path) -> None:
    writer = gguf.GGUFWriter(str(tmp_path / "a.gguf"), "gemma4")
    data = gguf.quantize(np.array([NUMBERS], np.float32), gguf.GGMLQuantizationType.BF16)
    writer.add_tensor("brain", data, raw_dtype=gguf.GGMLQuantizationType.BF16)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    assert Values(read_header(tmp_path / "a.gguf")).floats("brain") == pytest.approx(NUMBERS, rel=1e-2)


def test_what_is_large_quantized_or_cut_off_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.gguf"
    writer = gguf.GGUFWriter(str(path), "gemma4")
    writer.add_tensor("large", np.zeros(MAX_FLOATS + 1, np.float32))
    quantized = gguf.quantize(np.ones((1, 32), np.float32), gguf.GGMLQuantizationType.Q8_0)
    writer.add_tensor("quantized", quantized, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    writer.add_tensor("last", np.ones(64, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    path.write_bytes(path.read_bytes()[:-100])
    values = Values(read_header(path))
    assert [values.floats(name) for name in ("large", "quantized", "last")] == [None, None, None]
    assert values.start("large", 8) == b"\0" * 8
