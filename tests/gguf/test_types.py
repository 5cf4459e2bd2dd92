"""The tables of numbers are llama.cpp's own, as the `gguf` package publishes them."""

import gguf

from runtimeprobe.gguf.types import ARRAY, FILE_TYPES, SCALARS, STRING, TENSOR_TYPES


def test_tensor_types_are_those_of_the_gguf_package() -> None:
    theirs = {int(kind): (kind.name, *gguf.GGML_QUANT_SIZES[kind]) for kind in gguf.GGMLQuantizationType}
    assert {number: tuple(kind) for number, kind in TENSOR_TYPES.items() if number in theirs} == theirs


def test_file_types_are_those_of_the_gguf_package() -> None:
    theirs = {int(kind): kind.name.removeprefix("MOSTLY_").removeprefix("ALL_") for kind in gguf.LlamaFileType if kind.name != "GUESSED"}
    assert {number: name for number, name in FILE_TYPES.items() if number in theirs} == theirs


def test_value_types_are_those_of_the_gguf_package() -> None:
    assert {*SCALARS, STRING, ARRAY} == {int(kind) for kind in gguf.GGUFValueType}
