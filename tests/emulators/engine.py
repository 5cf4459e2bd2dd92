"""The engine behind the emulators: llama.cpp's own server (out of xllamacpp), in a process of its own, as both programs run it."""

import contextlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import psutil

from runtimeprobe.kit import guard

LAUNCHER = Path(__file__).resolve().parents[2] / "adapters" / "llamacpp" / "tests" / "launcher.py"
START_S = 60.0


class Refused(Exception):
    """llama.cpp's server refused: its status, and its reply word for word."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


class Engine:
    """One model in one llama.cpp server. Ends with us, whatever becomes of us."""

    def __init__(self, text_gguf: str, projector_gguf: str = "", context: int = 4096) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [sys.executable, "-I", "-S", guard.__file__, sys.executable, str(LAUNCHER), "--model", text_gguf, "--port", str(port)]
        command += ["--ctx-size", str(context), "--mmproj", projector_gguf]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=600, trust_env=False)
        end = time.monotonic() + START_S
        while True:
            if self._process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise Refused(500, "llama-server process has terminated")
            with contextlib.suppress(httpx.TransportError):
                if self._client.get("/health").status_code == 200:
                    return
            time.sleep(0.02)

    def chat(self, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The chunks of /v1/chat/completions for an OpenAI-style body, usage and llama.cpp's `timings` in the last. Raises Refused."""
        whole = {**body, "stream": True, "stream_options": {"include_usage": True}, "cache_prompt": False}
        with self._client.stream("POST", "/v1/chat/completions", json=whole) as response:
            if response.status_code != 200:
                raise Refused(response.status_code, response.read().decode())
            for line in response.iter_lines():
                if line.startswith("data:") and "[DONE]" not in line:
                    chunk = json.loads(line[5:])
                    if "error" in chunk:
                        raise Refused(500, json.dumps(chunk))
                    yield chunk

    def complete(self, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The chunks of llama.cpp's own /completion, the last with `stop` true and `timings`. Raises Refused."""
        with self._client.stream("POST", "/completion", json={**body, "stream": True}) as response:
            if response.status_code != 200:
                raise Refused(response.status_code, response.read().decode())
            for line in response.iter_lines():
                if line.startswith("data:"):
                    yield json.loads(line[5:])

    def media_marker(self) -> str:
        """What stands for a sound in the prompt of /completion; each server has its own."""
        return str(self._client.get("/props").json()["media_marker"])

    def crash(self) -> None:
        """Kills llama.cpp's server as a segmentation fault would."""
        for child in psutil.Process(self._process.pid).children():
            child.kill()
        self._process.wait(10)

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def tokens(self, text: str) -> list[int]:
        """`text` as the model's tokens."""
        found: list[int] = self._client.post("/tokenize", json={"content": text}).json()["tokens"]
        return found

    def stop(self) -> None:
        self._client.close()
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait(10)
