"""What must be undone on somebody's server or disk, kept by a process of its own and done when its pipe closes.

An adapter may be killed at any moment (a stage over its limit, Ctrl-C) and then cannot clean up. The keeper is in a session of its own, so
that the kill of our process group passes it by; it does what is left, newest first, and ends.
"""

import contextlib
import http.client
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

REQUEST_S = 15.0
WAIT_S = 60.0
# A server that went away may be on its way back: the unit that Ollama installs restarts it after 3 s (scripts/install.sh).
PATIENCE_S = 5.0
POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request with a JSON body. Its answer is not looked at: what is gone already need not be undone."""

    method: str
    url: str
    body: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Remove:
    """A file or a folder with all that is in it. `and_parent`: then the folder it lay in too, if that is empty."""

    path: str
    and_parent: bool = False


class Afterwards:
    """The keeper, started with the first thing to keep."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._count = 0

    def add(self, action: Request | Remove) -> int:
        """Keeps `action` until `drop` or `close`. Call it before the deed: undoing what was not done is harmless."""
        if self._process is None:
            command = [sys.executable, "-I", "-S", str(Path(__file__))]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True)
        self._count += 1
        self._send({"add": self._count, "what": type(action).__name__, **asdict(action)})
        return self._count

    def drop(self, number: int) -> None:
        """Forgets an action: it was done already, or is no longer wanted."""
        self._send({"drop": number})

    def close(self) -> None:
        """Does what is left and waits for it. Safe to call twice."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        with contextlib.suppress(OSError):
            process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(WAIT_S)

    def _send(self, line: Mapping[str, Any]) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(json.dumps(line).encode() + b"\n")
            self._process.stdin.flush()


def perform(action: Mapping[str, Any]) -> None:
    if action["what"] == "Remove":
        path = Path(action["path"])
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        if action["and_parent"]:
            with contextlib.suppress(OSError):
                path.parent.rmdir()
        return
    parts = urlsplit(action["url"])
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=REQUEST_S)
    try:
        connection.request(
            action["method"], parts.path, json.dumps(action["body"]), {"Content-Type": "application/json", **action["headers"]}
        )
        connection.getresponse().read(65536)
    finally:
        connection.close()


def main() -> None:
    kept: dict[int, dict[str, Any]] = {}
    for line in sys.stdin.buffer:
        order = json.loads(line)
        if "drop" in order:
            kept.pop(order["drop"], None)
        else:
            kept[order["add"]] = order
    end = time.monotonic() + PATIENCE_S
    for action in reversed(kept.values()):
        while True:
            try:
                perform(action)
            except (OSError, http.client.HTTPException) as error:
                if action["what"] == "Request" and time.monotonic() < end:
                    time.sleep(POLL_S)
                    continue
                print(f"could not be undone: {action['what']} {action.get('url') or action.get('path')}: {error}", file=sys.stderr)
            break


if __name__ == "__main__":
    main()
