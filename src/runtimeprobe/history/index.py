"""Which runs there are: names, entries, and the file that lists them. No I/O."""

import hashlib
import re
from datetime import datetime

import msgspec

from runtimeprobe.history.files import StoreError
from runtimeprobe.history.ledger import Seen
from runtimeprobe.history.model import RunEntry
from runtimeprobe.results import Struct

FORMAT = 1
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
RUN_FILE = re.compile(r"(\d{4}-\d\d-\d\dT\d{6}Z-[0-9a-f]{6})\.json\.gz")


class Index(Struct, frozen=True, kw_only=True):
    """`digest`: sha256 of the runs as they are written; one wrong letter in the index must not make a whole run look damaged."""

    schema_version: int = FORMAT
    digest: str = ""
    runs: tuple[RunEntry, ...] = ()  # oldest first


def in_order(entry: RunEntry) -> tuple[str, str]:
    return entry.created, entry.id


def is_time(text: str) -> bool:
    try:
        return bool(TIME.fullmatch(text) and datetime.fromisoformat(text))
    except ValueError:
        return False


def run_id(created: str, data: bytes) -> str:
    if not is_time(created):
        raise StoreError(f"the results were created at {created[:40]!r}, which is no time such as 2026-11-24T02:17:00Z")
    return f"{created.replace(':', '')}-{hashlib.sha256(data).hexdigest()[:6]}"


def decoded(data: bytes) -> Index | None:
    """None if it is damaged, of another format, or leads out of the store."""
    try:
        index = msgspec.json.decode(data, type=Index)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    whole = index.digest == hashlib.sha256(lines(index)).hexdigest()
    return index if index.schema_version == FORMAT and whole and all(map(sound, index.runs)) else None


def lines(index: Index) -> bytes:
    """A run per line, for whoever reads what a commit changed."""
    return b",\n".join(msgspec.json.encode(entry) for entry in index.runs)


def encoded(index: Index) -> bytes:
    runs = lines(index)
    return b'{"schema_version":%d,"digest":"%s","runs":[\n%s\n]}\n' % (FORMAT, hashlib.sha256(runs).hexdigest().encode(), runs)


def sound(entry: RunEntry) -> bool:
    """Its file is in the folder of the runs, not elsewhere."""
    return bool(RUN_FILE.fullmatch(entry.file) and is_time(entry.created))


def entry_of(name: str, data: bytes, seen: Seen) -> RunEntry:
    """`name`: of its file; `data`: what is in it."""
    return RunEntry(
        id=name.removesuffix(".json.gz"),
        created=seen.created,
        file=name,
        hearing_test=seen.hearing_test,
        platforms=tuple(sorted({cell.platform for cell in seen.cells})),
        cells=len(seen.cells),
        complete=seen.complete and all(shard.delivered for shard in seen.shards),
        digest=hashlib.sha256(data).hexdigest(),
        size_bytes=len(data),
    )
