"""The header of a safetensors file: eight bytes of length, then JSON. Never tensor data.

Format: https://github.com/huggingface/safetensors#format.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from runtimeprobe.gguf.cursor import Cursor
from runtimeprobe.gguf.errors import BadFile
from runtimeprobe.gguf.header import MAX_ELEMENTS, MAX_TENSORS, Tensor
from runtimeprobe.gguf.types import SAFETENSORS_BITS

MAX_HEADER_BYTES = 16 << 20  # the format allows 100 MB; 2000 tensors take under 1 MB


class _Entry(msgspec.Struct, frozen=True):
    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]


@dataclass(frozen=True, slots=True)
class SafetensorsHeader:
    path: Path
    size: int
    metadata: dict[str, str]
    tensors: tuple[Tensor, ...]

    @property
    def missing_bytes(self) -> int:
        """How many bytes of tensor data the table promises and the file does not have."""
        return max(0, max((tensor.offset + (tensor.nbytes or 0) for tensor in self.tensors), default=0) - self.size)


def read_safetensors(path: Path) -> SafetensorsHeader:
    """Raises BadFile for anything that is not a well-formed header."""
    with Cursor(path) as cursor:
        length = cursor.u64("the header's length")
        if length > cursor.left:
            raise cursor.bad(f"claims a header of {length} bytes, {cursor.left} are left")
        if length > MAX_HEADER_BYTES:
            raise cursor.bad(f"claims a header of {length} bytes, more than the {MAX_HEADER_BYTES} a real file would have")
        text = cursor.take(length, "the header")
        size = cursor.size
    try:
        raw: dict[str, msgspec.Raw] = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        metadata: dict[str, str] = msgspec.json.decode(raw.pop("__metadata__", msgspec.Raw(b"{}")), type=dict[str, str])
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError, UnicodeDecodeError) as error:
        raise BadFile(path, f"the header is not the JSON it should be: {error}", offset=8) from error
    if len(raw) > MAX_TENSORS:
        raise BadFile(path, f"claims {len(raw)} tensors, more than the {MAX_TENSORS} a real file would have", offset=8)
    tensors = tuple(_tensor(path, name, entry, 8 + length) for name, entry in raw.items())
    return SafetensorsHeader(path, size, metadata, tensors)


def _tensor(path: Path, name: str, raw: msgspec.Raw, data_offset: int) -> Tensor:
    try:
        entry: Any = msgspec.json.decode(raw, type=_Entry)
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError, UnicodeDecodeError) as error:
        raise BadFile(path, f"not a tensor's entry: {error}", offset=8, key=name) from error
    start, end = entry.data_offsets
    if not 0 <= start <= end <= MAX_ELEMENTS or any(length < 0 for length in entry.shape):
        raise BadFile(path, f"impossible place {entry.data_offsets} or shape {entry.shape}", offset=8, key=name)
    tensor = Tensor(name, entry.shape, entry.dtype, data_offset + start, end - start)
    bits = SAFETENSORS_BITS.get(entry.dtype)
    if tensor.elements > MAX_ELEMENTS or (bits is not None and -(-tensor.elements * bits // 8) != end - start):
        raise BadFile(path, f"{entry.dtype} of shape {entry.shape} does not take {end - start} bytes", offset=8, key=name)
    return tensor
