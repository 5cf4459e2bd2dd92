"""`ollama serve`, ours, on a free loopback port."""

import os
import shutil
import time

from runtimeprobe.contract import AdapterError, EngineMissing, LoadFailed
from runtimeprobe.kit import process
from runtimeprobe_ollama import errors
from runtimeprobe_ollama.server import Server

START_S = 60.0  # it looks for accelerators before it listens
POLL_S = 0.05


class Process(process.Process):
    """Returns when it answers. `store`: a folder for its models, or "" for the user's own."""

    def __init__(self, store: str = "") -> None:
        binary = shutil.which("ollama")
        if binary is None:
            raise EngineMissing("ollama is no longer on PATH.", fix="Install Ollama: https://ollama.com/download")
        self.address = f"http://127.0.0.1:{process.free_port()}"
        environment = {**os.environ, "OLLAMA_HOST": self.address.removeprefix("http://")} | ({"OLLAMA_MODELS": store} if store else {})
        super().__init__([binary, "serve"], environment)
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def _wait(self) -> None:
        end = time.monotonic() + START_S
        while True:
            code = self.code()
            if code is not None or time.monotonic() > end:
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
