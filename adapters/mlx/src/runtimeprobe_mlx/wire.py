"""HTTP to the server: one request, and a bounded reading of what comes back. Standard library alone."""

import contextlib
import http.client
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MAX_BODY_BYTES = 8 * 1024 * 1024
MAX_LINE_BYTES = 1024 * 1024
MAX_LINES = 100_000
TIMEOUT_S = 1800.0  # the caller's limit on a stage is shorter: this is only so that nothing waits for ever


class WireError(Exception):
    """What came back is not HTTP, not JSON, or larger than any answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes

    def detail(self) -> str:
        """FastAPI's `detail`, or the body's beginning."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return self.body[:2000].decode(errors="replace")
        said = value.get("detail", value.get("error", value)) if isinstance(value, dict) else value
        return said if isinstance(said, str) else json.dumps(said)[:2000]


@contextlib.contextmanager
def request(address: tuple[str, int], path: str, body: bytes, content_type: str) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection(*address, timeout=TIMEOUT_S)
    try:
        connection.request("POST", path, body, {"Content-Type": content_type})
        yield connection.getresponse()
    except http.client.HTTPException as error:
        raise WireError(f"{type(error).__name__}: {error}") from error
    finally:
        connection.close()


def whole(response: http.client.HTTPResponse) -> Answer:
    body = response.read(MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        raise WireError(f"the answer is larger than {MAX_BODY_BYTES} bytes")
    return Answer(response.status, body)


def events(response: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    """The JSON objects of a stream of server-sent events, up to `[DONE]`."""
    for _ in range(MAX_LINES):
        line = response.readline(MAX_LINE_BYTES)
        if not line or line.strip() == b"data: [DONE]":
            return
        if not line.startswith(b"data:"):
            continue
        try:
            value = json.loads(line[5:])
        except ValueError as error:
            raise WireError(f"a line of the stream is no JSON: {line[:200]!r}") from error
        if isinstance(value, dict):
            yield value
    raise WireError(f"the stream has more than {MAX_LINES} lines")


def multipart(fields: dict[str, str], name: str, filename: str, data: bytes) -> tuple[bytes, str]:
    """Body and content type of a form with one file."""
    mark = uuid.uuid4().hex
    parts = [f'--{mark}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode() for key, value in fields.items()]
    head = f'--{mark}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
    head += "Content-Type: application/octet-stream\r\n\r\n"
    return b"".join(parts) + head.encode() + data + f"\r\n--{mark}--\r\n".encode(), f"multipart/form-data; boundary={mark}"
