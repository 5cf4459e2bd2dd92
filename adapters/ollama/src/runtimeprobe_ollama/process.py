"""`ollama serve`, ours: on a free loopback port, under a guard that ends it if we die without saying so."""

import collections
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from runtimeprobe.contract import AdapterError, EngineMissing, LoadFailed
from runtimeprobe.kit import guard
from runtimeprobe_ollama import errors
from runtimeprobe_ollama.server import Server

START_S = 60.0  # it looks for accelerators before it listens
POLL_S = 0.05
STOP_S = 10.0
LOG_LINES = 200


class Process:
    """`store`: a folder for its models, or "" for the user's own."""

    def __init__(self, store: str = "") -> None:
        binary = shutil.which("ollama")
        if binary is None:
            raise EngineMissing("ollama is no longer on PATH.", fix="Install Ollama: https://ollama.com/download")
        self.address = f"http://127.0.0.1:{_free_port()}"
        self.log: collections.deque[str] = collections.deque(maxlen=LOG_LINES)
        environment = {**os.environ, "OLLAMA_HOST": self.address.removeprefix("http://")} | ({"OLLAMA_MODELS": store} if store else {})
        command = [sys.executable, "-I", "-S", str(Path(guard.__file__)), binary, "serve"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

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

    def _wait(self) -> None:
        end = time.monotonic() + START_S
        while True:
            code = self._process.poll()
            if code is not None or time.monotonic() > end:
                self._reader.join(1 if code is not None else 0)
                how = f"ended with exit code {code}" if code is not None else f"did not answer within {START_S:.0f} s"
                words = "".join(list(self.log)[-10:]).strip()[-errors.MAX_WORDS :]
                raise LoadFailed(f"`ollama serve` {how}.", words=words, fix="Run it yourself and read what it says.")
            server = Server(self.address)
            try:
                server.version()
            except AdapterError:  # not listening yet
                time.sleep(POLL_S)
            else:
                return
            finally:
                server.close()

    def _listen(self) -> None:
        """Keeps the last lines of the log; a full pipe would stop the server."""
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            while line := lines.readline(65536):
                self.log.append(line.decode("utf-8", "replace"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
