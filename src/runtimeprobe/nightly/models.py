"""Published model files of a hub: the digest that names them in a cache, and whether what a cache gave back is what it was."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from runtimeprobe.weights.download import FOLDER_SUFFIXES

LIMIT_S = 30.0
BLOB = re.compile(r"[0-9a-f]{64}")


class NoDigest(Exception):
    """Why the hub's digests cannot be had."""


def digest(repository: str, files: Iterable[str] = ()) -> str:
    """One digest of the files (all that an engine reads, if none is named) as the hub has them now. Raises NoDigest."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    try:
        info = HfApi().model_info(repository, files_metadata=True, timeout=LIMIT_S)
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise NoDigest(f"the hub does not tell the digests of {repository}: {type(error).__name__}") from None
    here = {item.rfilename: item.lfs.sha256 if item.lfs else item.blob_id or "" for item in info.siblings or ()}
    return joined(here, tuple(files))


def joined(here: Mapping[str, str], files: tuple[str, ...]) -> str:
    names = files or tuple(name for name in here if name.endswith(FOLDER_SUFFIXES) and "/" not in name)
    missing = [name for name in names if name not in here]
    if missing or not names:
        raise NoDigest(f"the hub has no file {missing[0]}" if missing else "the hub has no file that an engine reads")
    return hashlib.sha256("\n".join(f"{name} {here[name]}" for name in sorted(names)).encode()).hexdigest()


def damaged(folder: Path) -> tuple[Path, ...]:
    """Blobs of a hub's cache that are not what their name says: large files are named by their SHA-256."""
    found = []
    for blob in sorted(folder.glob("models--*/blobs/*")):
        if BLOB.fullmatch(blob.name) and blob.is_file():
            with blob.open("rb") as stream:
                if hashlib.file_digest(stream, "sha256").hexdigest() != blob.name:
                    found.append(blob)
    return tuple(found)
