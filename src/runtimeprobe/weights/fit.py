"""Does it fit in memory? Pure arithmetic on file sizes and metadata, on the safe side."""

from runtimeprobe.gguf import memory, metadata
from runtimeprobe.gguf.header import Array, Header

CONTEXT_TOKENS = 4096  # contract.Config's default
LOGIT_BYTES = 4
# The engine itself, the audio encoder's buffers, and the clip.
ENGINE_BYTES = 512 << 20


def cache_bytes(header: Header, context_tokens: int = CONTEXT_TOKENS) -> int:
    """Key-value cache plus the logits of one batch, which llama.cpp reserves when it loads (llama-context.cpp, graph_reserve).

    A file that does not say what its cache would take is not refused for it.
    """
    words = header.get("tokenizer.ggml.tokens")
    vocabulary = words.count if isinstance(words, Array) else 0
    kept = memory.cache(metadata.of_header(header), context_tokens)
    return memory.BATCH * vocabulary * LOGIT_BYTES + (kept.total_bytes if kept else 0)


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
