"""What clients send: JSON bodies, base64 sounds, OpenAI's content parts, forms."""

import base64
import binascii
import email.message
import email.parser
import email.policy
import json
from collections.abc import Mapping
from typing import Any

from tests.emulators.ollama.store import Failure
from tests.emulators.serving import Exchange

Messages = list[dict[str, Any]]


def body_of(exchange: Exchange) -> dict[str, Any]:
    data = exchange.body()
    if not data:
        raise Failure(400, "missing request body")
    try:
        found = json.loads(data)
    except ValueError as error:
        raise Failure(400, f"invalid character: {error}") from None
    if not isinstance(found, dict):
        raise Failure(400, "json: cannot unmarshal")
    return found


def sounds(message: Mapping[str, Any]) -> list[bytes]:
    """Go's encoding/json reads []byte from base64."""
    try:
        return [base64.b64decode(image, validate=True) for image in message.get("images") or ()]
    except (binascii.Error, TypeError) as error:
        raise Failure(400, f"illegal base64 data: {error}") from None


def parts(message: Mapping[str, Any]) -> Messages:
    content, role = message.get("content"), message["role"]
    if isinstance(content, str):
        return [{"role": role, "content": content}]
    found: Messages = []
    for part in content or ():
        if part.get("type") == "text":
            found.append({"role": role, "content": part["text"]})
        elif part.get("type") == "input_audio":
            try:
                data = base64.b64decode(part["input_audio"]["data"], validate=True)
            except binascii.Error as error:
                raise Failure(400, f"invalid input_audio base64 data: {error}") from None
            found.append({"role": role, "content": "", "images": [data]})
        else:
            raise Failure(400, "invalid message format")
    return found


def form_of(exchange: Exchange) -> dict[str, bytes]:
    """multipart/form-data, by the standard library's mail parser."""
    head = f"Content-Type: {exchange.headers['Content-Type']}\r\n\r\n".encode()
    message = email.parser.BytesParser(email.message.EmailMessage, policy=email.policy.HTTP).parsebytes(head + exchange.body())
    found: dict[str, bytes] = {}
    for part in message.iter_parts() if message.is_multipart() else ():
        payload = part.get_payload(decode=True)
        name = part.get_param("name", header="content-disposition")
        if isinstance(name, str) and isinstance(payload, bytes):
            found[name] = payload
    if not found:
        raise Failure(400, "failed to parse multipart form: request Content-Type isn't multipart/form-data")
    return found
