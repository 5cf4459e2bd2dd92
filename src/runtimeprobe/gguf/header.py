"""The header of a GGUF file, version 2 or 3, either byte order: metadata and tensor table, never tensor data.

Arrays are kept as a place in the file and decoded on demand: a Gemma 4 header is 15.8 MB of which a reader wants a few kilobytes.
Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. What llama.cpp's loader refuses (ggml/src/gguf.cpp) is refused
here with the same strictness: empty and duplicate keys, nested arrays, more than four dimensions, an alignment that is no power
of two.
"""

import struct
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from runtimeprobe.gguf.arrays import Array
from runtimeprobe.gguf.cursor import Cursor
from runtimeprobe.gguf.errors import BadFile
from runtimeprobe.gguf.types import ARRAY, SCALAR_BYTES, SCALARS, STRING, TENSOR_TYPES

__all__ = ["Array", "Field", "Header", "Tensor", "read_header", "scan_keys"]

VERSIONS = (2, 3)
DEFAULT_ALIGNMENT = 32
# Limits far above any real file (Gemma 4: 60 keys, 833 tensors, 777050 strings) that keep a sparse file of zeros from costing hours.
MAX_KEYS = 65_536
MAX_TENSORS = 262_144
MAX_STRINGS = 16_777_216  # over all arrays of the header
MAX_KEY_BYTES = 65_535  # the specification's own limit
MAX_VALUE_BYTES = 16 << 20  # a string value; chat templates are 20 kB
MAX_KEPT_BYTES = 64 << 20  # all string values together
MAX_DIMENSIONS = 4  # GGML_MAX_DIMS
MAX_ELEMENTS = 2**63 - 1
SMALLEST_KEY = 8 + 1 + 4 + 1  # length, one letter, type, one byte of value
SMALLEST_TENSOR = 8 + 4 + 4 + 8


Value = int | float | bool | str | Array


@dataclass(frozen=True, slots=True)
class Field:
    """One metadata entry. `type` is GGUF's number of the value's type, `offset` where the entry starts."""

    key: str
    type: int
    value: Value
    offset: int


@dataclass(frozen=True, slots=True)
class Tensor:
    """One row of a tensor table. `nbytes` is None for a type this version does not know; `offset` counts from the file's start."""

    name: str
    shape: tuple[int, ...]
    type_name: str
    offset: int
    nbytes: int | None

    @property
    def elements(self) -> int:
        product = 1
        for length in self.shape:
            product *= length
        return product


@dataclass(frozen=True, slots=True)
class Header:
    """Everything a GGUF file says before its tensor data."""

    path: Path
    size: int
    version: int
    order: str  # '<' or '>'
    alignment: int
    data_offset: int
    fields: Mapping[str, Field]
    tensors: tuple[Tensor, ...]
    parts: tuple["Header", ...] = ()  # of a model cut into several files (splits.py): every part, the first one too

    def get(self, key: str, default: Any = None) -> Any:
        """The value of `key`: a number, a bool, a string, or an `Array`."""
        field = self.fields.get(key)
        return default if field is None else field.value

    def strings(self, key: str) -> Array | None:
        """The array of `key` if it is one of strings."""
        value = self.get(key)
        return value if isinstance(value, Array) and value.item_type == STRING else None

    @property
    def missing_bytes(self) -> int:
        """How many bytes of tensor data the table promises and the file does not have: more than 0 for a broken download."""
        if self.parts:
            return sum(part.missing_bytes for part in self.parts)
        ends = (tensor.offset + (tensor.nbytes or 0) for tensor in self.tensors)
        return max(0, max(ends, default=0) - self.size)


def read_header(path: Path) -> Header:
    """Raises BadFile, naming byte and key, for anything that is not a well-formed header."""
    with Cursor(path) as cursor:
        version, tensor_count, key_count = _open(cursor)
        fields = _unique(cursor, _fields(cursor, key_count))
        alignment = _alignment(path, fields)
        table = list(_tensor_rows(cursor, tensor_count))
        data_offset = -(-cursor.offset // alignment) * alignment
        tensors = tuple(_placed(row, data_offset) for row in table)
        return Header(path, cursor.size, version, cursor.order, alignment, data_offset, MappingProxyType(fields), tensors)


def scan_keys(path: Path, wanted: Collection[str]) -> dict[str, Value]:
    """Some keys only, stopping as soon as all are seen: enough to know what a file is without walking its vocabulary."""
    found: dict[str, Value] = {}
    with Cursor(path) as cursor:
        _, _, key_count = _open(cursor)
        for field in _fields(cursor, key_count):
            if field.key in wanted:
                found[field.key] = field.value
                if len(found) == len(set(wanted)):
                    break
    return found


def _open(cursor: Cursor) -> tuple[int, int, int]:
    """Magic, byte order, version and the two counts."""
    if cursor.size == 0:
        raise cursor.bad("the file is empty")
    if cursor.take(4, "the magic") != b"GGUF":
        raise BadFile(cursor.path, "is not a GGUF file: it does not start with 'GGUF'", offset=0, fix="give the path of a GGUF file")
    version = cursor.u32("the version")
    if version & 0xFFFF == 0:  # a small number read in the wrong byte order
        cursor.set_order(">")
        version = int.from_bytes(version.to_bytes(4, "little"), "big")
    if version not in VERSIONS:
        raise BadFile(cursor.path, f"GGUF version {version}; versions 2 and 3 are read", offset=4, fix="convert the model again")
    tensors = cursor.u64("the tensor count")
    keys = cursor.u64("the key count")
    for count, limit, smallest, what in ((keys, MAX_KEYS, SMALLEST_KEY, "keys"), (tensors, MAX_TENSORS, SMALLEST_TENSOR, "tensors")):
        if count * smallest > cursor.left:
            raise cursor.bad(f"claims {count} {what}, {cursor.left} bytes are left")
        if count > limit:
            raise cursor.bad(f"claims {count} {what}, more than the {limit} a real file would have")
    return version, tensors, keys


def _fields(cursor: Cursor, count: int) -> Iterator[Field]:
    budget = {"strings": MAX_STRINGS, "kept": MAX_KEPT_BYTES}
    for index in range(count):
        cursor.key = ""
        offset = cursor.offset
        key = _text(cursor, MAX_KEY_BYTES, f"the name of key {index}")
        if not key:
            raise cursor.bad(f"key {index} has no name")
        cursor.key = key
        kind = cursor.u32("the value's type")
        yield Field(key, kind, _value(cursor, kind, budget), offset)
    cursor.key = ""


def _value(cursor: Cursor, kind: int, budget: dict[str, int]) -> Value:
    if kind == ARRAY:
        return _array(cursor, budget)
    if kind == STRING:
        data = cursor.string(MAX_VALUE_BYTES, "the string")
        budget["kept"] -= len(data)
        if budget["kept"] < 0:
            raise cursor.bad(f"string values take more than {MAX_KEPT_BYTES} bytes")
        return data.decode("utf-8", "replace")
    if kind not in SCALARS:
        raise cursor.bad(f"unknown value type {kind}")
    value: Value = struct.unpack(cursor.order + SCALARS[kind], cursor.take(SCALAR_BYTES[kind], "the value"))[0]
    return value


def _array(cursor: Cursor, budget: dict[str, int]) -> Array:
    kind = cursor.u32("the array's item type")
    count = cursor.u64("the array's length")
    start = cursor.offset
    if kind == STRING:
        if count * 8 > cursor.left:
            raise cursor.bad(f"claims {count} strings, {cursor.left} bytes are left")
        budget["strings"] -= count
        if budget["strings"] < 0:
            raise cursor.bad(f"string arrays hold more than the {MAX_STRINGS} strings a real file would have")
        cursor.skip_strings(count)
    elif kind in SCALARS:
        size = count * SCALAR_BYTES[kind]
        if size > cursor.left:
            raise cursor.bad(f"claims {count} items of {SCALAR_BYTES[kind]} bytes, {cursor.left} bytes are left")
        cursor.skip(size, "the array")
    else:
        raise cursor.bad("arrays of arrays are not read" if kind == ARRAY else f"unknown item type {kind}")
    return Array(cursor.path, cursor.order, kind, start, count, cursor.offset - start)


def _unique(cursor: Cursor, fields: Iterator[Field]) -> dict[str, Field]:
    seen: dict[str, Field] = {}
    for field in fields:
        if field.key in seen:
            raise BadFile(cursor.path, f"the key stands twice, first at byte {seen[field.key].offset}", offset=field.offset, key=field.key)
        seen[field.key] = field
    return seen


def _alignment(path: Path, fields: Mapping[str, Field]) -> int:
    field = fields.get("general.alignment")
    if field is None:
        return DEFAULT_ALIGNMENT
    value = field.value
    if field.type != 4 or not isinstance(value, int) or value < 1 or value & (value - 1):
        raise BadFile(path, f"alignment {value!r} is not a 32-bit power of two", offset=field.offset, key=field.key)
    return value


def _tensor_rows(cursor: Cursor, count: int) -> Iterator[tuple[str, tuple[int, ...], int, int]]:
    seen: set[str] = set()
    for index in range(count):
        cursor.key = f"tensor {index}"
        name = _text(cursor, MAX_KEY_BYTES, "the tensor's name")
        cursor.key = name
        if name in seen:
            raise cursor.bad("the tensor stands twice")
        seen.add(name)
        dimensions = cursor.u32("the number of dimensions")
        if dimensions > MAX_DIMENSIONS:
            raise cursor.bad(f"claims {dimensions} dimensions; at most {MAX_DIMENSIONS} are possible")
        shape = tuple(cursor.u64("a dimension") for _ in range(dimensions))
        elements = 1
        for length in shape:
            elements *= max(length, 1)
        if elements > MAX_ELEMENTS:
            raise cursor.bad(f"shape {shape} has more elements than can be counted")
        yield name, shape, cursor.u32("the tensor's type"), cursor.u64("the tensor's offset")
    cursor.key = ""


def _placed(row: tuple[str, tuple[int, ...], int, int], data_offset: int) -> Tensor:
    name, shape, kind, offset = row
    known = TENSOR_TYPES.get(kind)
    if known is None:
        return Tensor(name, shape, f"type {kind}", data_offset + offset, None)
    unsized = Tensor(name, shape, known.name, data_offset + offset, None)
    return Tensor(name, shape, known.name, unsized.offset, unsized.elements // known.block * known.block_bytes)


def _text(cursor: Cursor, limit: int, what: str) -> str:
    data = cursor.string(limit, what)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise cursor.bad(f"{what} is not UTF-8") from error
