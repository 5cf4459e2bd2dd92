"""The child's side: `python -m runtimeprobe.worker.child MODULE:CLASS`.

Standard library, `runtimeprobe.contract` and the adapter alone, so that it runs in any environment that has the engine. Native code
prints to file descriptor 1; so the wire is moved to private descriptors first, and 1 becomes a copy of 2 (whose last lines are evidence).
"""

import contextlib
import dataclasses
import importlib
import json
import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any

from runtimeprobe import contract

MAX_TEXT = 200_000  # characters of an answer that are sent home
MAX_RAW = 20_000


def private_wire() -> tuple[int, int]:
    """Takes stdin and stdout away from everything else in this process. Returns (requests, replies)."""
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    return requests, replies


def listen(descriptor: int, inbox: "queue.Queue[dict[str, Any]]") -> None:
    """Fills `inbox`; when the parent is gone, so are we, even in the middle of an engine's work."""
    with os.fdopen(descriptor, "rb") as wire:
        for line in wire:
            inbox.put(json.loads(line))
    os._exit(0)


def forget_peak() -> None:
    """Starts the measurement of peak memory anew, so that a second model is not charged with the first (proc_pid_clear_refs(5))."""
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w", encoding="ascii") as file:  # noqa: PTH123
        file.write("5")


def peak_rss_bytes() -> int | None:
    """Largest resident set of this process since `forget_peak`; since its start where only that is told; None where nothing is."""
    with contextlib.suppress(OSError, ValueError), open("/proc/self/status", encoding="ascii") as file:  # noqa: PTH123
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM:"))
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # bytes on macOS, kilobytes elsewhere (getrusage(2))


def arguments(operation: str, given: dict[str, Any]) -> list[Any]:
    """The wire's plain values as the contract's types."""

    def model() -> contract.Model:
        return contract.Model(**given["model"] | {"claim": contract.Claim(given["model"]["claim"])})

    def ask() -> contract.Ask:
        sampling = given["ask"]["sampling"]
        made = {"sampling": None if sampling is None else contract.Sampling(**sampling), "listen": watch() if given.get("watch") else None}
        return contract.Ask(**given["ask"] | made)

    table: dict[str, Any] = {
        "discover": lambda: [contract.Options(**given["options"] | {"endpoints": tuple(given["options"]["endpoints"])})],
        "routes": lambda: [given["engine"]],
        "levers": lambda: [given["engine"]],
        "releases": lambda: [given["engine"]],
        "models": lambda: [given["engine"], [contract.Candidate(**item) for item in given["candidates"]]],
        "load": lambda: [given["engine"], model(), contract.Config(**given["config"])],
        "ask": lambda: [ask()],
        "trace": lambda: [ask()],
        "unload": list,
    }
    result: list[Any] = table[operation]()
    return result


def method(adapter: Any, operation: str) -> Callable[..., Any]:
    """The adapter's method; those that it may lack have an answer of their own."""
    lacking: dict[str, Callable[..., Any]] = {"releases": lambda _engine: contract.Releases(), "trace": lambda _ask: ()}
    if operation in lacking and not hasattr(adapter, operation):
        return lacking[operation]
    found: Callable[..., Any] = getattr(adapter, operation)
    return found


def watch() -> Callable[[str, bool], bool]:
    """Listens for a loop, so that nobody pays for the rest of it."""
    from runtimeprobe.diagnose.loops import Detector

    answer, thoughts = Detector(), Detector(thinking=True)

    def listen(piece: str, thought: bool) -> bool:
        return (thoughts if thought else answer).feed(piece) is not None

    return listen


def plain(value: Any) -> Any:
    """A contract value as JSON can hold it, with the kind of each item of a mixed list."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        if isinstance(value, contract.Engine | contract.Absent | contract.Model | contract.AbsentModel):
            fields["type"] = type(value).__name__
        if isinstance(value, contract.Reply):
            fields |= {"text": value.text[:MAX_TEXT], "thinking": value.thinking[:MAX_TEXT], "raw": bounded(value.raw)}
        return fields
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def bounded(raw: Any) -> Any:
    text = json.dumps(raw, default=repr)
    return json.loads(text) if len(text) <= MAX_RAW else {"cut": text[:MAX_RAW]}


def failure(error: BaseException) -> dict[str, Any]:
    """An error as a value. What is no AdapterError is the adapter's own fault, so its last line of code is named."""
    kinds = [kind.__name__ for kind in type(error).__mro__ if issubclass(kind, contract.AdapterError)]
    words = getattr(error, "words", "")
    if not kinds and not isinstance(error, MemoryError):
        frames = traceback.extract_tb(error.__traceback__)
        words = f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""  # noqa: PTH119 (no import for one name)
    if isinstance(error, MemoryError):
        kinds = ["OutOfMemory", "Unavailable", "AdapterError"]
    message = str(error) or type(error).__name__
    if not kinds:
        message = f"{type(error).__name__}: {message}"
    return {"kinds": kinds, "message": message[:4000], "words": str(words)[:4000], "fix": getattr(error, "fix", "")}


def main() -> None:
    requests, replies = private_wire()
    inbox: queue.Queue[dict[str, Any]] = queue.Queue()
    threading.Thread(target=listen, args=(requests, inbox), daemon=True).start()
    adapter: Any = None
    while True:
        request = inbox.get()
        try:
            if adapter is None:
                module, _, name = sys.argv[1].partition(":")
                adapter = getattr(importlib.import_module(module), name)()
            operation = request["operation"]
            if operation == "load":
                forget_peak()
            value = adapter.runtime if operation == "runtime" else method(adapter, operation)(*arguments(operation, request))
            answer: dict[str, Any] = {"value": plain(value)}
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            answer = {"failure": failure(error)}
        answer |= {"id": request["id"], "peak_rss_bytes": peak_rss_bytes()}
        data = json.dumps(answer).encode() + b"\n"
        while data:
            data = data[os.write(replies, data) :]


if __name__ == "__main__":
    main()
