"""One environment per release, made by uv, below the cache folder. Never the user's own.

An environment is made under another name and gets its own when it is whole, so one that is there can be used. uv links files from its own
cache, so a second environment with the same packages costs next to nothing; wheels built from source stay in uv's cache.
"""

import collections
import contextlib
import importlib.metadata
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

import msgspec

from runtimeprobe.contract import Releases
from runtimeprobe.kit import guard
from runtimeprobe.results import Struct
from runtimeprobe.timeline.results import Release

TODAY = "today"
READY = "runtimeprobe.json"
PARTS = ".part-"
LAST_WORDS = 1200  # characters of what the installer said
SPARE_BYTES = 2 * 2**30  # of disk that are left alone
LIMITS_S = {False: 900.0, True: 5400.0}  # wheels; built from source
# What would change the answer behind our back.
FOREIGN = (
    "VIRTUAL_ENV",
    "PYTHONPATH",
    "PYTHONHOME",
    "UV_CONSTRAINT",
    "UV_OVERRIDE",
    "UV_EXCLUDE_NEWER",
    "UV_PYTHON",
    "UV_PROJECT_ENVIRONMENT",
)


class InstallFailed(Exception):
    """No environment: the installer's last words. `certain`: trying again would end the same way."""

    def __init__(self, words: str, *, certain: bool) -> None:
        super().__init__(words)
        self.certain = certain


class Environment(Struct, frozen=True, kw_only=True):
    """What is in it and how it was made."""

    folder: str
    resolved: str
    packages: dict[str, str]
    install_s: float
    program_folder: str = ""  # holds the engine's executable

    @property
    def python(self) -> str:
        return str(interpreter(Path(self.folder)))


# How uv words a failure that is the network's or the disk's, not the release's.
TRANSIENT = ("failed to fetch", "error sending request", "timed out", "dns error", "connection", "http status", "no space")


def interpreter(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def root() -> Path:
    import platformdirs

    return platformdirs.user_cache_path("runtimeprobe") / "environments"


def name_of(package: str, version: str) -> str:
    return f"{package}-{version}-{sys.implementation.cache_tag}"


class Environments:
    """All of them. `busy` processes of uv are killed by `stop`."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self.folder, self.most_bytes = folder, most_bytes
        self.busy: set[subprocess.Popen[bytes]] = set()
        self.in_use: collections.Counter[Path] = collections.Counter()
        self.stopped = False

    @contextlib.contextmanager
    def lent(self, release: Release, how: Releases) -> Iterator[Environment]:
        """The release's environment, made if it is not there, and not removed while it is used. Raises InstallFailed."""
        folder = self.folder / name_of(how.package, release.version)
        self.in_use[folder] += 1
        try:
            yield self.get(folder, release, how)
        finally:
            self.in_use[folder] -= 1
            self.shrink(self.most_bytes)

    def get(self, folder: Path, release: Release, how: Releases) -> Environment:
        ready = folder / READY
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            made = msgspec.json.decode(ready.read_bytes(), type=Environment)
            os.utime(ready)  # used last: see `shrink`
            return made
        shutil.rmtree(folder, ignore_errors=True)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if shutil.disk_usage(self.folder).free < SPARE_BYTES:
                self.shrink(0)
            if (free := shutil.disk_usage(self.folder).free) < SPARE_BYTES:
                raise InstallFailed(f"only {free / 2**30:.1f} GiB of disk are free at {self.folder}", certain=False)
            return self.make(folder, release, how)
        except OSError as error:
            raise InstallFailed(f"cannot write below {self.folder}: {error.strerror}", certain=False) from None

    def make(self, folder: Path, release: Release, how: Releases) -> Environment:
        part = Path(tempfile.mkdtemp(prefix=PARTS, dir=self.folder))
        began = time.monotonic()
        wanted = [f"{how.package}=={release.version}", *how.beside]
        try:
            self.uv("venv", "--quiet", "--relocatable", "--allow-existing", "--python", sys.executable, str(part), limit_s=120)
            resolved = day(release.date)
            install = ["pip", "install", "--quiet", "--python", str(interpreter(part)), *wanted]
            try:
                until = (
                    ["--exclude-newer", resolved, "--exclude-newer-package", f"{how.package}={day(release.uploaded)}"] if resolved else []
                )
                self.uv(*install, *until, limit_s=LIMITS_S[how.compiled])
            except InstallFailed:
                if not resolved or self.stopped:
                    raise
                self.uv(*install, limit_s=LIMITS_S[how.compiled])
                resolved = TODAY
            program = program_folder(part, how.program)
            made = Environment(
                folder=str(folder),
                resolved=resolved or TODAY,
                packages=packages(part),
                install_s=round(time.monotonic() - began, 2),
                program_folder=str(folder / program.relative_to(part)) if program else "",
            )
            (part / READY).write_bytes(msgspec.json.encode(made))
            part.rename(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return made

    def uv(self, *words: str, limit_s: float) -> None:
        """Runs uv, in a process group that ends when we do. Raises InstallFailed with its last words."""
        from uv import find_uv_bin

        environment = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        command = [sys.executable, "-I", "-S", guard.__file__, find_uv_bin(), *words]
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=said, stderr=said, env=environment, start_new_session=True)
            self.busy.add(process)
            try:
                code = process.wait(limit_s)
            except subprocess.TimeoutExpired:
                raise InstallFailed(f"the installation did not end within {limit_s:.0f} s", certain=False) from None
            finally:
                kill(process)
                self.busy.discard(process)
            if code:
                words_of_uv = tail(said)
                # 1: no solution, or a build that fails; 2: uv itself could not go on, such as without a network.
                raise InstallFailed(words_of_uv or f"uv ended with exit code {code}", certain=code == 1 and not transient(words_of_uv))

    def stop(self) -> None:
        self.stopped = True
        for process in tuple(self.busy):
            kill(process)

    def remove(self, package: str = "") -> tuple[int, int]:
        """Removes those of a package, or all. Returns how many, and their bytes."""
        sizes = [size_of(folder) for folder in self.all() if not package or folder.name.startswith(f"{package}-")]
        for folder in self.all():
            if not package or folder.name.startswith(f"{package}-"):
                shutil.rmtree(folder, ignore_errors=True)
        return len(sizes), sum(sizes)

    def shrink(self, most_bytes: int) -> None:
        """Removes those not used for longest until the rest is at most `most_bytes`; and what killed runs left half made."""
        for part in self.folder.glob(f"{PARTS}*"):
            with contextlib.suppress(OSError):
                if time.time() - part.stat().st_mtime > LIMITS_S[True]:
                    shutil.rmtree(part, ignore_errors=True)
        used: list[tuple[float, int, Path]] = []
        for folder in self.all():
            with contextlib.suppress(OSError):
                used.append(((folder / READY).stat().st_mtime, size_of(folder), folder))
        total = sum(size for _, size, _ in used)
        for _, size, folder in sorted(used):
            if total <= most_bytes:
                return
            if not self.in_use[folder]:
                shutil.rmtree(folder, ignore_errors=True)
                total -= size

    def all(self) -> Iterator[Path]:
        if self.folder.is_dir():
            yield from sorted(folder for folder in self.folder.iterdir() if folder.is_dir() and not folder.name.startswith(PARTS))


def day(time_or_date: str) -> str:
    """The midnight that ends a day, as uv's --exclude-newer takes it; "" where there is no date."""
    if not time_or_date:
        return ""
    return (datetime.fromisoformat(time_or_date[:10]).replace(tzinfo=UTC) + timedelta(days=1)).strftime("%Y-%m-%dT00:00:00Z")


def transient(words: str) -> bool:
    """Whether the failure may be the network's."""
    low = words.casefold()
    return any(sign in low for sign in TRANSIENT)


def packages(environment: Path) -> dict[str, str]:
    """What is installed in it: name -> version."""
    places = [str(folder) for pattern in ("lib/python*/site-packages", "Lib/site-packages") for folder in environment.glob(pattern)]
    found = {item.metadata["Name"]: item.version for item in importlib.metadata.distributions(path=places)}
    return dict(sorted(found.items(), key=lambda item: item[0].casefold()))


def program_folder(environment: Path, program: str) -> Path | None:
    """Where the package put the engine's executable."""
    if not program:
        return None
    names = {program, f"{program}.exe"}
    found = next((file for file in sorted(environment.rglob(f"{program}*")) if file.name in names and file.is_file()), None)
    if found is None:
        raise InstallFailed(f"the package holds no program {program}", certain=True)
    return found.parent


def size_of(folder: Path) -> int:
    """Bytes that removing it would free at least: files that uv links from its own cache are its own, not ours."""
    total = 0
    for file in folder.rglob("*"):
        with contextlib.suppress(OSError):
            facts = file.lstat()
            total += facts.st_size if facts.st_nlink == 1 else 0
    return total


def tail(stream: IO[bytes]) -> str:
    """The last words, in one line."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - 16 * LAST_WORDS))
    words = " ".join(stream.read().decode("utf-8", "replace").split())
    return words if len(words) <= LAST_WORDS else "…" + words[-LAST_WORDS:]


def kill(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()
    if process.stdin:
        process.stdin.close()
