"""The values of small tensors: the one place that reads tensor data, and never more of it than asked for."""

import struct
from collections.abc import Iterable

from runtimeprobe.gguf.cursor import Cursor
from runtimeprobe.gguf.folder import ModelFolder
from runtimeprobe.gguf.header import Header, Tensor
from runtimeprobe.gguf.safetensors import SafetensorsHeader

MAX_FLOATS = 4096
WIDTHS = {"F32": 4, "F16": 2, "BF16": 2}


class Values:
    """Reads from the files of one model. A tensor that is absent, too long, cut off, or of another type is None."""

    def __init__(self, model: Header | ModelFolder) -> None:
        files: Iterable[Header | SafetensorsHeader] = model.shards if isinstance(model, ModelFolder) else model.parts or (model,)
        self._places = {tensor.name: (file, tensor) for file in files for tensor in file.tensors}

    def floats(self, name: str) -> tuple[float, ...] | None:
        """Every value of a tensor of at most MAX_FLOATS, in its file's order."""
        place = self._places.get(name)
        if place is None or place[1].elements > MAX_FLOATS or place[1].type_name not in WIDTHS:
            return None
        file, tensor = place
        data = self.start(name, tensor.elements * WIDTHS[tensor.type_name])
        if data is None:
            return None
        order = file.order if isinstance(file, Header) else "<"
        if tensor.type_name == "BF16":  # the upper half of a 32-bit float
            halves = struct.unpack(f"{order}{tensor.elements}H", data)
            return struct.unpack(f"<{tensor.elements}f", struct.pack(f"<{tensor.elements}I", *(half << 16 for half in halves)))
        return struct.unpack(f"{order}{tensor.elements}{'f' if tensor.type_name == 'F32' else 'e'}", data)

    def start(self, name: str, length: int) -> bytes | None:
        """The first `length` bytes of a tensor's data, fewer if it is shorter."""
        place = self._places.get(name)
        if place is None:
            return None
        file, tensor = place
        wanted = min(length, _nbytes(tensor))
        if tensor.offset + wanted > file.size:
            return None
        with Cursor(file.path, start=tensor.offset) as cursor:
            return cursor.take(wanted, f"tensor {name}")


def _nbytes(tensor: Tensor) -> int:
    return tensor.nbytes or 0
