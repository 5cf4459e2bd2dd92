"""What the routes share: who may ask, which model answers, what befalls an inference, and how a refusal of the engine is passed on."""

import time
from collections.abc import Iterator
from typing import Any

from tests.emulators.engine import Refused
from tests.emulators.lmstudio import faults, inference, words
from tests.emulators.lmstudio.behaviours import Behaviour
from tests.emulators.lmstudio.inference import Run
from tests.emulators.lmstudio.store import NotLoaded, Store
from tests.emulators.serving import Exchange


class LmStudio:
    """The server's state."""

    def __init__(self, store: Store, behaviour: Behaviour, token: str) -> None:
        self.store, self.behaviour, self.token = store, behaviour, token
        self.stumbled = False

    def may_ask(self, exchange: Exchange) -> bool:
        """reported: 401 with this code. It echoes what it was given, which a server may do."""
        given = exchange.headers.get("Authorization", "")
        if not self.behaviour.needs_token or given == f"Bearer {self.token}":
            return True
        message = words.TOKEN if not given else f"Malformed LM Studio API token provided: {given.removeprefix('Bearer ')}"
        exchange.json(401, {"error": {"message": message, "type": "invalid_request", "code": "invalid_api_key"}})
        return False

    def begin(
        self, exchange: Exchange, body: dict[str, Any], messages: list[dict[str, Any]], most: int | None, *, thinking: bool
    ) -> Run | None:
        """The run a request asks for; None if it was answered already."""
        before = faults.BEFORE.get(self.behaviour.fault)
        if before is not None:
            before(exchange)
            return None
        try:
            instance = self.store.loaded(body.get("model"))
        except NotLoaded as error:
            exchange.json(400, words.compat(str(error), "model"))
            return None
        if instance == "model_not_found":  # reported: 400 on compat routes
            exchange.json(400, words.compat(f"Model {body.get('model')} not found", "model", "model_not_found"))
            return None
        if isinstance(instance, str):
            exchange.json(404, words.compat(words.NOTHING_LOADED, "model"))
            return None
        if self.behaviour.sound == "dropped":
            messages = inference.without_sound(messages)
        return Run(instance, messages, inference.settings(body), most, thinking, self.behaviour.thinks)

    def pieces(self, exchange: Exchange, run: Run) -> Iterator[tuple[str, bool]]:
        return faults.in_stream(self.behaviour.fault, exchange, run.pieces())

    def whole(self, exchange: Exchange, run: Run) -> tuple[str, str] | None:
        """(thoughts, answer) of a reply that is not streamed; None if the engine refused, which was then passed on."""
        said: dict[bool, list[str]] = {True: [], False: []}
        try:
            for text, thought in run.pieces():
                said[thought].append(text)
        except Refused as error:
            exchange.json(error.status, {"error": self.wrapped(error)})
            return None
        return "".join(said[True]), "".join(said[False])

    def answering(self, run: Run) -> str:
        return self.behaviour.other_model or run.instance.entry.key

    @staticmethod
    def wrapped(error: Refused) -> str:
        """reported: "Engine protocol predict request returned 400: {...}"."""
        return f"Engine protocol predict request returned {error.status}: {error.text}"

    def stumble(self, exchange: Exchange) -> bool:
        if not self.behaviour.stumbles or self.stumbled:
            return False
        self.stumbled = True
        exchange.raw(500, b"<!DOCTYPE html><html><body><pre>Internal Server Error</pre></body></html>", "text/html")
        return True

    def be_silent(self, exchange: Exchange) -> None:
        if self.behaviour.silent:
            exchange.hang()

    @staticmethod
    def now() -> int:
        return int(time.time())
