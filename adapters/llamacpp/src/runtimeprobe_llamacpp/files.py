"""What a candidate's files are: sizes, digests, quantization. The engine is not needed for this."""

import functools
import hashlib
from pathlib import Path

from runtimeprobe.contract import Candidate, Claim, LoadFailed, Model
from runtimeprobe.kit import gguf


def describe(candidate: Candidate) -> Model:
    """The model as an engine that reads GGUF would load it. A broken file is described as far as it goes; `load` refuses it."""
    text, projector = candidate.text_gguf, candidate.projector_gguf
    return Model(
        model=candidate.model,
        weights=candidate.weights,
        name=text,
        projector=projector,
        quantization=_quantization(text),
        projector_quantization=_quantization(projector),
        digest=digest(text),
        projector_digest=digest(projector),
        size_bytes=sum(_size(path) for path in (text, projector)),
        claim=Claim.UNDECLARED,  # the claim is the runtime's to make, once it has loaded the file
    )


def digest(path: str) -> str:
    """`sha256:...` of the file, or "" if it cannot be read."""
    try:
        stat = Path(path).stat()
        return _digest(path, stat.st_mtime_ns, stat.st_size) if path else ""
    except OSError:
        return ""


@functools.lru_cache(maxsize=64)
def _digest(path: str, _mtime_ns: int, _size_bytes: int) -> str:
    """Real weights take seconds to hash; within one process each version of a file is hashed once."""
    with Path(path).open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _quantization(path: str) -> str:
    if not path:
        return ""
    try:
        return gguf.quantization(gguf.read_keys(path))
    except LoadFailed:
        return ""


def _size(path: str) -> int:
    try:
        return Path(path).stat().st_size if path else 0
    except OSError:
        return 0
