"""Does it fit in memory? Pure arithmetic on file sizes and metadata, on the safe side."""

from collections.abc import Iterator
from typing import Any

from runtimeprobe.gguf.expected import PREFIX
from runtimeprobe.gguf.header import Array, Header

CONTEXT_TOKENS = 4096  # contract.Config's default
BATCH_TOKENS = 512  # n_ubatch, llama.cpp's default
CACHE_BYTES = 2  # f16
LOGIT_BYTES = 4
MAX_LAYERS = 1024
# The engine itself, the audio encoder's buffers, and the clip.
ENGINE_BYTES = 512 << 20


def cache_bytes(header: Header, context_tokens: int = CONTEXT_TOKENS) -> int:
    """Key-value cache plus the logits of one batch, which llama.cpp reserves when it loads (llama-context.cpp, graph_reserve).

    A sliding layer keeps its window and one batch (llama-kv-cache-iswa.cpp); a layer that shares another's cache keeps nothing.
    """
    words = header.get("tokenizer.ggml.tokens")
    vocabulary = words.count if isinstance(words, Array) else 0
    total = BATCH_TOKENS * vocabulary * LOGIT_BYTES
    window = _number(header, "attention.sliding_window")
    for sliding, heads in _layers(header):
        suffix = "_swa" if sliding else ""
        width = _number(header, f"attention.key_length{suffix}") + _number(header, f"attention.value_length{suffix}")
        tokens = min(context_tokens, window + BATCH_TOKENS) if sliding else context_tokens
        total += tokens * heads * width * CACHE_BYTES
    return total


def _layers(header: Header) -> Iterator[tuple[bool, int]]:
    """For each layer that keeps a cache: is it a sliding one, and how many key-value heads it has."""
    own = min(_number(header, "block_count") - _number(header, "attention.shared_kv_layers"), MAX_LAYERS)
    sliding = _list(header.get(PREFIX + "attention.sliding_window_pattern"))
    heads = _list(header.get(PREFIX + "attention.head_count_kv"))
    for layer in range(own):
        yield bool(_item(sliding, layer, False)), int(_item(heads, layer, 0))


def needed_bytes(text_bytes: int, projector_bytes: int, cache: int) -> int:
    """What the two files take with their cache and the engine around them."""
    return text_bytes + projector_bytes + cache + ENGINE_BYTES


def why_not(needed: int, available: int) -> str | None:
    """The reason why it does not fit, or None. `available` 0: not known, so not refused."""
    if not available or needed <= available:
        return None
    return f"too little memory: about {gigabytes(needed)} needed, {gigabytes(available)} available"


def gigabytes(size: int) -> str:
    """Decimal, as hubs and file managers show sizes."""
    return f"{size / 1e9:.2f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"


def _number(header: Header, key: str) -> int:
    value = header.get(PREFIX + key)
    return value if isinstance(value, int) and 0 <= value < 1 << 32 else 0


def _list(value: Any) -> list[Any]:
    if isinstance(value, Array):
        return value.values() if value.count <= MAX_LAYERS else []
    return [value]


def _item(values: list[Any], layer: int, default: Any) -> Any:
    """One value for all layers, or one per layer."""
    value = values[0] if len(values) == 1 else values[layer] if layer < len(values) else default
    return default if value is None or isinstance(value, str) else value
