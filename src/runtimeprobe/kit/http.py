"""HTTP to a runtime's server: this machine alone unless allowed, no proxy, no redirect, every reply bounded.

Give `client(...)` requests, or its `transport` to a library that is built on httpx. What goes wrong is raised as the contract's errors.
"""

import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import httpx

from runtimeprobe.contract import BadReply, EngineDied, EngineMissing
from runtimeprobe.kit.reply import MAX_WORDS, quoted

CONNECT_S = 5.0
DYING_S = 0.1
READ_S = 1800.0  # of silence: a large model reads a long prompt for minutes; the caller has limits of its own
MAX_REPLY_BYTES = 32 * 1024 * 1024
MAX_LINE_CHARACTERS = 4 * 1024 * 1024


class Transport(httpx.BaseTransport):
    """Speaks to one server only and reads at most MAX_REPLY_BYTES of a reply, whoever drives it."""

    def __init__(self, address: str) -> None:
        """`address`: from address.checked."""
        self.address = address
        self._url = httpx.URL(address)
        self._inner = httpx.HTTPTransport(trust_env=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if (request.url.scheme, request.url.host, request.url.port) != (self._url.scheme, self._url.host, self._url.port):
            raise BadReply(f"{self.address} sends elsewhere, to {request.url.host}, which is not followed.")
        with self.told():
            response = self._inner.handle_request(request)
        if response.is_redirect:
            response.close()
            where = response.headers.get("location", "")[:200]
            raise BadReply(f"{self.address} answers with a redirect, which is not followed.", words=where)
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=_Bounded(self, response.stream),
            extensions=response.extensions,
        )

    @contextlib.contextmanager
    def told(self) -> Iterator[None]:
        """Whatever breaks in the connection, in the contract's words."""
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise EngineMissing(f"No server answers at {self.address}: {error}.", fix="Start it, or check the address.") from error
        except (httpx.TransportError, httpx.StreamError) as error:
            words = f"{type(error).__name__}: {error}"[:MAX_WORDS]
            if self._is_gone():
                raise EngineDied(f"The server at {self.address} is gone in the middle of a reply.", words=words) from error
            raise BadReply(f"{self.address} broke off its reply: {type(error).__name__}.", words=words) from error

    def _is_gone(self) -> bool:
        """Whether the server no longer takes connections; one that merely broke off still does.

        Looked at twice: a process that dies may close its connections a moment before the port that it listens on.
        """
        import socket

        port = self._url.port or (443 if self._url.scheme == "https" else 80)
        for pause_s in (0.0, DYING_S):
            time.sleep(pause_s)
            try:
                socket.create_connection((self._url.host, port), CONNECT_S).close()
            except OSError:
                return True
        return False

    def close(self) -> None:
        self._inner.close()


class _Bounded(httpx.SyncByteStream):
    """A reply's bytes, counted."""

    def __init__(self, transport: Transport, stream: Any) -> None:
        self._transport, self._stream = transport, stream

    def __iter__(self) -> Iterator[bytes]:
        total = 0
        with self._transport.told():
            for chunk in self._stream:
                total += len(chunk)
                if total > MAX_REPLY_BYTES:
                    raise BadReply(f"{self._transport.address} answered with more than {MAX_REPLY_BYTES} bytes.")
                yield chunk

    def close(self) -> None:
        self._stream.close()


def client(address: str, *, headers: Mapping[str, str] | None = None, read_s: float = READ_S) -> httpx.Client:
    """`address`: from address.checked."""
    timeout = httpx.Timeout(read_s, connect=CONNECT_S)
    # "identity": a small compressed reply must not grow past the limit on this side of it.
    given = {"Accept-Encoding": "identity", **(headers or {})}
    return httpx.Client(base_url=address, transport=Transport(address), timeout=timeout, headers=given)


def lines(response: httpx.Response) -> Iterator[str]:
    """The lines of a streamed reply that are not empty, each of them valid UTF-8 and of bounded length."""
    return _lines(response.iter_bytes())


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        if len(rest) > MAX_LINE_CHARACTERS:
            raise BadReply(f"A line of the reply is longer than {MAX_LINE_CHARACTERS} bytes.", words=quoted(rest[:MAX_WORDS]))
        for line in filter(None, map(bytes.strip, whole)):
            yield _decoded(line)
    if rest.strip():
        yield _decoded(rest.strip())


def _decoded(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadReply("The reply is not UTF-8.", words=quoted(line)) from error


def events(response: httpx.Response) -> Iterator[tuple[str, str]]:
    """(name, data) of server-sent events; the name is "" where none is given. Each line of data is an event, as these servers send them."""
    name = ""
    for line in lines(response):
        field, _, value = line.partition(":")
        if field == "event":
            name = value.strip()
        elif field == "data":
            yield name, value.strip()
            name = ""
