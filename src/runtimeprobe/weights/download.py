"""`--download`: fetches a published model into the Hugging Face cache with huggingface_hub.

HF_ENDPOINT, HF_TOKEN and the cache variables mean what they mean to huggingface_hub. A token is handed to the client and never
printed or stored. The client keeps every finished file and resumes a broken connection by itself; a file that was cut short by the
end of the process starts again (huggingface_hub 2.4, file_download.py, _download_to_tmp_and_move: no partial file is kept).
"""

import difflib
import errno
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from runtimeprobe.weights.fit import gigabytes
from runtimeprobe.weights.known import Gguf, Known, Mlx, known
from runtimeprobe.weights.places import hub_cache
from runtimeprobe.weights.progress import Progress, Report, on_stderr

SPARE_BYTES = 512 << 20  # left free on the disk
MAX_WORDS = 300
TIMEOUT_S = 30.0
# Of a repository in Hugging Face's layout: what mlx-vlm reads.
FOLDER_SUFFIXES = (".json", ".safetensors", ".jinja", ".model", ".txt")
NEEDS_TOKEN = "accept the model's terms on its page, then set HF_TOKEN to a token of an account that did"  # advice
AGAIN = "run the same command again; finished files are kept"
BY_HAND = "download the model by hand and give it as --model-path"


class DownloadError(Exception):
    """What happened, the hub's own words, and what to do next; `str()` has all three."""

    def __init__(self, what: str, *, words: str = "", fix: str) -> None:
        super().__init__(f"{what}{f' ({words})' if words else ''}; {fix}")
        self.what = what
        self.words = words
        self.fix = fix


@dataclass(frozen=True, slots=True)
class _Hub:
    """Where to ask. `repr` must not show the token."""

    cache: Path
    endpoint: str | None
    token: str | None

    @property
    def name(self) -> str:
        return self.endpoint or "huggingface.co"

    def __repr__(self) -> str:
        return f"_Hub({self.cache}, {self.endpoint})"


@dataclass(frozen=True, slots=True)
class _Wanted:
    repository: str
    files: tuple[tuple[str, int], ...]  # name, bytes


def fetch(
    model: str,
    *,
    kind: str = "gguf",
    env: Mapping[str, str] | None = None,
    home: Path | None = None,
    memory_bytes: int | None = None,
    report: Report | None = None,
) -> tuple[Path, ...]:
    """Downloads what is missing of `model` and returns the files. Raises DownloadError.

    kind: "gguf" (text and projector) or "mlx" (a folder). memory_bytes: of this machine, to choose a quantization that fits.
    """
    env = os.environ if env is None else env
    hub = _Hub(hub_cache(env, home or Path.home()), env.get("HF_ENDPOINT", "").rstrip("/") or None, env.get("HF_TOKEN") or None)
    row = known()[model]
    chosen = choose(row, kind, _memory() if memory_bytes is None else memory_bytes)
    if isinstance(chosen, Gguf) and len(here := _cached(hub, chosen.repository, (chosen.text, chosen.projector))) == 2:
        return here
    wanted = _listed(hub, chosen)
    _room(hub.cache, sum(size for name, size in wanted.files if not _cached(hub, wanted.repository, (name,))))
    if report is not None:
        return _download(hub, wanted, report)
    with on_stderr() as shown:
        return _download(hub, wanted, shown)


def choose(row: Known, kind: str, memory_bytes: int) -> Gguf | Mlx:
    """The first of the table that fits in memory, or the smallest: the user asked for it. 0: memory is not known."""
    rows: Sequence[Gguf | Mlx] = row.gguf if kind == "gguf" else row.mlx
    return next((one for one in rows if not memory_bytes or one.memory_bytes <= memory_bytes), rows[-1])


def _memory() -> int:
    from runtimeprobe.host import memory_total_bytes

    return memory_total_bytes()


def _cached(hub: _Hub, repository: str, names: Sequence[str]) -> tuple[Path, ...]:
    from huggingface_hub import try_to_load_from_cache

    found = [try_to_load_from_cache(repository, name, cache_dir=hub.cache) for name in names]
    return tuple(Path(path) for path in found if isinstance(path, str))


def _listed(hub: _Hub, chosen: Gguf | Mlx) -> _Wanted:
    """The files' names and sizes as the hub has them now: names change upstream."""
    from huggingface_hub import HfApi

    try:
        info = HfApi(endpoint=hub.endpoint, token=hub.token).model_info(chosen.repository, files_metadata=True, timeout=TIMEOUT_S)
    except Exception as error:
        raise _explained(error, hub, chosen.repository) from error
    sizes = {sibling.rfilename: sibling.size or 0 for sibling in info.siblings or ()}
    if isinstance(chosen, Gguf):
        names = [_present(name, sizes, chosen.repository) for name in (chosen.text, chosen.projector)]
    else:
        names = [name for name in sizes if name.endswith(FOLDER_SUFFIXES) and "/" not in name]
        if not any(name.endswith(".safetensors") for name in names):
            raise DownloadError(f"{chosen.repository} holds no .safetensors file", fix=BY_HAND)
    return _Wanted(chosen.repository, tuple((name, sizes[name]) for name in names))


def _present(name: str, sizes: Mapping[str, int], repository: str) -> str:
    """The name as the repository spells it: upstream has renamed files from `e2b` to `E2B` and from `bf16` to `BF16` before."""
    for there in sizes:
        if there.casefold() == name.casefold():
            return there
    near = difflib.get_close_matches(name, [there for there in sizes if there.endswith(".gguf")], n=3, cutoff=0.0)
    raise DownloadError(
        f"{repository} no longer has {name}; nearest: {', '.join(near) or 'no GGUF file'}",
        fix=BY_HAND,
    )


def _room(folder: Path, needed: int) -> None:
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    if needed and needed + SPARE_BYTES > free:
        raise DownloadError(
            f"too little room on the disk of {existing}: {gigabytes(needed)} to download, {gigabytes(free)} free",
            fix="free some space, or set HF_HOME to a folder on another disk",
        )


def _download(hub: _Hub, wanted: _Wanted, report: Report) -> tuple[Path, ...]:
    from huggingface_hub import hf_hub_download

    paths = []
    for number, (name, size) in enumerate(wanted.files, 1):
        progress = Progress(name, number, len(wanted.files), 0, size)
        try:
            path = hf_hub_download(
                wanted.repository, name, cache_dir=hub.cache, endpoint=hub.endpoint, token=hub.token, tqdm_class=_reporter(progress, report)
            )
        except Exception as error:
            raise _explained(error, hub, wanted.repository) from error
        paths.append(Path(path))
    return tuple(paths)


def _reporter(progress: Progress, report: Report) -> type[Any]:
    """What huggingface_hub takes for a tqdm class: it draws nothing and tells `report`."""

    class Reporter:
        def __init__(self, *_: Any, total: int | None = None, initial: int = 0, **__: Any) -> None:
            self.total, self.n = total, initial
            self._tell()

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            """Nothing to take off the screen."""

        def update(self, n: float = 1) -> None:
            self.n += int(n)
            self._tell()

        def nothing(self, *_: Any, **__: Any) -> None:
            """Nothing is on the screen to change. Bytes on the wire (Xet's `update_transfer`) are not bytes of the file."""

        update_transfer = set_postfix_str = set_transfer_postfix_str = refresh = close = nothing

        def _tell(self) -> None:
            report(Progress(progress.file, progress.number, progress.of, self.n, self.total or progress.total))

    return Reporter


def _explained(error: Exception, hub: _Hub, repository: str) -> DownloadError:
    """The client's many exceptions, as what happened and what helps."""
    # For a file the client wraps the hub's answer in "cannot be located, and is not in the cache".
    answers = (getattr(one, "response", None) for one in (error, error.__cause__))
    status = next((answer.status_code for answer in answers if answer is not None), None)
    what, fix = _refused(error, status, hub, repository) if status is not None else _broken(error, hub)
    return DownloadError(what, words=_words(error, hub.token), fix=fix)


def _refused(error: Exception, status: int, hub: _Hub, repository: str) -> tuple[str, str]:
    """The hub answered, and not with the file."""
    from huggingface_hub.errors import GatedRepoError

    if isinstance(error, GatedRepoError):
        return f"{repository} is gated", NEEDS_TOKEN
    if status in {401, 403}:
        return f"{hub.name} refuses {repository} (HTTP {status})", "check HF_TOKEN: it was refused" if hub.token else NEEDS_TOKEN
    if status == 404:
        return f"{hub.name} has no {repository}, or not this file", BY_HAND
    return f"{hub.name} answered HTTP {status}", AGAIN


def _broken(error: Exception, hub: _Hub) -> tuple[str, str]:
    """Something between the hub and the disk failed."""
    from huggingface_hub.errors import LocalEntryNotFoundError, OfflineModeIsEnabled

    if isinstance(error, OfflineModeIsEnabled):
        return "huggingface_hub is in offline mode", "unset HF_HUB_OFFLINE"
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return f"the disk of {hub.cache} is full", f"free some space, then {AGAIN}"
    if isinstance(error, PermissionError | NotADirectoryError | FileExistsError):
        return f"{hub.cache} cannot be written", "set HF_HOME to a folder of yours"
    if isinstance(error, LocalEntryNotFoundError) or any(word in type(error).__name__ for word in ("Connect", "Timeout", "Protocol")):
        return f"{hub.name} cannot be reached", f"check the network and HF_ENDPOINT, then {AGAIN}"
    return f"the download from {hub.name} broke off", AGAIN


def _words(error: Exception, token: str | None) -> str:
    """The client's own words on one line, without the token should it stand in them."""
    cause = error.__cause__
    text = " ".join(f"{error}{f' [{cause}]' if cause and str(cause) not in str(error) else ''}".split())
    if token:
        text = text.replace(token, "***")
    return text if len(text) <= MAX_WORDS else text[:MAX_WORDS] + "..."
