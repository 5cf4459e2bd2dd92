"""What takes the place of an answer to a sound."""

import json
from typing import Any

from tests.emulators.ollama import shapes
from tests.emulators.ollama.store import Failure
from tests.emulators.serving import Exchange, Gone

HUGE_BYTES = 200 * 1024 * 1024
REFUSAL = "audio input is not supported - hint: if this is unexpected, you may need to provide the mmproj"  # llama.cpp server-common.cpp


def instead(exchange: Exchange, behaviour: str, model: str, words: str) -> None:
    """Raises Failure or Gone if the behaviour is one of these."""
    nested = json.dumps({"error": {"code": 500, "message": words, "type": "server_error"}})
    failures: dict[str, tuple[int, Any]] = {
        "error-string": (500, f"llama-server chat error: {words}"),
        "error-object": (500, {"message": words, "type": "server_error"}),
        "error-nested": (500, nested),
        "ok-with-error-body": (200, nested),
    }
    if behaviour in failures:
        raise Failure(*failures[behaviour])
    if behaviour == "hang":
        exchange.hang()
    if behaviour == "redirect":
        exchange.raw(307, b"", "text/plain", Location=f"http://192.0.2.1{exchange.route}")  # TEST-NET-1, RFC 5737
        raise Gone
    if behaviour in ("huge-reply", "invalid-utf8", "duplicate-keys"):
        rubbish(exchange, behaviour, model)
        raise Gone


def rubbish(exchange: Exchange, behaviour: str, model: str) -> None:
    prefix = b"data: " if exchange.route == "/v1/chat/completions" else b""
    kind = shapes.EVENTS if prefix else "application/json" if exchange.route.endswith("transcriptions") else shapes.NDJSON
    with exchange.stream(kind) as write:
        if behaviour == "invalid-utf8":
            write(prefix + b'{"text": "\xff\xfe", "message": {"content": "\xc3("}, "response": "\xc3(", "done": true}\n\n')
        elif behaviour == "duplicate-keys":
            write(prefix + b'{"text": "a", "text": "b", "message": {"content": "a"}, "response": "a", "done": false, "done": true}\n\n')
        else:
            said = "a" * 60000
            piece = prefix + shapes.line({"model": model, "message": {"content": said}, "response": said, "choices": [], "done": False})
            for _ in range(HUGE_BYTES // len(piece)):
                write(piece)
