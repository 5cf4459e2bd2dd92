"""uv as a process: what of the user's settings it is given, how long it may take, what it says when it fails."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import IO

from runtimeprobe.kit import guard

LAST_WORDS = 1200  # characters of what it said
# Of the user's settings those that say where packages are and how to reach them; any other could change what is installed.
KEPT = (
    "UV_CACHE_DIR", "UV_CONCURRENT_BUILDS", "UV_CONCURRENT_DOWNLOADS", "UV_CONCURRENT_INSTALLS", "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_HTTP_TIMEOUT", "UV_INDEX", "UV_INDEX_URL", "UV_INSECURE_HOST", "UV_KEYRING_PROVIDER",
    "UV_LINK_MODE", "UV_NATIVE_TLS", "UV_OFFLINE", "UV_SYSTEM_CERTS",
)  # fmt: skip
FOREIGN = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME")
NO_SOLUTION = "no solution found"
# How uv words a failure that is the network's or the disk's, not the release's.
PASSING = ("failed to fetch", "failed to download", "error sending request", "request failed", "dns error", "no space left", "os error 28")


class InstallFailed(Exception):
    """No environment; the message holds the installer's last words.

    certain: trying again would end the same way: the index has no packages that fit together. passing: it was the network, the disk, or
    the time, so nothing is known of the release.
    """

    def __init__(self, words: str, *, certain: bool = False, passing: bool = False) -> None:
        super().__init__(words)
        self.certain, self.passing = certain, passing


class Installer:
    """Runs uv, without the settings of any project. After `stop` it starts nothing any more."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.busy: set[subprocess.Popen[bytes]] = set()
        self.stopped = False
        self._starting = threading.Lock()

    def run(self, *words: str, limit_s: float) -> None:
        """In a process group that ends when we do. Raises InstallFailed."""
        from uv import find_uv_bin

        with tempfile.TemporaryFile() as said:
            try:
                command = [sys.executable, "-I", "-S", guard.__file__, find_uv_bin(), "--no-config", *words]
                process = self._start(command, said)
            except FileNotFoundError as error:
                raise InstallFailed(f"uv is not there: {error}; reinstall it: pip install uv", passing=True) from None
            try:
                code = process.wait(limit_s)
            except subprocess.TimeoutExpired:
                raise InstallFailed(f"the installation did not end within {limit_s:.0f} s", passing=True) from None
            finally:
                kill(process)
                self.busy.discard(process)
            if code:
                what = tail(said)
                low = what.casefold()
                passing = self.stopped or any(sign in low for sign in PASSING)
                raise InstallFailed(what or f"uv ended with exit code {code}", certain=NO_SOLUTION in low and not passing, passing=passing)

    def _start(self, command: list[str], said: IO[bytes]) -> "subprocess.Popen[bytes]":
        kept = {name: value for name, value in os.environ.items() if name not in FOREIGN and (name in KEPT or not name.startswith("UV_"))}
        with self._starting:
            if self.stopped:
                raise InstallFailed("the run was stopped", passing=True)
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=said, stderr=said, env=kept, cwd=self.folder, start_new_session=True
            )
            self.busy.add(process)
        return process

    def stop(self) -> None:
        with self._starting:
            self.stopped = True
        for process in tuple(self.busy):
            kill(process)


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
