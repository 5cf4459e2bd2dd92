"""HTTP to a llama.cpp server: loopback, bounded, no redirects, no proxies.

http.client and not httpx: the same client also speaks to the server inside xllamacpp, where only the standard library may be imported.
"""

import contextlib
import http.client
import json
import secrets
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from runtimeprobe.contract import AdapterError, BadReply, EngineMissing, RouteMissing
from runtimeprobe.kit.address import checked
from runtimeprobe.kit.reply import parse
from runtimeprobe_llamacpp import chat, errors

CONNECT_S = 10.0
READ_S = 1800.0  # of silence: a large model reads a long prompt for minutes; the caller has limits of its own
MAX_LINE_BYTES = 4 * 1024 * 1024


class Client:
    """One server, by its base address."""

    def __init__(self, address: str, *, allow_remote: bool = False) -> None:
        """Raises EngineMissing for an address that may not be used."""
        self.address = checked(address, allow_remote=allow_remote)
        parts = urlsplit(self.address)
        self._secure, self._host, self._port, self._base = parts.scheme == "https", parts.hostname or "", parts.port, parts.path

    def get(self, path: str, *, timeout_s: float = CONNECT_S) -> dict[str, Any]:
        """The JSON object at `path`."""
        with self._open("GET", path, b"", {}, timeout_s) as response:
            return parse(_whole(response))

    def chat(self, body: Mapping[str, Any]) -> Generator[str]:
        """The events of one chat completion."""
        return self._events("/v1/chat/completions", json.dumps(body).encode(), "application/json")

    def transcribe(self, clip: Path, fields: Mapping[str, str]) -> Generator[str]:
        """The events of one transcription."""
        boundary = secrets.token_hex(16)
        part = f"--{boundary}\r\nContent-Disposition: form-data; name="
        pieces = [f'{part}"{name}"\r\n\r\n{value}\r\n'.encode() for name, value in fields.items()]
        # The clip's own name could hold anything; only its suffix tells the server something, and that only if it is plain.
        suffix = clip.suffix.lower() if clip.suffix[1:].isalnum() and clip.suffix.isascii() else ""
        head = f'{part}"file"; filename="clip{suffix}"\r\nContent-Type: application/octet-stream\r\n\r\n'
        body = b"".join([*pieces, head.encode(), clip.read_bytes(), f"\r\n--{boundary}--\r\n".encode()])
        return self._events("/v1/audio/transcriptions", body, f"multipart/form-data; boundary={boundary}")

    def _events(self, path: str, body: bytes, content_type: str) -> Generator[str]:
        with self._open("POST", path, body, {"Content-Type": content_type}, READ_S) as response:
            if not response.headers.get("Content-Type", "").startswith("text/event-stream"):
                yield _whole(response)
                return
            total = 0
            while line := response.readline(MAX_LINE_BYTES + 1):
                total += len(line)
                if len(line) > MAX_LINE_BYTES or total > chat.MAX_REPLY_BYTES:
                    raise BadReply(f"{self.address} answered with more than {chat.MAX_REPLY_BYTES} bytes, or one endless line.")
                if line.startswith(b"data:"):
                    yield _decode(line[5:].strip())
                elif line.startswith(b"error:"):  # llama.cpp up to 2025 named the field so
                    yield json.dumps({"error": parse(_decode(line[6:].strip()))})

    @contextlib.contextmanager
    def _open(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], timeout_s: float
    ) -> Iterator[http.client.HTTPResponse]:
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=CONNECT_S)
        try:
            try:
                connection.connect()
            except OSError as error:
                raise EngineMissing(f"No server answers at {self.address}: {error}.", fix="Start it, or check the address.") from error
            connection.sock.settimeout(timeout_s)
            connection.request(method, self._base + path, body or None, dict(headers))
            with connection.getresponse() as response:
                self._check(path, response)
                yield response
        except (http.client.HTTPException, OSError) as error:
            raise BadReply(f"{self.address} broke off its reply: {type(error).__name__}.", words=str(error)[: errors.MAX_WORDS]) from error
        finally:
            connection.close()

    def _check(self, path: str, response: http.client.HTTPResponse) -> None:
        status = response.status
        if status == 200:
            return
        if 300 <= status < 400:
            raise BadReply(
                f"{self.address} answered with a redirect, which is not followed.", words=str(response.headers.get("Location"))[:200]
            )
        words = _whole(response)
        if status in (404, 405) and path != "/health":
            raise RouteMissing(f"{self.address} has no {path}.", words=words[: errors.MAX_WORDS], fix="Use a build that has this route.")
        try:
            found = chat.reported(parse(words))
        except AdapterError:
            found = None
        _, kind, message = found or (0, "", words)
        raise chat.refused(status, kind, message)


def _whole(response: http.client.HTTPResponse) -> str:
    data = response.read(chat.MAX_REPLY_BYTES + 1)
    if len(data) > chat.MAX_REPLY_BYTES:
        raise BadReply(f"The reply is longer than {chat.MAX_REPLY_BYTES} bytes.")
    return _decode(data)


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadReply("The reply is not UTF-8.", words=data[: errors.MAX_WORDS].decode("utf-8", "replace")) from error
