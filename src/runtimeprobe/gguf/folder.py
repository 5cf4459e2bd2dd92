"""A model in Hugging Face's layout: config.json and the headers of its safetensors files."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from runtimeprobe.gguf.cursor import Cursor
from runtimeprobe.gguf.errors import BadFile
from runtimeprobe.gguf.header import Tensor
from runtimeprobe.gguf.safetensors import SafetensorsHeader, read_safetensors

MAX_CONFIG_BYTES = 4 << 20
MAX_INDEX_BYTES = 16 << 20
MAX_ENTRIES = 10_000
MAX_SHARDS = 1000
INDEX = "model.safetensors.index.json"


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """What a folder says. `names` are the files in it."""

    path: Path
    config: dict[str, Any]
    shards: tuple[SafetensorsHeader, ...]
    names: frozenset[str]

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        return tuple(tensor for shard in self.shards for tensor in shard.tensors)

    @property
    def size(self) -> int:
        return sum(shard.size for shard in self.shards)

    def section(self, name: str) -> dict[str, Any]:
        """A part of the configuration, such as "text_config"; {} where it is absent or null."""
        part = self.config.get(name)
        return part if isinstance(part, dict) else {}


def read_config(path: Path) -> dict[str, Any]:
    """config.json of the folder `path`."""
    return _json(path / "config.json", MAX_CONFIG_BYTES)


def read_folder(path: Path) -> ModelFolder:
    """Raises BadFile where the folder is no model, or a weights file is absent or broken."""
    config = read_config(path)
    names = _names(path)
    shard_names = _shard_names(path / INDEX) if INDEX in names else sorted(name for name in names if name.endswith(".safetensors"))
    if not shard_names:
        raise BadFile(path, "holds no .safetensors file", fix="finish the download")
    for name in shard_names:
        if name not in names:
            raise BadFile(path, f"{name} is not here", fix="finish the download")
    return ModelFolder(path, config, tuple(read_safetensors(path / name) for name in shard_names), names)


def _names(path: Path) -> frozenset[str]:
    found = set()
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                found.add(entry.name)
                if len(found) > MAX_ENTRIES:
                    raise BadFile(path, f"holds more than {MAX_ENTRIES} files", fix="give the model's own folder")
    except OSError as error:
        raise BadFile(path, error.strerror or str(error), fix="check the path and its permissions") from error
    return frozenset(found)


def _shard_names(index: Path) -> list[str]:
    weight_map = _json(index, MAX_INDEX_BYTES).get("weight_map")
    shards = sorted({str(name) for name in weight_map.values()}) if isinstance(weight_map, dict) else []
    if not shards or len(shards) > MAX_SHARDS:
        raise BadFile(index, f"names {len(shards)} weights files")
    for name in shards:
        if name != os.path.basename(name) or name in {".", ".."} or "\\" in name:  # noqa: PTH119  # a name, not a way out
            raise BadFile(index, f"names {name!r}, which is not a file beside it")
    return shards


def _json(path: Path, limit: int) -> dict[str, Any]:
    with Cursor(path) as cursor:
        if cursor.size > limit:
            raise BadFile(path, f"{cursor.size} bytes, more than the {limit} a real file would have")
        text = cursor.take(cursor.size, "the file")
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError, UnicodeDecodeError) as error:
        raise BadFile(path, f"is not the JSON it should be: {error}") from error
