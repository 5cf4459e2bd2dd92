"""A small HTTP/1.1 server whose handlers may also misbehave: reset a connection, hang, end the process in the middle of a reply."""

import argparse
import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

MAX_BODY_BYTES = 256 * 1024 * 1024
FOR_EVER_S = 3600


class Gone(Exception):
    """The client hung up, or we did."""


class Exchange(BaseHTTPRequestHandler):
    """One request and the ways to answer it."""

    protocol_version = "HTTP/1.1"
    application: Callable[["Exchange"], None]

    @property
    def route(self) -> str:
        """The path, without a query."""
        return unquote(urlsplit(self.path).path)

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            pieces = []
            while size := int(self.rfile.readline(64).partition(b";")[0], 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline(8)
            self.rfile.readline(8)
            return b"".join(pieces)
        return self.rfile.read(min(int(self.headers.get("Content-Length") or 0), MAX_BODY_BYTES))

    def json(self, status: int, value: Any, **headers: str) -> None:
        self.raw(status, json.dumps(value).encode(), "application/json", **headers)

    def raw(self, status: int, data: bytes, content_type: str, **headers: str) -> None:
        self.send_response(status)
        for name, text in {"Content-Type": content_type, "Content-Length": str(len(data)), **headers}.items():
            self.send_header(name.replace("_", "-"), text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    @contextlib.contextmanager
    def stream(self, content_type: str) -> Iterator[Callable[[bytes], None]]:
        """A chunked reply; give its writer the pieces. An exception leaves it without its last chunk."""
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

        def write(piece: bytes) -> None:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.flush()

        yield write
        self.wfile.write(b"0\r\n\r\n")

    def reset(self) -> None:
        """Ends the connection with RST."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        raise Gone

    def hang(self) -> None:
        time.sleep(FOR_EVER_S)

    def crash(self) -> None:
        """As a segmentation fault ends a server: no farewell, and the kernel closes what was open."""
        os.kill(os.getpid(), signal.SIGKILL)

    def do_GET(self) -> None:
        self.close_connection = False
        with contextlib.suppress(Gone, BrokenPipeError, ConnectionResetError):
            type(self).application(self)
            return
        self.close_connection = True

    do_POST = do_DELETE = do_HEAD = do_PUT = do_OPTIONS = do_GET  # noqa: N815 (names of the base class)

    def log_message(self, *_: Any) -> None:
        """Silent: the tests read standard error."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_: Any) -> None:
        """A client that hangs up is no news."""
        kind = sys.exc_info()[0]
        if kind is None or not issubclass(kind, (Gone, OSError, ValueError)):
            super().handle_error(*_)


def serve(application: Callable[[Exchange], None], port: int = 0) -> Server:
    """Starts to answer on a loopback port, in threads of its own."""
    handler = type("Handler", (Exchange,), {"application": staticmethod(application)})
    server = Server(("127.0.0.1", port), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def arguments(description: str, behaviours: Sequence[str]) -> argparse.ArgumentParser:
    """The options both emulators have."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--behaviour", choices=behaviours, default="healthy")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--end-with-stdin", action="store_true", help="end when standard input closes, as a test that dies closes it")
    return parser


def run(server: Server, *, end_with_stdin: bool) -> None:
    """Says where it is, and stays."""
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if end_with_stdin:
        sys.stdin.buffer.read()
        return
    with contextlib.suppress(KeyboardInterrupt):
        time.sleep(FOR_EVER_S * 24 * 365)


@contextlib.contextmanager
def started(module: str, *options: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """`python -m MODULE OPTIONS` for a test: (address, process). Ended in any case, with whatever it started."""
    command = [sys.executable, "-m", module, "--end-with-stdin", *options]
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root)
    with process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), process
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
