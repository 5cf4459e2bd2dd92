"""The parent's side: starts a child, sends it one operation at a time, and turns every way it can end into a typed failure."""

import collections
import contextlib
import importlib.util
import itertools
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import msgspec
import psutil

import runtimeprobe

MAX_LINE = 32 * 1024 * 1024  # bytes of one reply; a longer one is garbage
STDERR_LINES = 40
POLL_S = 0.05
OVER_LIMIT = "over the limit of"  # in the words of OverMemory
MEMORY_CHECK_S = 0.25


class WorkerError(Exception):
    """A child that did not give a result. `stderr` holds its last lines.

    WorkerError
    +-- Died           the process ended by itself: a signal, an exit code
    +-- TimedOut       it passed its limit and was killed
    +-- OverMemory     it passed its memory limit and was killed
    +-- Garbage        what came over the wire is no reply
    `-- Failed         the adapter raised; `kinds` names the contract's error classes, most specific first ([] if it was none of them)
    """

    def __init__(self, message: str, *, stderr: str = "") -> None:
        super().__init__(message)
        self.stderr = stderr


class Died(WorkerError):
    pass


class TimedOut(WorkerError):
    pass


class OverMemory(WorkerError):
    pass


class Garbage(WorkerError):
    pass


class Failed(WorkerError):
    def __init__(self, message: str, *, kinds: list[str], words: str, fix: str, stderr: str) -> None:
        super().__init__(message, stderr=stderr)
        self.kinds, self.words, self.fix = kinds, words, fix


@dataclass(frozen=True)
class Target:
    """What a child runs: an adapter (`module:Class`) under a Python.

    path: a folder that comes first on its PATH. ours: the environment was made by us, so compiled code may be kept in it.
    """

    adapter: str
    python: str = sys.executable
    path: str = ""
    ours: bool = False


class Answer(msgspec.Struct):
    id: int
    peak_rss_bytes: int | None
    value: Any = None
    failure: dict[str, Any] | None = None


def bridge(adapter: str) -> Path:
    """A folder with nothing but this package and the adapter's: the whole PYTHONPATH of a child in somebody else's environment."""
    folder = Path(tempfile.mkdtemp(prefix="runtimeprobe-"))
    package = adapter.partition(":")[0].partition(".")[0]
    spec = importlib.util.find_spec(package)
    if spec is None or not (spec.submodule_search_locations or spec.origin):
        shutil.rmtree(folder)
        raise WorkerError(f"the adapter package {package} is not importable")
    source = Path(next(iter(spec.submodule_search_locations))) if spec.submodule_search_locations else Path(str(spec.origin))
    (folder / source.name).symlink_to(source)
    (folder / "runtimeprobe").symlink_to(Path(runtimeprobe.__file__).parent)
    return folder


class Worker:
    """One child process. Use as a context manager: it never leaves a process behind."""

    def __init__(self, target: Target, *, memory_limit_bytes: int = 0) -> None:
        self.memory_limit_bytes = memory_limit_bytes
        self.peak_rss_bytes: int | None = None
        self._numbers = itertools.count(1)
        self._bridge = None if target.python == sys.executable else bridge(target.adapter)
        environment = dict(os.environ, PYTHONUNBUFFERED="1", PYTHONFAULTHANDLER="1", TOKENIZERS_PARALLELISM="false")
        if self._bridge:
            environment |= {"PYTHONPATH": str(self._bridge), "PYTHONDONTWRITEBYTECODE": "1"}
            for name in ("PYTHONHOME", *(["PYTHONDONTWRITEBYTECODE"] if target.ours else [])):
                environment.pop(name, None)
        if target.path:
            environment["PATH"] = os.pathsep.join(filter(None, (target.path, os.environ.get("PATH", ""))))
        command = [target.python, "-m", "runtimeprobe.worker.child", target.adapter]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                cwd=tempfile.gettempdir(),  # engines that drop files, or import what lies in the working folder, find neither
                start_new_session=True,  # Ctrl-C is for us to handle, and the whole group can be killed
            )
        except OSError as error:
            self._remove_bridge()
            raise WorkerError(f"cannot start {target.python}: {error.strerror}") from error
        self._stderr: collections.deque[str] = collections.deque(maxlen=STDERR_LINES)
        self._replies: queue.Queue[bytes] = queue.Queue()
        self._threads = [threading.Thread(target=loop, daemon=True) for loop in (self._read_replies, self._read_stderr)]
        for thread in self._threads:
            thread.start()

    def _read_replies(self) -> None:
        stream = self._process.stdout
        with contextlib.suppress(ValueError, OSError):
            while stream and (line := stream.readline(MAX_LINE)):
                self._replies.put(line)
        self._replies.put(b"")

    def _read_stderr(self) -> None:
        stream = self._process.stderr
        with contextlib.suppress(ValueError, OSError):
            while stream and (line := stream.readline(4096)):
                self._stderr.append(line.decode(errors="replace").rstrip())

    @property
    def stderr(self) -> str:
        return "\n".join(self._stderr)

    def call(self, operation: str, *, limit_s: float, **given: Any) -> Any:
        """Runs one operation of the adapter. Raises a WorkerError; after anything but Failed the worker is spent."""
        request = {"id": next(self._numbers), "operation": operation, **given}
        try:
            assert self._process.stdin
            self._process.stdin.write(msgspec.json.encode(request) + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise self._how_it_died() from None
        line = self._wait(limit_s)
        if not line:
            raise self._how_it_died()
        try:
            answer = msgspec.json.decode(line, type=Answer)
        except msgspec.MsgspecError as error:
            self.close()
            raise Garbage(f"the child wrote {line[:60]!r} where its reply belongs ({error})", stderr=self.stderr) from None
        if answer.id != request["id"]:
            self.close()
            raise Garbage(f"reply {answer.id} to request {request['id']}", stderr=self.stderr)
        self.peak_rss_bytes = max(self.peak_rss_bytes or 0, answer.peak_rss_bytes or 0) or None
        if answer.failure is not None:
            told = answer.failure
            raise Failed(told["message"], kinds=told["kinds"], words=told["words"], fix=told["fix"], stderr=self.stderr)
        return answer.value

    def _wait(self, limit_s: float) -> bytes:
        end = time.monotonic() + limit_s
        check = time.monotonic() + MEMORY_CHECK_S
        while True:
            try:
                return self._replies.get(timeout=POLL_S)
            except queue.Empty:
                now = time.monotonic()
            if now > end:
                self.close()
                raise TimedOut(f"no answer within {limit_s:g} s", stderr=self.stderr)
            if self.memory_limit_bytes and now > check:
                check = now + MEMORY_CHECK_S
                used = self._rss()
                if used > self.memory_limit_bytes:
                    self.close()
                    limit = self.memory_limit_bytes / 2**30
                    raise OverMemory(f"used {used / 2**30:.1f} GiB, {OVER_LIMIT} {limit:.1f} GiB", stderr=self.stderr)

    def _rss(self) -> int:
        with contextlib.suppress(psutil.Error):
            return int(psutil.Process(self._process.pid).memory_info().rss)
        return 0

    def _how_it_died(self) -> Died:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        for thread in self._threads:
            thread.join(1)
        code = self._process.poll()
        self.close()
        return Died(how_it_ended(code), stderr=self.stderr)

    def close(self) -> None:
        """Ends the child and everything it started: politely, then not."""
        process = self._process
        with contextlib.suppress(OSError):
            if process.stdin:
                process.stdin.close()
        if process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.05)
        kill_group(process)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        for thread in self._threads:
            thread.join(1)
        for stream in (process.stdout, process.stderr):
            if stream:
                stream.close()
        self._remove_bridge()

    def end(self) -> None:
        """From another thread: whoever waits for an answer hears that it died."""
        self.close()

    def _remove_bridge(self) -> None:
        if self._bridge:
            shutil.rmtree(self._bridge, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def kill_group(process: "subprocess.Popen[bytes]") -> None:
    """Kills the child's process group, also when the child itself is gone but something it started is not."""
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def how_it_ended(code: int | None) -> str:
    """An exit code in words."""
    if code is None:
        return "the process closed its pipe and went on"
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        why = {"SIGKILL": " (killed: often the system's out-of-memory killer)", "SIGILL": " (an instruction this CPU does not have)"}
        return f"the process died of {name}{why.get(name, '')}"
    return f"the process exited with code {code} without an answer"
