"""Pieces of an answer as each route words them: api/types.go for /api, openai/openai.go and middleware/openai.go for /v1."""

import itertools
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from tests.emulators.ollama.runner import Piece
from tests.emulators.ollama.store import Failure
from tests.emulators.serving import Exchange

NDJSON = "application/x-ndjson"
EVENTS = "text/event-stream"
Shape = Callable[[Piece], dict[str, Any]]


def now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def metrics(piece: Piece) -> dict[str, Any]:
    """api.Metrics, all `omitempty`: a count of 0 is not there."""
    counts = {"prompt_eval_count": piece.prompt_tokens, "eval_count": piece.tokens}
    return {"done_reason": piece.reason, "total_duration": 1, "load_duration": 1, **{key: n for key, n in counts.items() if n}}


def chat(model: str) -> Shape:
    def shape(piece: Piece) -> dict[str, Any]:
        message = {"role": "assistant", "content": piece.content} | ({"thinking": piece.thinking} if piece.thinking else {})
        row = {"model": model, "created_at": now(), "message": message, "done": piece.done}
        return row | (metrics(piece) if piece.done else {})

    return shape


def generate(model: str) -> Shape:
    def shape(piece: Piece) -> dict[str, Any]:
        row: dict[str, Any] = {"model": model, "created_at": now(), "response": piece.content, "done": piece.done}
        row |= {"thinking": piece.thinking} if piece.thinking else {}
        return row | (metrics(piece) if piece.done else {})

    return shape


def joined(pieces: Iterator[Piece]) -> Piece:
    """A whole answer; the last piece says how it ended (server/routes.go writeChatResponse)."""
    content, thinking, last = "", "", Piece()
    for piece in pieces:
        content, thinking, last = content + piece.content, thinking + piece.thinking, piece
    return Piece(content, thinking, last.done, last.reason, last.prompt_tokens, last.tokens)


def native(exchange: Exchange, pieces: Iterator[Piece], shape: Shape, *, stream: bool) -> None:
    """server/routes.go streamResponse: before the first piece an error is a status, after it a line."""
    if not stream:
        exchange.json(200, shape(joined(pieces)))
        return
    first = next(pieces, None)
    if first is None:
        exchange.raw(200, b"", NDJSON)
        return
    with exchange.stream(NDJSON) as write:
        try:
            write(line(shape(first)))
            for piece in pieces:
                write(line(shape(piece)))
        except Failure as error:
            write(line({"error": error.error}))


def line(value: Any) -> bytes:
    return json.dumps(value).encode() + b"\n"


def openai_error(error: Failure) -> dict[str, Any]:
    """openai/openai.go NewError; what Ollama answers in `error` becomes the message, nested JSON and all."""
    kind = {400: "invalid_request_error", 404: "not_found_error"}.get(error.status, "api_error")
    message = error.error if isinstance(error.error, str) else json.dumps(error.error)
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}


def completion(exchange: Exchange, pieces: Iterator[Piece], model: str, *, stream: bool, usage: bool) -> None:
    """/v1/chat/completions (middleware/openai.go ChatWriter)."""
    base = {"id": "chatcmpl-1", "created": int(time.time()), "model": model, "system_fingerprint": "fp_ollama"}
    if not stream:
        whole = joined(pieces)
        message = {"role": "assistant", "content": whole.content} | ({"reasoning": whole.thinking} if whole.thinking else {})
        choice = {"index": 0, "message": message, "finish_reason": whole.reason or None}
        exchange.json(200, {**base, "object": "chat.completion", "choices": [choice], "usage": usage_of(whole)})
        return

    def chunk(choices: list[dict[str, Any]], **more: Any) -> bytes:
        return b"data: " + line({**base, "object": "chat.completion.chunk", "choices": choices, **more}) + b"\n"

    def said(piece: Piece, *, first: bool) -> bytes:
        delta = {**({"role": "assistant"} if first else {}), "content": piece.content}
        delta |= {"reasoning": piece.thinking} if piece.thinking else {}
        return chunk([{"index": 0, "delta": delta, "finish_reason": None}])

    first = next(pieces, None)
    if first is None:
        exchange.raw(200, b"", EVENTS)
        return
    with exchange.stream(EVENTS) as write:
        opened = False
        for piece in quiet(itertools.chain([first], pieces)):
            if piece.content or piece.thinking or not piece.done or not opened:
                write(said(piece, first=not opened))
                opened = True
            if piece.done:
                write(chunk([{"index": 0, "delta": {}, "finish_reason": piece.reason or "stop"}]))
                if usage:
                    write(chunk([], usage=usage_of(piece)))
                write(b"data: [DONE]\n\n")


def quiet(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """ChatWriter.writeResponse reads an error's line as a ChatResponse: what the client gets is an empty chunk, and no end."""
    try:
        yield from pieces
    except Failure:
        yield Piece()


def usage_of(piece: Piece) -> dict[str, int]:
    return {
        "prompt_tokens": piece.prompt_tokens,
        "completion_tokens": piece.tokens,
        "total_tokens": piece.prompt_tokens + piece.tokens,
    }


def transcription(exchange: Exchange, pieces: Iterator[Piece], *, text: bool) -> None:
    """middleware/openai.go TranscriptionWriter: nothing is written before `done`, and without it nothing at all."""
    whole = joined(pieces)
    if not whole.done:
        exchange.raw(200, b"", "application/json")
    elif text:
        exchange.raw(200, whole.content.strip().encode(), "text/plain")
    else:
        exchange.json(200, {"text": whole.content.strip()})
