"""One environment per release, made by uv, below the cache folder. Never the user's own.

An environment is made under another name and gets its own when it is whole, so one that is there can be used. Whoever uses it holds its
lock, whichever process that is. uv links files from its own cache, so a second environment with the same packages costs next to nothing;
wheels that were built from source stay in uv's cache.
"""

import contextlib
import importlib.metadata
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec

from runtimeprobe.contract import Releases
from runtimeprobe.results import Struct
from runtimeprobe.timeline import index
from runtimeprobe.timeline.installer import Installer, InstallFailed
from runtimeprobe.timeline.results import Release

TODAY = "today"
READY = "runtimeprobe.json"
PARTS = ".part-"
SPARE_BYTES = 2 * 2**30  # of disk that are left alone
LIMITS_S = {False: 900.0, True: 5400.0}  # wheels; built from source
ABANDONED_S = 3 * LIMITS_S[True]


class Environment(Struct, frozen=True, kw_only=True):
    """What is in it and how it was made. `folder` and `program_folder` are told when it is lent, wherever the cache folder is by then."""

    package: str
    made_from: tuple[str, ...]  # requirements, and where they came from
    resolved: str  # the day whose packages are in it, or TODAY
    packages: dict[str, str]
    install_s: float
    size_bytes: int
    program: str = ""  # the engine's executable, below the folder
    folder: str = ""

    @property
    def python(self) -> str:
        return str(interpreter(Path(self.folder)))

    @property
    def program_folder(self) -> str:
        return str((Path(self.folder) / self.program).parent) if self.program else ""


def interpreter(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def root() -> Path:
    import platformdirs

    return platformdirs.user_cache_path("runtimeprobe") / "environments"


class Environments:
    """All of them. `stop` ends what is being installed, and nothing more is."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self.folder, self.most_bytes = folder, most_bytes
        self.installer = Installer(folder)

    @contextlib.contextmanager
    def lent(self, release: Release, how: Releases) -> Iterator[Environment]:
        """The release's environment, made if it is not there, and not removed while it is used. Raises InstallFailed."""
        name = f"{how.package}-{release.version}-{sys.implementation.cache_tag}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self.locked(name):
                yield self.get(self.folder / name, release, how)
        except OSError as error:
            raise InstallFailed(f"cannot write below {self.folder}: {error.strerror or error}", passing=True) from None
        self.shrink(self.most_bytes)

    @contextlib.contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Waits for whoever uses that environment, in this process or another."""
        from filelock import FileLock, Timeout

        lock = FileLock(self.folder / f".{name}.lock")
        while True:
            try:
                lock.acquire(timeout=0.3)
                break
            except Timeout:
                if self.installer.stopped:
                    raise InstallFailed("the run was stopped", passing=True) from None
        try:
            yield
        finally:
            lock.release()

    def get(self, folder: Path, release: Release, how: Releases) -> Environment:
        made_from = (*wanted(release, how), index.address())
        made = read(folder)
        if made and made.made_from == made_from and interpreter(folder).exists():
            os.utime(folder / READY)  # used last: see `shrink`
            return made
        shutil.rmtree(folder, ignore_errors=True)
        if shutil.disk_usage(self.folder).free < SPARE_BYTES:
            self.shrink(0)
        if (free := shutil.disk_usage(self.folder).free) < SPARE_BYTES:
            raise InstallFailed(f"only {free / 2**30:.1f} GiB of disk are free at {self.folder}", passing=True)
        part = Path(tempfile.mkdtemp(prefix=PARTS, dir=self.folder))
        try:
            self.make(part, release, how, made_from)
            part.rename(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        made = read(folder)
        if made is None:
            raise InstallFailed(f"{folder} was removed while it was made", passing=True)
        return made

    def make(self, part: Path, release: Release, how: Releases, made_from: tuple[str, ...]) -> None:
        began = time.monotonic()
        python, limit_s = str(interpreter(part)), LIMITS_S[how.compiled]
        self.installer.run("venv", "--quiet", "--relocatable", "--allow-existing", "--python", sys.executable, str(part), limit_s=120)
        install = ["pip", "install", "--quiet", "--python", python, *index.for_uv(), *wanted(release, how)]
        resolved = release.date
        try:
            own = f"{how.package}={midnight_after(release.uploaded)}"  # its wheel may have come days after its source
            until = ("--exclude-newer", midnight_after(release.date), "--exclude-newer-package", own) if resolved else ()
            self.installer.run(*install, *until, limit_s=limit_s)
        except InstallFailed as error:
            if not resolved or error.passing:
                raise
            self.installer.run(*install, limit_s=limit_s)
            resolved = ""
        program = program_of(part, how.program)
        made = Environment(
            package=how.package,
            made_from=made_from,
            resolved=resolved or TODAY,
            packages=packages(part),
            install_s=round(time.monotonic() - began, 2),
            size_bytes=size_of(part),
            program=program,
        )
        (part / READY).write_bytes(msgspec.json.encode(made))

    def remove(self, package: str = "") -> tuple[int, int]:
        """Removes those of a package, or all, except those in use; and what killed runs left. Returns how many, and their bytes."""
        sizes = []
        for folder in self.all():
            made = read(folder)
            if (not package or (made and made.package == package)) and self.removed(folder):
                sizes.append(made.size_bytes if made else 0)
        self.sweep(0 if not package else ABANDONED_S)
        return len(sizes), sum(sizes)

    def removed(self, folder: Path) -> bool:
        """Whether it is gone now: one that somebody uses stays."""
        from filelock import FileLock, Timeout

        try:
            with FileLock(self.folder / f".{folder.name}.lock", timeout=0):
                shutil.rmtree(folder, ignore_errors=True)
        except (Timeout, OSError):
            return False
        return not folder.exists()

    def shrink(self, most_bytes: int) -> None:
        """Removes those not used for longest until the rest is at most `most_bytes`."""
        self.sweep(ABANDONED_S)
        used: list[tuple[float, int, Path]] = []
        for folder in self.all():
            with contextlib.suppress(OSError):
                made = read(folder)
                used.append(((folder / READY).stat().st_mtime, made.size_bytes if made else 0, folder))
        total = sum(size for _, size, _ in used)
        for _, size, folder in sorted(used):
            if total <= most_bytes:
                return
            if self.removed(folder):
                total -= size

    def sweep(self, older_s: float) -> None:
        """Half made ones, of runs that were killed."""
        for part in self.folder.glob(f"{PARTS}*"):
            with contextlib.suppress(OSError):
                if time.time() - part.stat().st_mtime >= older_s:
                    shutil.rmtree(part, ignore_errors=True)

    def all(self) -> Iterator[Path]:
        if self.folder.is_dir():
            yield from sorted(folder for folder in self.folder.iterdir() if folder.is_dir() and not folder.name.startswith("."))

    def stop(self) -> None:
        self.installer.stop()


def read(folder: Path) -> Environment | None:
    """What a folder says of itself; None where it is no whole environment of ours."""
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        return msgspec.structs.replace(msgspec.json.decode((folder / READY).read_bytes(), type=Environment), folder=str(folder))
    return None


def wanted(release: Release, how: Releases) -> tuple[str, ...]:
    return (f"{how.package}=={release.version}", *how.beside)


def midnight_after(time_or_date: str) -> str:
    """The midnight that ends a day, as uv's --exclude-newer takes it; "" where there is no date."""
    if not time_or_date:
        return ""
    try:
        end = date.fromisoformat(time_or_date[:10]) + timedelta(days=1)
    except (ValueError, OverflowError):
        raise InstallFailed(f"the package index dates it {time_or_date[:40]!r}") from None
    return datetime(end.year, end.month, end.day, tzinfo=UTC).strftime("%Y-%m-%dT00:00:00Z")


def packages(environment: Path) -> dict[str, str]:
    """What is installed in it: name -> version."""
    places = [str(folder) for pattern in ("lib/python*/site-packages", "Lib/site-packages") for folder in environment.glob(pattern)]
    found = {item.metadata["Name"]: item.version for item in importlib.metadata.distributions(path=places)}
    return dict(sorted(found.items(), key=lambda item: item[0].casefold()))


def program_of(environment: Path, program: str) -> str:
    """Where the package put the engine's executable, below the environment."""
    if not program:
        return ""
    names = {program, f"{program}.exe"}
    files = sorted(file for file in environment.rglob(f"{program}*") if file.name in names and file.is_file())
    if not files:
        raise InstallFailed(f"the package holds no program {program}", certain=True)
    if not os.access(files[0], os.X_OK):
        raise InstallFailed(f"the package's {program} is not executable", certain=True)
    return files[0].relative_to(environment).as_posix()


def size_of(folder: Path) -> int:
    """Bytes that removing it would free at least: files that uv links from its own cache are its own, not ours."""
    total = 0
    for file in folder.rglob("*"):
        with contextlib.suppress(OSError):
            facts = file.lstat()
            total += facts.st_size if facts.st_nlink == 1 else 0
    return total
