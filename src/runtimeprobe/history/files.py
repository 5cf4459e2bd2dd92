"""Files of the store: read within bounds, written whole or not at all, on the disk before they count."""

import gzip
import zlib
from pathlib import Path

import msgspec

from runtimeprobe import host
from runtimeprobe.results import Matrix, decode
from runtimeprobe.writing import PART

MOST_BYTES = 512 * 2**20  # of one file, packed or not: a hundred times the largest that is known
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


def sweep(folder: Path) -> None:
    """Removes what killed writers left. Only the holder of the lock may."""
    for file in folder.glob(f".*{PART}"):
        file.unlink(missing_ok=True)
