"""One GET with a limit on time and size. Standard library alone: no proxy, no redirect."""

import contextlib
import http.client
import json
import time
from typing import Any

TIMEOUT_S = 1.0
MAX_BYTES = 1024 * 1024
CHUNK_BYTES = 65536


class NoAnswerError(Exception):
    """Nothing listens there, or it does not speak within the limit."""


class StrangeAnswerError(Exception):
    """Something answers, but not as this server does."""


def get_json(scheme: str, host: str, port: int, path: str) -> dict[str, Any]:
    """The JSON object at `path`. Raises NoAnswerError or StrangeAnswerError."""
    kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
    until = time.monotonic() + TIMEOUT_S
    try:
        with contextlib.closing(kind(host, port, timeout=TIMEOUT_S)) as connection:
            connection.request("GET", path)
            response = connection.getresponse()
            data = b""
            while chunk := response.read1(CHUNK_BYTES):
                data += chunk
                if len(data) > MAX_BYTES:
                    raise StrangeAnswerError(f"{path} answers with more than {MAX_BYTES} bytes")
                if time.monotonic() > until:
                    raise NoAnswerError(f"no whole answer within {TIMEOUT_S:.0f} s")
    except TimeoutError as error:
        raise NoAnswerError(f"no answer within {TIMEOUT_S:.0f} s") from error
    except (OSError, UnicodeError) as error:
        raise NoAnswerError(str(error)) from error
    except (http.client.HTTPException, ValueError) as error:
        raise StrangeAnswerError(f"{path} does not answer in HTTP ({type(error).__name__})") from error
    if response.status != 200:
        raise StrangeAnswerError(f"{path} answers HTTP {response.status}")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise StrangeAnswerError(f"{path} does not answer in JSON") from error
    if not isinstance(value, dict):
        raise StrangeAnswerError(f"{path} answers with no JSON object")
    return value
