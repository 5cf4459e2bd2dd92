"""What an adapter says of model files: size, digest, quantization. A broken file is described as far as it goes."""

import functools
import hashlib
from pathlib import Path

from runtimeprobe.contract import LoadFailed
from runtimeprobe.kit import gguf


def size(*paths: str) -> int:
    """Bytes of all that are there; "" is no file."""
    return sum(_size(path) for path in paths if path)


def digest(path: str) -> str:
    """`sha256:...` of the file, or "" if it cannot be read."""
    try:
        stat = Path(path).stat()
        return _digest(path, stat.st_mtime_ns, stat.st_size) if path else ""
    except OSError:
        return ""


def quantization(path: str) -> str:
    """As the file's own metadata names it."""
    try:
        return gguf.quantization(gguf.read_keys(path)) if path else ""
    except LoadFailed:
        return ""


def _size(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0


@functools.lru_cache(maxsize=64)
def _digest(path: str, _mtime_ns: int, _size_bytes: int) -> str:
    """Real weights take seconds to hash; within one process each version of a file is hashed once."""
    with Path(path).open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
