"""What goes wrong, by name: before an inference begins, or in the middle of its stream."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from tests.emulators.lmstudio import words
from tests.emulators.serving import Exchange, Gone

HUGE_BYTES = 200 * 1024 * 1024
T = TypeVar("T")


def _huge(exchange: Exchange) -> None:
    exchange.send_response(200)
    exchange.send_header("Content-Type", "application/json")
    exchange.send_header("Content-Length", str(HUGE_BYTES))
    exchange.end_headers()
    piece = b'{"a": "' + b"x" * (1024 * 1024 - 7)
    for _ in range(200):
        exchange.wfile.write(piece)


BEFORE: dict[str, Callable[[Exchange], None]] = {
    "string": lambda exchange: exchange.json(400, {"error": words.JINJA}),
    "object": lambda exchange: exchange.json(500, words.compat("Internal error: slot is gone", code="internal_error")),
    "nested": lambda exchange: exchange.json(400, {"error": words.NESTED}),
    "ok-error": lambda exchange: exchange.json(200, {"error": "Model is unloaded."}),
    "reset": lambda exchange: exchange.reset(),
    "huge": _huge,
    "utf8": lambda exchange: exchange.raw(200, b'data: {"choices": [{"delta": {"content": "\xff\xfe"}}]}\n\n', "text/event-stream"),
    "twice": lambda exchange: exchange.raw(200, b'data: {"choices": [], "choices": [{}]}\n\n', "text/event-stream"),
    "redirect": lambda exchange: exchange.raw(302, b"", "text/html", Location="http://192.0.2.1/v1/chat/completions"),
}


def in_stream(fault: str, exchange: Exchange, pieces: Iterator[T]) -> Iterator[T]:
    """The pieces of an answer, until the fault. An answer of one piece is met too: it comes after the first."""
    for piece in pieces:
        yield piece
        if fault == "no-end":
            exchange.wfile.write(b"0\r\n\r\n")
        if fault in ("no-end", "cut"):
            exchange.close_connection = True
            raise Gone
        if fault == "crash":
            exchange.crash()
        if fault == "hang":
            exchange.hang()
