"""A llama-server of our own, on a free loopback port."""

import time
from collections.abc import Sequence

from runtimeprobe.contract import AdapterError, LoadFailed
from runtimeprobe.kit.process import Process, free_port
from runtimeprobe_llamacpp import errors
from runtimeprobe_llamacpp.http import Client

_POLL_S = 0.05
_DYING_S = 0.5


class ServerProcess(Process):
    def __init__(self, binary: str, arguments: Sequence[str]) -> None:
        port = free_port()
        self.client = Client(f"http://127.0.0.1:{port}")
        super().__init__([binary, "--host", "127.0.0.1", "--port", str(port), *arguments], echo=True)

    def wait_until_ready(self) -> None:
        """Raises LoadFailed, or what the server's last words stand for, if it ends first. How long is too long, the caller decides."""
        while True:
            code = self.code()
            if code is not None:
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
        code = self.code(_DYING_S)
        if code is None:
            return ""
        return f"killed by signal {code - 128}" if code > 128 else f"exit code {code}"
