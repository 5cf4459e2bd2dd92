"""A GGUF file taken apart and put together again, so that something in it can be made different.

Tensor data is mapped, not read, until it is written; so a file must not be written over itself. Imports numpy: use it where it is needed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGMLQuantizationType, GGUFEndian, GGUFReader, GGUFValueType, GGUFWriter


@dataclass
class Contents:
    """keys: name -> (value, type, type of an array's elements). tensors: name -> (data as the file holds it, type)."""

    keys: dict[str, tuple[Any, GGUFValueType, GGUFValueType | None]]
    tensors: dict[str, tuple[np.ndarray, GGMLQuantizationType]]
    order: GGUFEndian = GGUFEndian.LITTLE

    def value(self, key: str) -> Any:
        return self.keys[key][0]

    def change(self, key: str, value: Any) -> None:
        self.keys[key] = (value, *self.keys[key][1:])

    def add(self, key: str, value: Any, kind: GGUFValueType, element: GGUFValueType | None = None) -> None:
        self.keys[key] = (value, kind, element)

    def floats(self, name: str) -> np.ndarray:
        data, kind = self.tensors[name]
        if kind not in (GGMLQuantizationType.F16, GGMLQuantizationType.F32):
            raise ValueError(f"{name} is {kind.name}, not a tensor of plain numbers")
        return data.astype(np.float32)

    def replace(self, name: str, weight: np.ndarray) -> None:
        """Values of a tensor that is there, in the type that it has; or a new one in float16."""
        kind = self.tensors[name][1] if name in self.tensors else GGMLQuantizationType.F16
        self.tensors[name] = (weight.astype(np.float32 if kind is GGMLQuantizationType.F32 else np.float16), kind)


Edit = Callable[[Contents], None]


def read(file: Path) -> Contents:
    reader = GGUFReader(file)
    keys = {
        name: (field.contents(), field.types[0], field.types[-1] if field.types[0] == GGUFValueType.ARRAY else None)
        for name, field in reader.fields.items()
        if not name.startswith("GGUF.")
    }
    return Contents(keys, {tensor.name: (tensor.data, tensor.tensor_type) for tensor in reader.tensors}, reader.endianess)


def write(contents: Contents, file: Path) -> None:
    writer = GGUFWriter(file, contents.value("general.architecture"), endianess=contents.order)
    for name, (value, kind, element) in contents.keys.items():
        if name != "general.architecture":
            writer.add_key_value(name, value, kind, element)
    for name, (data, type_) in contents.tensors.items():
        writer.add_tensor(name, data, raw_dtype=type_)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
