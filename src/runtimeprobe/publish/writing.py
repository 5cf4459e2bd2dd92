"""Outputs onto the disk: each file in one step, only what changed, and nothing deleted or replaced that is not our own.

What was written stands in a file of the folder, with a digest of what each was made from and of its content. A file whose content is no
longer what we wrote is somebody else's.
"""

import contextlib
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

import msgspec

from runtimeprobe.publish.interface import Output
from runtimeprobe.results import Struct
from runtimeprobe.writing import write_whole

LEDGER = ".runtimeprobe-site.json"


class Foreign(Exception):
    """A file that is not ours is where one of ours should go; the message says what to do."""


class Written(Struct, frozen=True, kw_only=True):
    format: str
    made_from: str
    sha256: str


class Report(Struct, frozen=True, kw_only=True):
    written: tuple[str, ...]
    kept: int
    removed: tuple[str, ...]


def publish(folder: Path, outputs: Mapping[str, Iterable[Output]]) -> Report:
    """Writes the outputs by format into `folder` and removes what these formats wrote earlier and write no more."""
    folder.mkdir(parents=True, exist_ok=True)
    before = read_ledger(folder)
    others = {path: entry for path, entry in before.items() if entry.format not in outputs}
    after: dict[str, Written] = {}
    written: list[str] = []
    try:
        for name, items in outputs.items():
            for item in items:
                after[item.path], new = write(folder, name, item, before.get(item.path))
                written += [item.path] * new
        removed = remove(folder, before, others | after)
    except BaseException:
        write_ledger(folder, before | after)  # what is written but not listed would look like somebody else's
        raise
    write_ledger(folder, others | after)
    return Report(written=tuple(written), kept=len(after) - len(written), removed=tuple(removed))


def write(folder: Path, name: str, item: Output, known: Written | None) -> tuple[Written, bool]:
    """One output, unless it stands there already; and whether it was written."""
    file = folder / item.path
    there = sha256(file)
    if known and known.made_from == item.made_from and known.sha256 == there:
        return msgspec.structs.replace(known, format=name), False
    data = item.content()
    entry = Written(format=name, made_from=item.made_from, sha256=hashlib.sha256(data).hexdigest())
    if there == entry.sha256:
        return entry, False
    if there and (known is None or known.sha256 != there):
        raise Foreign(f"{file} was not written by runtimeprobe, or changed since: move it away, or choose another folder")
    put(file, data)
    return entry, True


def remove(folder: Path, before: dict[str, Written], after: dict[str, Written]) -> list[str]:
    """Deletes our own files that are no longer wanted, as long as they hold what we wrote."""
    removed = []
    for path, entry in before.items():
        if path not in after and sha256(folder / path) == entry.sha256:
            with contextlib.suppress(OSError):
                (folder / path).unlink()
                removed.append(path)
                (folder / path).parent.rmdir()  # if that was its last file
    return removed


def read_ledger(folder: Path) -> dict[str, Written]:
    """What we wrote. A ledger that cannot be read claims nothing; a path that leads out of the folder is not ours."""
    try:
        known = msgspec.json.decode((folder / LEDGER).read_bytes(), type=dict[str, Written])
    except (OSError, msgspec.MsgspecError, ValueError):
        return {}
    return {path: entry for path, entry in known.items() if inside(path)}


def write_ledger(folder: Path, entries: dict[str, Written]) -> None:
    data = msgspec.json.format(msgspec.json.encode(entries, order="sorted"), indent=1) + b"\n"
    if sha256(folder / LEDGER) != hashlib.sha256(data).hexdigest():
        put(folder / LEDGER, data)


def inside(path: str) -> bool:
    pure = PurePosixPath(path)
    return bool(pure.parts) and not pure.is_absolute() and ".." not in pure.parts and "\\" not in path and ":" not in path


def sha256(file: Path) -> str:
    """Of a file's content; "" if there is none."""
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError:
        return ""


def put(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, data)
