"""A hub on this machine that speaks what huggingface_hub asks: repository info, HEAD and GET of files, ranges, refusals."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """What it serves, how it misbehaves, and what it was asked."""

    files: dict[str, bytes] = field(default_factory=dict)  # "owner/name/file" -> content
    refuse: int = 0  # answer every request with this status
    error_code: str = ""  # X-Error-Code, which the client turns into its own exception
    refuse_files: int = 0  # answer requests for files with this status
    cut_after: list[int] = field(default_factory=list)  # close the next bodies after so many bytes
    said: str = "no"
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    def asked(self, method: str) -> list[str]:
        return [path for verb, path, _ in self.requests if verb == method]


def digests(name: str, content: bytes) -> dict[str, Any]:
    """As the hub tells them: git's for small files, those of Git LFS for large ones."""
    blob = {"blobId": hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()}
    if not name.endswith((".gguf", ".safetensors")):
        return blob
    return blob | {"lfs": {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}}


class Handler(BaseHTTPRequestHandler):
    """`hub` is set by `running`."""

    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:  # the base class's name
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append((self.command, path, {name.lower(): value for name, value in self.headers.items()}))
        if status := self.hub.refuse or (self.hub.refuse_files if "/resolve/" in path else 0):
            self.refuse(status, self.hub.error_code)
        elif path.startswith("/api/models/") and "/tree/" in path:
            self.tree("/".join(path.split("/")[3:5]))
        elif path.startswith("/api/models/"):
            self.info("/".join(path.split("/")[3:5]))
        else:
            repository, _, rest = path.lstrip("/").partition("/resolve/")
            self.file(self.hub.files.get(f"{repository}/{rest.partition('/')[2]}"))

    def info(self, repository: str) -> None:
        prefix = repository + "/"
        siblings = [
            {"rfilename": name.removeprefix(prefix), "size": len(content), **digests(name, content)}
            for name, content in self.hub.files.items()
            if name.startswith(prefix)
        ]
        if not siblings:
            return self.refuse(404, "RepoNotFound")
        found = {"id": repository, "modelId": repository, "sha": COMMIT, "private": False, "tags": [], "downloads": 0, "siblings": siblings}
        return self.reply(200, json.dumps(found).encode())

    def tree(self, repository: str) -> None:
        prefix = repository + "/"
        entries = []
        for name, content in self.hub.files.items():
            if name.startswith(prefix):
                told = digests(name, content)
                lfs = {"lfs": {**told["lfs"], "oid": told["lfs"]["sha256"]}} if "lfs" in told else {}
                path = name.removeprefix(prefix)
                entries.append({"type": "file", "path": path, "size": len(content), "oid": told["blobId"], **lfs})
        self.reply(200, json.dumps(entries).encode())

    def file(self, content: bytes | None) -> None:
        if content is None:
            return self.refuse(404, "EntryNotFound")
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{hashlib.sha256(content).hexdigest()}"', "Accept-Ranges": "bytes"}
        wanted = self.headers.get("Range")
        if wanted is None:
            return self.reply(200, content, **headers)
        start = int(wanted.removeprefix("bytes=").rstrip("-"))
        headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        return self.reply(206, content[start:], **headers)

    def refuse(self, status: int, code: str) -> None:
        self.reply(status, json.dumps({"error": self.hub.said}).encode(), **({"X-Error-Code": code} if code else {}))

    def reply(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), "Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if "/resolve/" in self.path and status < 300 and self.hub.cut_after:
            content = content[: self.hub.cut_after.pop(0)]
            self.close_connection = True
        self.wfile.write(content)


@contextmanager
def running(hub: Hub) -> Iterator[Hub]:
    handler = type("Handler", (Handler,), {"hub": hub})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        hub.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()
