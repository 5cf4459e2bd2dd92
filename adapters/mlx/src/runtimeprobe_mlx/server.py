"""mlx-vlm's own server in a process of its own, on a free port of the loopback address."""

import collections
import contextlib
import http.client
import importlib.util
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from runtimeprobe.contract import AdapterError, Config, LoadFailed, RouteMissing
from runtimeprobe_mlx import failures
from runtimeprobe_mlx.engines import VLM, version_of

MODULE = "mlx_vlm.server"
HOST = "127.0.0.1"
START_S = 110.0  # its imports take 2 s on a fast disk and much more on a cold one
POLL_S = 0.05
STOP_S = 3.0
STDERR_LINES = 40
# The server's own options for our levers. It has no others that concern a single request.
FLAGS = {"kv_bits": "--kv-bits", "kv_quant_scheme": "--kv-quant-scheme", "prefill_step_size": "--prefill-step-size"}
# A key or a default that the user exported for another server of theirs must not reach this one.
FOREIGN = ("MLX_VLM_SERVER_API_KEY", "MLX_VLM_PRELOAD_MODEL", "MLX_VLM_PRELOAD_ADAPTER")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def environment() -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if name not in FOREIGN}


class Server:
    """Started by `__init__`, which returns when it answers; ended by `stop`, or by the end of this process."""

    def __init__(self, config: Config) -> None:
        self.missing_module()
        self.port = free_port()
        flags = [part for name, flag in FLAGS.items() if config.levers.get(name) for part in (flag, config.levers[name])]
        launcher = str(Path(__file__).with_name("launch.py"))
        command = [
            sys.executable,
            "-P",
            launcher,
            config.levers.get("device", ""),
            MODULE,
            "--host",
            HOST,
            "--port",
            str(self.port),
            *flags,
        ]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment(),
            text=True,
            errors="replace",
        )
        self.last_lines: collections.deque[str] = collections.deque(maxlen=STDERR_LINES)
        self.reader = threading.Thread(target=self.drain, daemon=True)
        self.reader.start()
        began = time.perf_counter()
        try:
            self.wait()
        except BaseException:
            self.stop()
            raise
        self.start_seconds = time.perf_counter() - began

    @staticmethod
    def missing_module() -> None:
        try:
            found = importlib.util.find_spec(MODULE)
        except ImportError:
            found = None
        if found is None:
            raise RouteMissing(f"mlx-vlm {version_of(VLM)} ships no server", fix="pip install --upgrade mlx-vlm")

    def drain(self) -> None:
        """Keeps the last lines of the log; a full pipe would stop the server."""
        assert self.process.stderr
        for line in self.process.stderr:
            self.last_lines.append(line[:400].rstrip())

    def words(self) -> str:
        return "\n".join(self.last_lines)

    def wait(self) -> None:
        """Until it accepts connections."""
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            if self.process.poll() is not None:
                self.reader.join(STOP_S)
                raise self.ended(f"mlx-vlm's server ended with exit code {self.process.returncode} instead of starting")
            connection = http.client.HTTPConnection(HOST, self.port, timeout=5)
            with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
                connection.request("GET", "/health")
                connection.getresponse().read(4096)
                return
            time.sleep(POLL_S)
        raise LoadFailed(f"mlx-vlm's server did not answer within {START_S:.0f} s", words=self.words())

    def ended(self, message: str) -> AdapterError:
        """The error for a server that is gone, with the last line of its log that says something."""
        last = next((line for line in reversed(self.last_lines) if line.strip()), "")
        return failures.translate(self.words()[-failures.MAX_WORDS :], VLM, AdapterError(f"{message}: {last}" if last else message))

    def stop(self) -> None:
        """Ends the process. Safe to call twice."""
        if self.process.stdin:
            with contextlib.suppress(OSError):
                self.process.stdin.close()
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join(STOP_S)
        if self.process.stderr:
            self.process.stderr.close()
