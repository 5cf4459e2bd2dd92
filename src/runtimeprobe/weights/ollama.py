"""Ollama's blob store: manifests/<registry>/<namespace>/<model>/<tag> name blobs by digest."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from runtimeprobe.weights.walk import walk

MAX_MANIFEST_BYTES = 1 << 20
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
MODEL = "application/vnd.ollama.image.model"
PROJECTOR = "application/vnd.ollama.image.projector"


class _Layer(msgspec.Struct, frozen=True):
    mediaType: str = ""  # noqa: N815  # the manifest's own spelling
    digest: str = ""


class _Manifest(msgspec.Struct, frozen=True):
    layers: tuple[_Layer, ...] = ()


@dataclass(frozen=True, slots=True)
class Tag:
    """One model as Ollama names it, and the blobs of its text model and projectors."""

    name: str
    models: tuple[Path, ...]
    projectors: tuple[Path, ...]


def tags(store: Path, note: Callable[[Path, str], None]) -> Iterator[Tag]:
    """Every tag in the store; a manifest that cannot be read is noted and passed over."""
    root = store / "manifests"
    for folder, names in walk(root, note):
        for name in names:
            path = folder / name
            try:
                with path.open("rb") as file:
                    manifest = msgspec.json.decode(file.read(MAX_MANIFEST_BYTES), type=_Manifest)
            except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                note(path, f"is no manifest that can be read: {error}")
                continue
            yield Tag(_tag_name(path.relative_to(root)), _blobs(store, manifest, MODEL), _blobs(store, manifest, PROJECTOR))


def _blobs(store: Path, manifest: _Manifest, kind: str) -> tuple[Path, ...]:
    """A digest is checked before it becomes a path: a manifest may hold anything."""
    return tuple(
        store / "blobs" / layer.digest.replace(":", "-")
        for layer in manifest.layers
        if layer.mediaType == kind and DIGEST.fullmatch(layer.digest)
    )


def _tag_name(relative: Path) -> str:
    """registry.ollama.ai/library/gemma4/e2b -> gemma4:e2b; other registries keep their name."""
    *path, tag = relative.parts
    if path[:2] == ["registry.ollama.ai", "library"]:
        path = path[2:]
    return f"{'/'.join(path)}:{tag}"
