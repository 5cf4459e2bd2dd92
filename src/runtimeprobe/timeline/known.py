"""Rows that were measured before, in the cache folder: what is known is not measured again.

A row is known for one engine version, platform, model (by digest), hearing test, number of attempts and adapter: a change to any of them
makes it unknown.
"""

import contextlib
import hashlib
import importlib.util
import platform
import re
import sys
from pathlib import Path

import msgspec

from runtimeprobe.contract import Candidate, Step
from runtimeprobe.plan import NO_ROUTE
from runtimeprobe.results import Struct, Verdict
from runtimeprobe.timeline.results import Row
from runtimeprobe.worker.process import OVER_LIMIT
from runtimeprobe.writing import write_whole

MAX_BYTES = 16 * 2**20
UNCERTAIN = (Verdict.TIMEOUT, Verdict.ERROR)


def root() -> Path:
    import platformdirs

    return platformdirs.user_cache_path("runtimeprobe") / "timeline"


class Question(Struct, frozen=True, kw_only=True):
    """Everything an answer depends on, except the version. `routes`: empty for all."""

    engine: str
    model: str
    routes: tuple[str, ...]
    digest: str  # of the model's files
    hearing_test: str
    attempts: int
    adapter: str  # digest of its source
    machine: str
    index: str  # which package index the release came from
    binary: str = ""  # which file, where the engine is a program of the user's


def machine() -> str:
    return f"{platform.system()}-{platform.machine()}-{sys.implementation.cache_tag}"


def source_digest(adapter: str) -> str:
    """Of the adapter's package: another adapter may see more in the same release."""
    spec = importlib.util.find_spec(adapter.partition(":")[0].partition(".")[0])
    digest = hashlib.sha256()
    folders = list(spec.submodule_search_locations or ()) if spec else []
    files = [file for folder in folders for file in sorted(Path(folder).rglob("*.py"))]
    if spec and spec.origin and not folders:  # a single module
        files = [Path(spec.origin)]
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def stamp(binary: str) -> str:
    """Which file this is; "" for none, and for an address, where another server may answer next time: that is never kept."""
    with contextlib.suppress(OSError):
        facts = Path(binary).stat()
        return f"{Path(binary).absolute()} {facts.st_size} {facts.st_mtime_ns}" if binary else ""
    return ""


def candidate_digest(candidate: Candidate) -> str:
    """Of every file of the model, in whatever format."""
    digest = hashlib.sha256()
    for name in (candidate.text_gguf, candidate.projector_gguf, candidate.hf_folder):
        path = Path(name) if name else None
        for file in sorted(path.rglob("*")) if path and path.is_dir() else filter(None, [path]):
            if file.is_file():
                with file.open("rb") as stream:
                    digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def file_of(folder: Path, question: Question, version: str) -> Path:
    key = hashlib.sha256(msgspec.json.encode(question)).hexdigest()[:20]
    return folder / plain(question.engine) / f"{plain(version)}-{plain(question.model)}-{key}.json"


def plain(name: str) -> str:
    return re.sub(r"[^\w.+-]", "_", name)[:80]


def recall(folder: Path, question: Question, version: str) -> Row | None:
    """The row, if it is known; its cells only of the routes that are asked for."""
    for asked in (question, msgspec.structs.replace(question, routes=())):
        file = file_of(folder, asked, version)
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            if file.stat().st_size <= MAX_BYTES:
                row = msgspec.json.decode(file.read_bytes(), type=Row)
                cells = tuple(cell for cell in row.cells if not question.routes or cell.route in question.routes)
                if cells:
                    return Row(release=msgspec.structs.replace(row.release, cached=True), cells=cells)
    return None


def remember(folder: Path, question: Question, row: Row) -> None:
    """Keeps the question's part of a row, unless another run might end differently."""
    cells = tuple(cell for cell in row.cells if cell.model == question.model)
    if any(cell.verdict in UNCERTAIN or OVER_LIMIT in cell.reason for cell in cells):
        return
    if any(cell.route == NO_ROUTE and cell.fix for cell in cells):  # something is missing on this machine, and can be had
        return
    keep(file_of(folder, question, row.release.version), msgspec.json.encode(Row(release=row.release, cells=cells)))


def recall_trace(folder: Path, question: Question, version: str, route: str) -> tuple[Step, ...] | None:
    file = file_of(folder, question, f"{version}-{route}-trace")
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        if file.stat().st_size <= MAX_BYTES:
            return msgspec.json.decode(file.read_bytes(), type=tuple[Step, ...])
    return None


def remember_trace(folder: Path, question: Question, version: str, route: str, steps: tuple[Step, ...]) -> None:
    keep(file_of(folder, question, f"{version}-{route}-trace"), msgspec.json.encode(steps))


def keep(file: Path, data: bytes) -> None:
    """Written whole or not at all; what cannot be written is measured again next time."""
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, data)
