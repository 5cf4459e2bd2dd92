"""How much a model holds: parameters by component, bytes by type, and the name of its quantization. Pure.

The E of E2B stands for "effective": in Google's words (https://ai.google.dev/gemma/docs/core) the per-layer embeddings are "large but only
used for quick lookups", so they are left out. docs/inspect.md holds this count against the published numbers of all sizes.
"""

import re
from collections.abc import Iterable

import msgspec

from runtimeprobe.gguf.folder import ModelFolder
from runtimeprobe.gguf.header import Header, Tensor
from runtimeprobe.gguf.types import FILE_TYPES

MLX_GROUP_SIZE = 64  # mlx's default

LAYERS, TOKENS, PER_LAYER, VISION, AUDIO = "layers", "token embedding", "per-layer embeddings", "vision", "audio"
# The first that matches counts; every other tensor is one of the layers' or of their norms. GGUF names first, then Hugging Face's.
COMPONENTS = {
    TOKENS: re.compile(r"(token_embd|output)\.|.*(embed_tokens|lm_head)\."),
    PER_LAYER: re.compile(r"per_layer_token_embd\.|.*embed_tokens_per_layer\."),
    AUDIO: re.compile(r"(mm\.)?a\.|.*(audio_tower|embed_audio)\."),
    VISION: re.compile(r"(v|mm)\.|.*(vision_tower|embed_vision)\."),
}
WHY = {
    LAYERS: "counted: attention, feed-forward, norms",
    TOKENS: "counted: it is the output matrix too, and multiplied with at every token",
    PER_LAYER: "not counted: one table row is looked up per token, none is multiplied with",
    VISION: "not counted: the tower and its projector, only used for images",
    AUDIO: "not counted: the tower and its projector, only used for sound",
}


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the sum: a component, its parameters, and whether they are effective ones."""

    component: str
    parameters: int
    effective: bool
    why: str


def terms(tensors: Iterable[Tensor], group_size: int = MLX_GROUP_SIZE) -> tuple[Term, ...]:
    """The components that are there. The sum of all is the total; the effective ones' is the number in the model's name."""
    counts = dict.fromkeys(WHY, 0)
    for name, parameters in _parameters_by_name(tensors, group_size).items():
        counts[component_of(name)] += parameters
    counted = {LAYERS, TOKENS}
    return tuple(
        Term(component=name, parameters=count, effective=name in counted, why=WHY[name]) for name, count in counts.items() if count
    )


def component_of(name: str) -> str:
    return next((component for component, names in COMPONENTS.items() if names.match(name)), LAYERS)


def quantization_of(source: Header | ModelFolder) -> str:
    """The name of the mix: the file's own, or the type most bytes are in."""
    if isinstance(source, Header):
        kind = source.get("general.file_type")
        if isinstance(kind, int) and kind in FILE_TYPES:
            return FILE_TYPES[kind]
    elif bits := _positive(source, "bits"):
        return f"{bits}bit"
    sizes = bytes_by_type(source.tensors)
    return max(sizes, key=lambda name: sizes[name]) if sizes else ""


def _parameters_by_name(tensors: Iterable[Tensor], group_size: int) -> dict[str, int]:
    """MLX packs quantized weights into 32-bit words beside one scale per group of `group_size`; the scales count the weights."""
    by_name = {tensor.name: tensor for tensor in tensors}
    counts: dict[str, int] = {}
    for name, tensor in by_name.items():
        stem, _, part = name.rpartition(".")
        packed = f"{stem}.scales" in by_name
        if packed and part == "scales":
            counts[name] = tensor.elements * group_size
        elif not (packed and part in {"weight", "biases"}):
            counts[name] = tensor.elements
    return counts


def group_size(folder: ModelFolder) -> int:
    return _positive(folder, "group_size") or MLX_GROUP_SIZE


def bytes_by_type(tensors: Iterable[Tensor]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for tensor in tensors:
        sizes[tensor.type_name] = sizes.get(tensor.type_name, 0) + (tensor.nbytes or 0)
    return dict(sorted(sizes.items(), key=lambda item: -item[1]))


def _positive(folder: ModelFolder, key: str) -> int:
    """A number of the MLX quantization section; 0 where it is absent or no positive number."""
    value = folder.section("quantization").get(key)
    return value if isinstance(value, int) and value > 0 else 0
