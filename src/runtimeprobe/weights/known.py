"""known.toml, typed, and what to tell somebody who has none of it."""

import os
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType

import msgspec

from runtimeprobe.weights.fit import gigabytes
from runtimeprobe.weights.places import hub_cache


class Gguf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One repository with a text model and its projector. `memory_bytes`: both, a 4096-token context, and buffers."""

    repository: str
    text: str
    text_bytes: int
    projector: str
    projector_bytes: int
    memory_bytes: int

    @property
    def bytes(self) -> int:
        return self.text_bytes + self.projector_bytes


class Mlx(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One repository in Hugging Face's layout."""

    repository: str
    bytes: int
    memory_bytes: int


class Known(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A published model: `gguf` and `mlx` in order of preference."""

    title: str
    original: str
    ollama: str
    lmstudio: str
    gguf: tuple[Gguf, ...]
    mlx: tuple[Mlx, ...]


@cache
def known() -> MappingProxyType[str, Known]:
    """The table by model id, such as "gemma-4-e2b"."""
    text = (files("runtimeprobe.weights") / "known.toml").read_text("utf-8")
    return MappingProxyType(msgspec.convert(tomllib.loads(text), dict[str, Known]))


class Missing(msgspec.Struct, frozen=True):
    """What to tell somebody whose machine has no usable weights of a model."""

    model: str
    reason: str
    fix: str


def missing(env: Mapping[str, str] | None = None, home: Path | None = None) -> tuple[Missing, ...]:
    """For every published model: what to download, how large it is, where it will land, and the command that does it."""
    folder = hub_cache(os.environ if env is None else env, home or Path.home())
    return tuple(
        Missing(model, f"no published {row.title} weights that this engine reads are on this machine", _fix(model, row, folder))
        for model, row in known().items()
    )


def _fix(model: str, row: Known, folder: Path) -> str:
    pair, mlx = row.gguf[0], row.mlx[-1]
    files = f"{pair.text} ({gigabytes(pair.text_bytes)}) and {pair.projector} ({gigabytes(pair.projector_bytes)})"
    return (
        f"llama.cpp: {files} of {pair.repository}, needs about {gigabytes(pair.memory_bytes)} of memory; "
        f"MLX: {mlx.repository} ({gigabytes(mlx.bytes)}), needs about {gigabytes(mlx.memory_bytes)}; "
        f"both land in {folder}; to download: runtimeprobe matrix --weights real --download --model {model}"
    )
