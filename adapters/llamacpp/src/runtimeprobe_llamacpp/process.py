"""A llama-server of our own: started on a free loopback port, listened to, and gone when it is no longer needed."""

import collections
import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from runtimeprobe.contract import AdapterError, LoadFailed
from runtimeprobe.kit import guard
from runtimeprobe_llamacpp import errors
from runtimeprobe_llamacpp.http import Client

_LOG_LINES = 400
_POLL_S = 0.05
_STOP_S = 10.0
_GUARD = str(Path(guard.__file__))


class ServerProcess:
    """One process. The guard between us and the server ends it if we die without saying so."""

    def __init__(self, binary: str, arguments: Sequence[str]) -> None:
        self.log: collections.deque[str] = collections.deque(maxlen=_LOG_LINES)
        port = _free_port()
        self.client = Client(f"http://127.0.0.1:{port}")
        command = [sys.executable, "-I", "-S", _GUARD, binary, "--host", "127.0.0.1", "--port", str(port), *arguments]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()

    def wait_until_ready(self) -> None:
        """Raises LoadFailed, or what the server's last words stand for, if it ends first. How long is too long, the caller decides."""
        while True:
            code = self._process.poll()
            if code is not None:
                self._reader.join(_STOP_S)
                words = errors.complaints("".join(self.log)) or "".join(list(self.log)[-10:])
                raise errors.from_words("llama-server", f"ended with exit code {code} while loading", words, errors.LOADING, LoadFailed)
            try:
                self.client.get("/health")
            except AdapterError:  # not listening yet, or loading (503)
                time.sleep(_POLL_S)
            else:
                return

    def died(self) -> str:
        """How it ended, or "" while it runs."""
        try:
            code = self._process.wait(0.5)
        except subprocess.TimeoutExpired:
            return ""
        return f"killed by signal {code - 128}" if code > 128 else f"exit code {code}"

    def stop(self) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(_STOP_S)

    def _listen(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            while line := lines.readline(65536):
                text = line.decode("utf-8", "replace")
                self.log.append(text)
                sys.stderr.write(text)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
