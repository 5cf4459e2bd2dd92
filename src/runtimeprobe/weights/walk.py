"""A bounded walk over a folder somebody else filled."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

MAX_DEPTH = 6  # hub/models--x/snapshots/commit/folder/file
MAX_ENTRIES = 20_000


def walk(
    folder: Path, note: Callable[[Path, str], None], *, depth: int = MAX_DEPTH, entries: int = MAX_ENTRIES
) -> Iterator[tuple[Path, list[str]]]:
    """Folders with the names of the files in them, nearest first. Links are followed, each real folder once.

    `note(path, text)` is told what could not be looked at.
    """
    queue = [(folder, 0)]
    seen: set[tuple[int, int]] = set()
    left = entries
    while queue:
        here, level = queue.pop(0)
        files, folders = [], []
        try:
            status = here.stat()
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(here) as listing:
                for entry in listing:
                    left -= 1
                    if left < 0:
                        note(folder, f"holds more than {entries} files; the rest was not looked at, name a folder with --model-path")
                        return
                    if entry.is_dir():
                        folders.append(entry.name)
                    elif entry.is_file():
                        files.append(entry.name)
        except FileNotFoundError:
            continue
        except OSError as error:
            note(here, f"cannot be read: {error.strerror or error}")
            continue
        yield here, sorted(files)
        if level < depth:
            queue += [(here / name, level + 1) for name in sorted(folders)]
