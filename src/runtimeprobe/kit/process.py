"""A server of ours: listened to, under a guard that ends it if we die without saying so, and gone when it is no longer needed."""

import collections
import contextlib
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from runtimeprobe.kit import guard

LOG_LINES = 400
STOP_S = 10.0


class Process:
    """Started with `environment` (ours by default). `log` keeps its last lines; with `echo` they also go on to our own standard error."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None, *, echo: bool = False) -> None:
        self.log: collections.deque[str] = collections.deque(maxlen=LOG_LINES)
        self._echo = echo
        guarded = [sys.executable, "-I", "-S", str(Path(guard.__file__)), *command]
        self._process = subprocess.Popen(guarded, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()

    def code(self, wait_s: float = 0.0) -> int | None:
        """Its exit code, 128 and more for a signal, once its last words are in the log; None while it runs."""
        try:
            code = self._process.wait(wait_s)
        except subprocess.TimeoutExpired:
            return None
        self._reader.join(STOP_S)
        return code

    def stop(self) -> None:
        """Safe to call twice."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(STOP_S)

    def _listen(self) -> None:
        """A full pipe would stop the server."""
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            while line := lines.readline(65536):
                text = line.decode("utf-8", "replace")
                self.log.append(text)
                if self._echo:
                    sys.stderr.write(text)


def free_port() -> int:
    """On loopback; taken by nobody at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
