"""The API token: read from the environment, sent as Bearer, and taken out of everything that leaves the adapter."""

import dataclasses
import functools
import os
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from runtimeprobe.contract import AdapterError, EngineMissing

VARIABLE = "LM_API_TOKEN"  # https://lmstudio.ai/docs/developer/core/authentication; its SDKs read the same one
INSTEAD = f"<{VARIABLE}>"
MIN_CHARACTERS = 8  # a shorter one is no token, and would be found in every other word

P = ParamSpec("P")
S = TypeVar("S")
R = TypeVar("R")


def token() -> str:
    """The token, or "". Raises EngineMissing for what cannot stand in a header, without quoting it."""
    value = os.environ.get(VARIABLE, "").strip()
    if value and (len(value) < MIN_CHARACTERS or not value.isascii() or not value.isprintable() or " " in value):
        raise EngineMissing(f"{VARIABLE} holds something that is no API token.", fix=f"set {VARIABLE} to the token as LM Studio shows it")
    return value


def redacted(value: Any, secret: str) -> Any:
    """`value` with the secret replaced wherever it stands, whoever put it there: a server may echo what it was sent."""
    if not secret:
        return value
    if isinstance(value, str):
        return value.replace(secret, INSTEAD)
    if isinstance(value, dict):
        return {redacted(key, secret): redacted(item, secret) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(redacted(item, secret) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.replace(
            value, **{field.name: redacted(getattr(value, field.name), secret) for field in dataclasses.fields(value)}
        )
    return value


def keeps_secret(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """Nothing that this method returns or raises holds the token."""

    @functools.wraps(method)
    def wrapped(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        secret = os.environ.get(VARIABLE, "").strip()
        try:
            result: R = redacted(method(self, *args, **kwargs), secret)
        except AdapterError as error:
            raise type(error)(redacted(str(error), secret), words=redacted(error.words, secret), fix=redacted(error.fix, secret)) from None
        return result

    return wrapped
