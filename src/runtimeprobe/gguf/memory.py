"""What a conversation costs: the bytes of the KV cache at a context, layer by layer, as llama.cpp allocates it. Pure.

Source: llama.cpp src/llama-kv-cache-iswa.cpp and llama-kv-cache.cpp. A layer that attends to everything has one cell per token of the
context; a sliding layer as many as its window and one batch hold; layers that share another's cache have none. Keys and values both
have a cache of their own, also in the global layers of 31B and 26B-A4B, whose values are made from the key's matrix.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from runtimeprobe.gguf.expected import PREFIX

CELLS = 256  # both caches are padded to a multiple of it
BATCH = 512  # llama.cpp's default for one physical batch
F16_BYTES = 2  # the default type of the cache
DEFAULT_CONTEXT = 4096
MAX_LAYERS = 4096


class Layer(msgspec.Struct, frozen=True):
    """Of one layer that has a cache: whether it slides, and how many numbers a token's keys and values have."""

    sliding: bool
    key: int
    value: int


class Cache(msgspec.Struct, frozen=True, kw_only=True):
    """context: tokens. Bytes with 16-bit numbers; `shared_layers` use the cache of another layer."""

    context: int
    total_bytes: int
    global_layers: int
    global_cells: int
    global_bytes: int
    sliding_layers: int
    sliding_cells: int
    sliding_bytes: int
    shared_layers: int


def layers_of(metadata: Mapping[str, Any]) -> tuple[Layer, ...] | None:
    """`metadata`: Gemma 4's keys with arrays as lists. None where the file does not say enough."""
    count, shared = _number(metadata, "block_count"), _number(metadata, "attention.shared_kv_layers") or 0
    pattern = metadata.get(PREFIX + "attention.sliding_window_pattern")
    if not count or count > MAX_LAYERS or not isinstance(pattern, Sequence) or len(pattern) < count or shared >= count:
        return None
    found = []
    for index in range(count - shared):
        end = "_swa" if pattern[index] else ""
        heads = _number(metadata, "attention.head_count_kv", index)
        key, value = (_number(metadata, f"attention.{part}_length{end}") for part in ("key", "value"))
        if not heads or not key or not value:
            return None
        found.append(Layer(bool(pattern[index]), heads * key, heads * value))
    return tuple(found)


def cache(metadata: Mapping[str, Any], context: int) -> Cache | None:
    """For one conversation of `context` tokens."""
    layers, window = layers_of(metadata), _number(metadata, "attention.sliding_window")
    if layers is None or window is None or context < 1:
        return None
    cells = _padded(context)
    sliding_cells = _padded(min(cells, window + min(BATCH, cells)))
    wide = [layer for layer in layers if not layer.sliding]
    narrow = [layer for layer in layers if layer.sliding]
    global_bytes = cells * F16_BYTES * sum(layer.key + layer.value for layer in wide)
    sliding_bytes = sliding_cells * F16_BYTES * sum(layer.key + layer.value for layer in narrow)
    return Cache(
        context=context,
        total_bytes=global_bytes + sliding_bytes,
        global_layers=len(wide),
        global_cells=cells,
        global_bytes=global_bytes,
        sliding_layers=len(narrow),
        sliding_cells=sliding_cells,
        sliding_bytes=sliding_bytes,
        shared_layers=(_number(metadata, "block_count") or 0) - len(layers),
    )


def _padded(cells: int) -> int:
    return -(-cells // CELLS) * CELLS


def _number(metadata: Mapping[str, Any], key: str, index: int = 0) -> int | None:
    value = metadata.get(PREFIX + key)
    if isinstance(value, list):
        value = value[index] if index < len(value) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
