"""A GGUF file taken apart and put together again, so that one thing in it can be made different."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter


@dataclass
class Contents:
    """keys: name -> (value, type, type of an array's elements). tensors: name -> (data as the file holds it, type)."""

    keys: dict[str, tuple[Any, GGUFValueType, GGUFValueType | None]]
    tensors: dict[str, tuple[np.ndarray, GGMLQuantizationType]]

    def value(self, key: str) -> Any:
        return self.keys[key][0]

    def change(self, key: str, value: Any) -> None:
        self.keys[key] = (value, *self.keys[key][1:])

    def add(self, key: str, value: Any, kind: GGUFValueType) -> None:
        self.keys[key] = (value, kind, None)

    def floats(self, name: str) -> np.ndarray:
        data, kind = self.tensors[name]
        if kind not in (GGMLQuantizationType.F16, GGMLQuantizationType.F32):
            raise ValueError(f"{name} is {kind.name}: faults are planted in files of float16")
        return data.astype(np.float32)

    def replace(self, name: str, weight: np.ndarray) -> None:
        """Values of a tensor that is there, in the type that it has; or a new one in float16."""
        kind = self.tensors[name][1] if name in self.tensors else GGMLQuantizationType.F16
        self.tensors[name] = (weight.astype(np.float32 if kind is GGMLQuantizationType.F32 else np.float16), kind)


Edit = Callable[[Contents], None]


def read(file: Path) -> Contents:
    reader = GGUFReader(file)
    keys = {
        name: (field.contents(), field.types[0], field.types[1] if len(field.types) > 1 else None)
        for name, field in reader.fields.items()
        if not name.startswith("GGUF.")
    }
    return Contents(keys, {tensor.name: (np.array(tensor.data), tensor.tensor_type) for tensor in reader.tensors})


def write(contents: Contents, file: Path) -> None:
    writer = GGUFWriter(file, contents.value("general.architecture"))
    for name, (value, kind, element) in contents.keys.items():
        if name != "general.architecture":
            writer.add_key_value(name, value, kind, element)
    for name, (data, type_) in contents.tensors.items():
        writer.add_tensor(name, data, raw_dtype=type_)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
