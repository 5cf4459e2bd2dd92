"""Listens to what native code writes to stderr while it loads, and passes it on.

The listener is a process of its own: the code listened to may hold Python's lock for the whole load (so a thread could not
empty the pipe) or die in it (so a file kept here would take its last words along).
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

_KEPT_BYTES = 1 << 20  # of the beginning; a load that says more than that is not explained by more
_LATE_S = 3.0
_POLL_S = 0.02

_LISTENER = f"""
import os, sys
left = {_KEPT_BYTES}
with open(sys.argv[1], "wb", buffering=0) as kept:
    while chunk := os.read(0, 65536):
        os.write(2, chunk)
        left -= kept.write(chunk[:left])
"""


class Overheard:
    """`with Overheard() as log: ...`; afterwards `log.text` holds what was written to file descriptor 2.

    llama.cpp writes its log from a thread, so when a load fails its reason may still be on the way: then the end waits, not for
    long, until `last_words` have been heard.
    """

    def __init__(self, last_words: str) -> None:
        self.text = ""
        self._last_words = last_words
        self._stderr = -1
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._listener: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        sys.stderr.flush()
        try:
            self._stderr = os.dup(2)
        except OSError:  # this process has no stderr at all: nothing to hear
            return self
        self._folder = tempfile.TemporaryDirectory()
        command = [sys.executable, "-I", "-S", "-c", _LISTENER, str(self._kept())]
        self._listener = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self._stderr)
        assert self._listener.stdin is not None
        os.dup2(self._listener.stdin.fileno(), 2)
        self._listener.stdin.close()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._listener is None or self._folder is None:
            return
        sys.stderr.flush()
        deadline = time.monotonic() + _LATE_S
        while kind is not None and self._last_words not in self._read() and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        os.dup2(self._stderr, 2)
        os.close(self._stderr)
        self._listener.wait()
        self.text = self._read()
        self._folder.cleanup()

    def _kept(self) -> Path:
        assert self._folder is not None
        return Path(self._folder.name, "stderr")

    def _read(self) -> str:
        try:
            return self._kept().read_text("utf-8", "replace")
        except FileNotFoundError:  # the listener is still starting
            return ""
