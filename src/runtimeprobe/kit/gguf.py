"""Reads a few keys from the start of a GGUF file, in bounded time and memory, whatever its lengths claim.

Layout: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. All numbers little-endian.
"""

import os
import struct
from collections.abc import Iterable
from typing import Any

from runtimeprobe.contract import LoadFailed

FILE_TYPE = "general.file_type"
ARCHITECTURE = "general.architecture"

_MAX_KEYS = 1 << 16  # a real Gemma 4 has about 60
_MAX_KEY_BYTES = 1 << 16
# Gemma 4's vocabulary and merges make a header of 15.8 MB; the keys looked for stand before them, in the first pages.
_BUDGETS = (1 << 20, 1 << 26)
_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9

# enum llama_ftype, llama.cpp include/llama.h
_FILE_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S", 12: "Q3_K_M", 13: "Q3_K_L",
    14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS",
    23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S", 29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M",
    32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4_MOE", 39: "NVFP4", 40: "Q1_0", 41: "Q2_0",
}  # fmt: skip


class _PastBudgetError(Exception):
    """The bytes at hand end before the key; more of the file may hold it."""


def quantization(keys: dict[str, Any]) -> str:
    value = keys.get(FILE_TYPE)
    if not isinstance(value, int):
        return ""
    return _FILE_TYPES.get(value, f"file type {value}")


def read_keys(path: str, wanted: Iterable[str] = (ARCHITECTURE, FILE_TYPE)) -> dict[str, Any]:
    """Those of `wanted` that the header holds. Raises LoadFailed if it cannot be a GGUF header."""
    names = frozenset(wanted)
    found: dict[str, Any] = {}
    try:
        with open(path, "rb") as file:  # noqa: PTH123  (the cheapest way in; this runs in a child on every load)
            size = os.fstat(file.fileno()).st_size
            for budget in _BUDGETS:
                file.seek(0)
                found = {}
                try:
                    _scan(_Bytes(file.read(budget), size, path), names, found)
                except _PastBudgetError:
                    continue
                return found
    except OSError as error:
        raise LoadFailed(f"{path} cannot be read: {error.strerror}.", fix="Check the file and its permissions.") from error
    return found


def _scan(data: "_Bytes", names: frozenset[str], found: dict[str, Any]) -> None:
    if data.take(4) != b"GGUF":
        raise data.bad("it does not start with the letters GGUF")
    version = data.number("<I")
    if version not in (2, 3):
        raise data.bad(f"it says it is version {version} of the format; versions 2 and 3 exist")
    data.number("<Q")  # tensors, which are the engine's to check
    count = data.number("<Q")
    if count > _MAX_KEYS:
        raise data.bad(f"it claims {count} keys")
    for _ in range(count):
        key = data.string(_MAX_KEY_BYTES).decode("utf-8", "replace")
        value = data.value(data.number("<I"))
        if key in names:
            found[key] = value
            if len(found) == len(names):
                return


class _Bytes:
    """A cursor over the first bytes of a file of `size` bytes."""

    def __init__(self, data: bytes, size: int, path: str) -> None:
        self._data, self._size, self._path, self._at = data, size, path, 0

    def bad(self, why: str) -> LoadFailed:
        return LoadFailed(f"{self._path} is not a whole GGUF file: {why}.", fix="Download it again and compare its size and digest.")

    def skip(self, count: int) -> None:
        self._move(self._at + count)

    def _move(self, end: int) -> None:
        if end > self._size:
            raise self.bad(f"its header claims {end} bytes or more and the file has {self._size}")
        if end > len(self._data):
            raise _PastBudgetError
        self._at = end

    def take(self, count: int) -> bytes:
        start = self._at
        self.skip(count)
        return self._data[start : self._at]

    def number(self, layout: str) -> Any:
        return struct.unpack(layout, self.take(struct.calcsize(layout)))[0]

    def string(self, limit: int) -> bytes:
        length = self.number("<Q")
        if length > limit:
            raise self.bad(f"it claims a text of {length} bytes and has {self._size}")
        return self.take(length)

    def value(self, kind: int) -> Any:
        """A scalar's value, a short text, or None for an array, which is skipped."""
        if kind in _SCALARS:
            return self.number(_SCALARS[kind])
        if kind == _STRING:
            return self.string(self._size).decode("utf-8", "replace")
        if kind != _ARRAY:
            raise self.bad(f"it uses value type {kind}, which the format does not have")
        item, length = self.number("<I"), self.number("<Q")
        if item in _SCALARS:
            self.skip(length * struct.calcsize(_SCALARS[item]))
        elif item == _STRING:
            if length * 8 > self._size:
                raise self.bad(f"it claims an array of {length} texts and has {self._size} bytes")
            self._skip_strings(length)
        else:
            raise self.bad(f"it uses an array of value type {item}, which no model has")
        return None

    def _skip_strings(self, count: int) -> None:
        """A loop of its own, without a call of ours in it: Gemma 4's vocabulary and merges are 777,000 texts."""
        data, at, last, length_at = self._data, self._at, len(self._data) - 8, struct.Struct("<Q").unpack_from
        for _ in range(count):
            if at > last:
                self._move(at + 8)  # raises: the bytes at hand, or those of the file, end here
            at += 8 + length_at(data, at)[0]
        self._move(at)
