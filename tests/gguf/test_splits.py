"""Models cut into several files, by llama.cpp's own writer."""

import shutil
import struct
from pathlib import Path

import gguf
import numpy as np
import pytest

from runtimeprobe.gguf.errors import BadFile
from runtimeprobe.gguf.splits import read_model
from runtimeprobe.gguf.summary import summarise
from runtimeprobe.gguf.values import Values

TENSORS = 7


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    """Three parts with three, three and one tensors; the writer counts in `split.*` as llama.cpp's own splitter does."""
    writer = gguf.GGUFWriter(str(tmp_path / "big.gguf"), "gemma4", split_max_tensors=3)
    writer.add_uint32("gemma4.block_count", 10)
    for number in range(TENSORS):
        writer.add_tensor(f"blk.{number}.layer_output_scale.weight", np.full(1, number + 0.5, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    found = sorted(tmp_path.glob("*.gguf"))
    assert [path.name for path in found] == [f"big-0000{number}-of-00003.gguf" for number in (1, 2, 3)]
    return found


@pytest.mark.parametrize("which", [0, 1, 2])
def test_any_part_stands_for_the_whole_model(parts: list[Path], which: int) -> None:
    header = read_model(parts[which])
    assert len(header.tensors) == TENSORS
    assert header.get("gemma4.block_count") == 10
    assert header.size == sum(part.stat().st_size for part in parts)
    assert header.missing_bytes == 0
    values = Values(header)
    assert [values.floats(f"blk.{number}.layer_output_scale.weight") for number in range(TENSORS)] == [(n + 0.5,) for n in range(TENSORS)]
    summary = summarise(parts[which])
    assert (summary.parts, summary.tensors, summary.parameters) == (3, TENSORS, TENSORS)


def test_a_missing_part_is_named(parts: list[Path]) -> None:
    parts[1].unlink()
    with pytest.raises(BadFile, match=r"1 of 3 parts are not here: big-00002-of-00003\.gguf; finish the download"):
        read_model(parts[0])


def test_a_part_that_was_renamed_cannot_find_the_others(parts: list[Path]) -> None:
    other = parts[0].with_name("model.gguf")
    parts[0].rename(other)
    with pytest.raises(BadFile, match=r"its name does not end in -00001-of-00003\.gguf"):
        read_model(other)


def test_parts_in_the_wrong_order_are_refused(parts: list[Path], tmp_path: Path) -> None:
    shutil.copy(parts[1], tmp_path / "keep")
    shutil.copy(parts[2], parts[1])
    shutil.copy(tmp_path / "keep", parts[2])
    with pytest.raises(BadFile, match=r"'split.no': says 2, its name says 1"):
        read_model(parts[0])


def test_a_part_of_another_model_is_refused(parts: list[Path]) -> None:
    data = parts[2].read_bytes()
    parts[2].write_bytes(data.replace(b"blk.6.", b"blk.1."))
    with pytest.raises(BadFile, match=r"blk.1.layer_output_scale.weight': the tensor stands in two parts"):
        read_model(parts[0])


def test_fewer_tensors_than_promised_are_refused(parts: list[Path]) -> None:
    data = parts[0].read_bytes()
    place = data.index(b"split.tensors.count") + len("split.tensors.count") + 4
    parts[0].write_bytes(data[:place] + struct.pack("<i", 9) + data[place + 4 :])
    with pytest.raises(BadFile, match="9 tensors are promised, the parts have 7"):
        read_model(parts[0])


def test_a_cut_off_part_is_said(parts: list[Path]) -> None:
    parts[2].write_bytes(parts[2].read_bytes()[:-32])
    assert read_model(parts[0]).missing_bytes > 0


@pytest.mark.parametrize("count", [1001, 65535])
def test_a_claim_of_many_parts_is_refused(parts: list[Path], count: int) -> None:
    data = parts[0].read_bytes()
    place = data.index(b"split.count") + len("split.count") + 4
    parts[0].write_bytes(data[:place] + struct.pack("<H", count) + data[place + 2 :])
    with pytest.raises(BadFile, match=f"claims {count} parts"):
        read_model(parts[0])
