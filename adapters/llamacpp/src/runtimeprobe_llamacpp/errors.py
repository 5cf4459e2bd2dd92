"""The engines' own words to the contract's errors: a table someone can add a row to.

Each row: words found in llama.cpp's sources (file named), the error, what the user can do. The first row that matches wins.
"""

import re
from collections.abc import Sequence

from runtimeprobe.contract import AdapterError, LoadFailed, OutOfMemory, Rejected, RuntimeTooOld

Row = tuple[str, type[AdapterError], str]

MAX_WORDS = 2000
_SMALLER = "Close other programs, or use a smaller quantization, context or model."
_NEWER = "Install a newer release of this engine."
_PROJECTOR = "Load the projector published with this model."
_AGAIN = "Download the file again and compare its digest."

_MEMORY: tuple[Row, ...] = (
    ("unable to allocate", OutOfMemory, _SMALLER),  # src/llama-model.cpp
    ("failed to allocate", OutOfMemory, _SMALLER),  # src/llama-kv-cache.cpp, ggml/src/ggml-alloc.c
    ("out of memory", OutOfMemory, _SMALLER),  # ggml/src/ggml-cuda, ggml-backend
    ("std::bad_alloc", OutOfMemory, _SMALLER),
)
LOADING: tuple[Row, ...] = (
    ("unknown model architecture", RuntimeTooOld, _NEWER),  # src/llama-model.cpp
    ("unknown pre-tokenizer type: 'gemma4", RuntimeTooOld, _NEWER),  # src/llama-vocab.cpp
    ("unknown projector type: gemma4", RuntimeTooOld, _NEWER),  # tools/mtmd/clip.cpp
    ("vision is not supported by this model", Rejected, "Use a projector that also has a vision tower."),  # llama_cpp/llama_chat_format.py
    ("mismatch between text model", LoadFailed, _PROJECTOR),  # tools/mtmd/mtmd.cpp
    ("clip cannot be used as main model", LoadFailed, "This file is a projector: give it as the projector."),  # src/models/clip
    ("not within the file bounds", LoadFailed, _AGAIN),  # src/llama-model-loader.cpp
    ("invalid magic characters", LoadFailed, _AGAIN),  # ggml/src/gguf.cpp
    ("failed to load clip model", LoadFailed, _PROJECTOR),  # tools/mtmd/mtmd.cpp
    ("failed to load mtmd context", LoadFailed, _PROJECTOR),  # llama_cpp/llama_chat_format.py
    *_MEMORY,
)
ASKING: tuple[Row, ...] = (
    ("audio input is not supported", Rejected, "Load a projector that has an audio encoder."),  # tools/server/server-common.cpp
    ("does not support audio input", Rejected, "Load a projector that has an audio encoder."),  # server-context.cpp, tools/mtmd/mtmd.cpp
    ("vision is not supported by this model", Rejected, "Use a projector that also has a vision tower."),  # llama_cpp/llama_chat_format.py
    ("unsupported content[].type", Rejected, _NEWER),  # tools/server/server-common.cpp
    ("failed to load image or audio file", Rejected, "Give it a WAV, MP3 or FLAC file."),  # tools/server/server-common.cpp
    ("failed to create bitmap from image bytes", Rejected, "Give it a WAV, MP3 or FLAC file."),  # llama_cpp/llama_chat_format.py
    ("exceeds the available context size", AdapterError, "Load with a larger context."),  # tools/server/server-context.cpp
    ("prompt exceeds n_ctx", AdapterError, "Load with a larger context."),  # llama_cpp/llama_chat_format.py
    *_MEMORY,
)

_LEVEL = re.compile(r"^[\d.]+ ([A-Z]) +")  # "0.04.049.429 E srv ...", since llama.cpp's log says its level
_COMPLAINT = re.compile(r"error|fail|unknown|invalid|not supported|unable|corrupt|missing|mismatch|cannot|abort|assert", re.IGNORECASE)
# Lines that list what was found, where "unknown" is a value.
_LISTING = re.compile(r"build|print_info|llama_model_loader: - ")
_CAUSE = re.compile(r"error loading model|error:", re.IGNORECASE)


def from_words(engine: str, doing: str, words: str, rows: Sequence[Row], otherwise: type[AdapterError]) -> AdapterError:
    """The error that `words` stand for."""
    bounded = words.strip()[:MAX_WORDS]
    lowered = bounded.lower()
    for text, error, fix in rows:
        if text in lowered:
            return error(f"{engine} {doing}: {_line_with(text, bounded)}", words=bounded, fix=fix)
    return otherwise(f"{engine} {doing}: {_cause(bounded)}", words=bounded)


def complaints(log: str) -> str:
    """The lines of an engine's log that complain: by their level where they have one, else by their words. Without repeats."""
    lines: dict[str, None] = {}
    for line in log.splitlines():
        level = _LEVEL.match(line)
        if (level[1] == "E") if level else (_COMPLAINT.search(line) and not _LISTING.match(line)):
            lines.setdefault(_LEVEL.sub("", line).strip())
    return "\n".join(lines)[:MAX_WORDS]


def _line_with(text: str, words: str) -> str:
    return next((line.strip() for line in words.splitlines() if text in line.lower()), _cause(words))[:300]


def _cause(words: str) -> str:
    lines = words.splitlines() or ["it gave no reason"]
    return next((line.strip() for line in lines if _CAUSE.search(line)), lines[0])[:300]
