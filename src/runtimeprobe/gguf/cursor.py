"""A bounded forward reader: every length is checked against the file's size before anything is allocated.

It reads in chunks and does not map the file: a mapped file that another program shortens kills the process with SIGBUS.
"""

import os
import stat
import struct
from pathlib import Path
from typing import Self

from runtimeprobe.gguf.errors import BadFile

CHUNK_BYTES = 1 << 19


class Cursor:
    """Where we are in a file. `key` names what is being read, for error messages."""

    def __init__(self, path: Path, order: str = "<", *, start: int = 0) -> None:
        self.path = path
        self.key = ""
        try:
            # Looked at before it is opened: opening a FIFO would wait for ever.
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                raise BadFile(path, "is not a regular file", fix="give the path of a model file")
            self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except OSError as error:
            raise BadFile(path, error.strerror or str(error), fix="check the path and its permissions") from error
        self.size = status.st_size
        self._buffer = b""
        self._base = start  # file offset of the buffer's first byte
        self._at = 0
        self.set_order(order)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def set_order(self, order: str) -> None:
        """'<' little endian, '>' big endian."""
        self.order = order
        self._u32 = struct.Struct(order + "I")
        self._u64 = struct.Struct(order + "Q")

    @property
    def offset(self) -> int:
        return self._base + self._at

    @property
    def left(self) -> int:
        return self.size - self.offset

    def bad(self, what: str, *, fix: str = "") -> BadFile:
        return BadFile(self.path, what, offset=self.offset, key=self.key, fix=fix)

    def require(self, length: int, what: str) -> None:
        """Raises unless `length` more bytes are in the file."""
        if length > self.left:
            raise self.bad(f"cut off: {what} needs {length} bytes, {self.left} are left")

    def take(self, length: int, what: str) -> bytes:
        self._need(length, what)
        start = self._at
        self._at += length
        return self._buffer[start : self._at]

    def u32(self, what: str) -> int:
        self._need(4, what)
        value: int = self._u32.unpack_from(self._buffer, self._at)[0]
        self._at += 4
        return value

    def u64(self, what: str) -> int:
        self._need(8, what)
        value: int = self._u64.unpack_from(self._buffer, self._at)[0]
        self._at += 8
        return value

    def skip(self, length: int, what: str) -> None:
        self.require(length, what)
        self._at += length
        if self._at > len(self._buffer):
            self._base, self._at, self._buffer = self.offset, 0, b""

    def string(self, limit: int, what: str) -> bytes:
        length = self.u64(f"the length of {what}")
        if length > self.left:
            raise self.bad(f"{what} claims {length} bytes, {self.left} are left")
        if length > limit:
            raise self.bad(f"{what} claims {length} bytes, more than the {limit} a real file would use")
        return self.take(length, what)

    def skip_strings(self, count: int) -> None:
        """Past `count` strings without keeping one: the hot loop of the whole reader.

        The loop walks the buffer without a bounds check of its own. Where a length leads out of the buffer, the next unpack
        raises, and only then is the position checked against the file and the buffer filled again.
        """
        unpack = self._u64.unpack_from
        remaining = count
        while remaining:
            self._need(8, "the length of a string")
            buffer, at = self._buffer, self._at
            left = 0
            try:
                for left in range(remaining, 0, -1):  # noqa: B007  # read after the loop: how many are not yet passed
                    at += 8 + unpack(buffer, at)[0]
                left = 0
            except (struct.error, OverflowError):
                pass
            if self._base + at > self.size:
                raise self._overrun()
            self._at, remaining = at, left
            if at > len(buffer):
                self._base, self._at, self._buffer = self.offset, 0, b""

    def _overrun(self) -> BadFile:
        """Walks again, slowly, to the string that leaves the file."""
        while True:
            length = self.u64("the length of a string")
            if length > self.left:
                self._at -= 8
                return self.bad(f"a string claims {length} bytes, {self.left - 8} are left")
            self.skip(length, "a string")

    def _need(self, length: int, what: str) -> None:
        if self._at + length <= len(self._buffer):
            return
        self.require(length, what)
        self._base, self._at = self.offset, 0
        wanted = min(max(length, CHUNK_BYTES), self.size - self._base)
        os.lseek(self._descriptor, self._base, os.SEEK_SET)
        parts: list[bytes] = []
        while wanted > 0 and (part := os.read(self._descriptor, wanted)):
            parts.append(part)
            wanted -= len(part)
        self._buffer = b"".join(parts)
        if len(self._buffer) < length:  # shortened while we read it
            raise self.bad(f"cut off: {what} needs {length} bytes, {len(self._buffer)} could be read")
