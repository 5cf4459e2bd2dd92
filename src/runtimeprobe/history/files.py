"""Files of the store: read within bounds, written whole or not at all, on the disk before they count."""

import contextlib
import gzip
import os
import tempfile
import zlib
from pathlib import Path

import msgspec

from runtimeprobe import host
from runtimeprobe.results import Matrix, decode

MOST_BYTES = 512 * 2**20  # of one file, packed or not: a hundred times the largest that is known
PART = ".part"  # ends the name of a file that is being written
LEVEL = 6


class StoreError(Exception):
    """What is wrong with a store or a results file, and what to do; one line."""


class Unreadable(StoreError):
    """A file that is damaged, too large, or not what its name says."""


def read(file: Path, most: int = MOST_BYTES) -> bytes:
    """Raises Unreadable; FileNotFoundError where there is none."""
    try:
        with file.open("rb") as stream:
            data = stream.read(most + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unreadable(f"cannot read {file}: {error.strerror}") from None
    if len(data) > most:
        raise Unreadable(f"{file} is larger than {most // 2**20} MB: no results file is")
    return data


def unpacked(data: bytes, most: int = MOST_BYTES) -> bytes:
    """One gzip stream; Unreadable if it is damaged, cut off, or holds more than `most`."""
    stream = zlib.decompressobj(wbits=31)
    try:
        plain = stream.decompress(data, most)
    except zlib.error as error:
        raise Unreadable(f"damaged ({error})") from None
    if not stream.eof or stream.unused_data:
        raise Unreadable("too large when unpacked" if stream.unconsumed_tail else "damaged (cut off, or with something at its end)")
    return plain


def packed(data: bytes, level: int = LEVEL) -> bytes:
    """The same data gives the same bytes."""
    return gzip.compress(data, level, mtime=0)


def read_matrix(file: Path) -> Matrix:
    """A results file, packed or not. Raises Unreadable."""
    try:
        data = read(file)
        return placed(decode(unpacked(data) if data[:2] == b"\x1f\x8b" else data))
    except FileNotFoundError:
        raise Unreadable(f"there is no file {file}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"{file} holds no results of `runtimeprobe matrix --json`: {error}") from None
    except Unreadable as error:
        raise Unreadable(str(error) if str(file) in str(error) else f"{file}: {error}") from None


def placed(matrix: Matrix) -> Matrix:
    """With a platform on every cell: results of before cells had one were made on one machine."""
    if all(cell.platform for cell in matrix.cells):
        return matrix
    name = host.platform_name(matrix.host.os.partition(" ")[0], matrix.host.arch)
    cells = tuple(cell if cell.platform else msgspec.structs.replace(cell, platform=name) for cell in matrix.cells)
    return msgspec.structs.replace(matrix, cells=cells)


def write_whole(file: Path, data: bytes) -> None:
    """Replaces `file` in one step that survives a kill and a power cut."""
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.", suffix=PART)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, 0o644)  # noqa: PTH101 (mkstemp's 0600 would hide the store from other accounts)
        os.replace(name, file)  # noqa: PTH105
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)  # noqa: PTH108
        raise
    sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """A new name in a folder is on the disk only when the folder is. Windows has no such call."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(folder: Path) -> None:
    """Removes what killed writers left. Only the holder of the lock may."""
    for file in folder.glob(f".*{PART}"):
        file.unlink(missing_ok=True)
