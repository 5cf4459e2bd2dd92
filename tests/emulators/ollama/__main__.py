"""Says where it listens, and stays. `serve` listens where OLLAMA_HOST says, as the real program does."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from tests.emulators import serving
from tests.emulators.ollama.application import Application, closing
from tests.emulators.ollama.behaviours import BEHAVIOURS
from tests.emulators.ollama.store import Store

VERSION = "0.33.0"


def main() -> None:
    parser = serving.arguments("Ollama, as its source describes it", tuple(BEHAVIOURS))
    parser.add_argument("serve", nargs="?", choices=("serve",), help="listen where OLLAMA_HOST says")
    parser.add_argument("--model", action="append", default=[], metavar="NAME=TEXT[,MMPROJ]", help="a model that is there already")
    parser.add_argument("--remote-model", action="append", default=[], metavar="NAME=TEXT.gguf", help="one that runs on ollama.com")
    parser.add_argument("--version", default=VERSION, help="what /api/version says")
    parser.add_argument("--load-seconds", type=float, default=3.0, help="of slow-load")
    parser.add_argument("--words", default="", help="what the error-... behaviours say")
    parser.add_argument("--crash-probability", type=float, default=0.0, help="of the whole process, per ask; it is started again")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--store", default="", help="a folder for blobs and models, kept")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if not given.port and given.serve:
        given.port = int(os.environ.get("OLLAMA_HOST", "127.0.0.1:11434").rpartition(":")[2])
    with contextlib.ExitStack() as stack:
        if not given.store:
            given.store = stack.enter_context(tempfile.TemporaryDirectory(prefix="ollama-emulator-", ignore_cleanup_errors=True))
            if given.behaviour == "crash-mid-stream" or given.crash_probability:
                supervise(given.store, given.seed if given.crash_probability else None, end_with_stdin=given.end_with_stdin)
                return
        if given.behaviour == "connection-refused":
            print(f"http://127.0.0.1:{free_port()}", flush=True)
            sys.stdin.buffer.read()
            return
        store = Store(Path(given.store))
        for text in given.model:
            add(store, text)
        for text in given.remote_model:
            add(store, text, "https://ollama.com:443")
        application = Application(
            store,
            behaviour=given.behaviour,
            version=given.version,
            load_seconds=given.load_seconds,
            words=given.words,
            seed=given.seed,
            crash_probability=given.crash_probability,
        )
        stack.enter_context(closing(application))
        serving.run(serving.serve(application, given.port), end_with_stdin=given.end_with_stdin)


def add(store: Store, text: str, host: str = "") -> None:
    name, _, files = text.partition("=")
    model, _, projector = files.partition(",")
    store.add(name, Path(model), Path(projector) if projector else None, remote_host=host)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def supervise(store: str, seed: int | None, *, end_with_stdin: bool) -> None:
    """Keeps the models of a server that crashes, as a disk does; with a seed starts it anew on the same port, as systemd does."""
    port, number = free_port(), 0
    ended = threading.Event()
    if end_with_stdin:

        def watch() -> None:
            sys.stdin.buffer.read()
            ended.set()

        threading.Thread(target=watch, daemon=True).start()
    while not ended.is_set():
        words = [*sys.argv[1:], "--store", store, "--port", str(port), "--end-with-stdin", "--seed", str((seed or 0) + number)]
        process = subprocess.Popen([sys.executable, "-m", "tests.emulators.ollama", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with process:
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                address = process.stdout.readline().decode()
                if not number:
                    print(address, end="", flush=True)
                while process.poll() is None and not ended.wait(0.02):
                    pass
            finally:
                process.stdin.close()
        number += 1
        if seed is None:
            ended.wait()


if __name__ == "__main__":
    main()
