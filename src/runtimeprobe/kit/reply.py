"""What a server says, as JSON that cannot be misread. Standard library alone."""

import json
from typing import Any

from runtimeprobe.contract import BadReply

MAX_WORDS = 2000  # characters of a reply that an error quotes


def parse(text: str | bytes) -> dict[str, Any]:
    """The JSON object that `text` is. Raises BadReply for anything else, also for one that says a key twice: which is meant, who knows."""
    try:
        # What is no UTF-8 is a ValueError too.
        data = json.loads(text.decode("utf-8") if isinstance(text, bytes) else text, object_pairs_hook=_once)
    except _TwiceError as error:
        raise BadReply(f"The reply says {error} twice in one object.", words=quoted(text)) from error
    except (ValueError, RecursionError) as error:
        why = "not UTF-8" if isinstance(error, UnicodeDecodeError) else "not JSON"
        raise BadReply(f"The reply is {why}.", words=quoted(text)) from error
    if not isinstance(data, dict):
        raise BadReply("The reply is no JSON object.", words=quoted(text))
    return data


class _TwiceError(Exception):
    pass


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        raise _TwiceError(repr(next(key for key in keys if keys.count(key) > 1)[:80]))
    return found


def quoted(text: str | bytes) -> str:
    """The beginning of a reply, as an error shows it."""
    return (text[:MAX_WORDS].decode("utf-8", "replace") if isinstance(text, bytes) else text[:MAX_WORDS]).strip()


def object_in(data: dict[str, Any], key: str) -> dict[str, Any]:
    """The object there; an empty one for anything else."""
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def text_of(value: Any) -> str:
    """A text, "" for null. Raises BadReply for anything else."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadReply("The reply has something else where text belongs.", words=repr(value)[:MAX_WORDS])
    return value


def count_in(data: dict[str, Any], *keys: str) -> int | None:
    """The first of the keys that holds a number of tokens."""
    values = (data.get(key) for key in keys)
    return next((value for value in values if isinstance(value, int) and not isinstance(value, bool) and value >= 0), None)
