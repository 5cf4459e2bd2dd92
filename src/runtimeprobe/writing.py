"""Files that are written whole or not at all."""

import contextlib
import os
import tempfile
from pathlib import Path

PART = ".part"  # ends the name of a file that is being written


def write_whole(file: Path, data: bytes, *, durable: bool = False) -> None:
    """Replaces `file` in one step: a kill or a full disk leaves the old one or the new one. `durable`: so does a power cut."""
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.", suffix=PART)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        os.chmod(name, 0o644)  # noqa: PTH101 (mkstemp's 0600 would hide it from other accounts, and from a web server)
        os.replace(name, file)  # noqa: PTH105
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)  # noqa: PTH108
        raise
    if durable:
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
