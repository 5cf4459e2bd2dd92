"""The replies of the four routes, piece by piece. Each has its own end; a stream that stops before it is no answer.

/v1/chat/completions: OpenAI's chunks, thoughts in `reasoning_content` (or `reasoning`, api-changelog of lmstudio-ai/docs, 0.3.23), usage in
a chunk without choices. /api/v1/chat: https://lmstudio.ai/docs/developer/rest/streaming-events. /v1/responses: OpenAI's events.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any

from runtimeprobe.contract import Ask, BadReply, Reply
from runtimeprobe.kit.reply import count_in, object_in, text_of
from runtimeprobe_lmstudio import asks, errors
from runtimeprobe_lmstudio.wire import DONE, Event

ENDED_EARLY = "LM Studio ended its stream before the answer was done."
KEPT = ("usage", "stats", "system_fingerprint", "model_info", "runtime")  # of a reply, as evidence


class Answer:
    """Collects one reply. `model`: who says that it answered."""

    def __init__(self, ask: Ask, clock: Callable[[], float] = time.perf_counter) -> None:
        self.ask, self._clock, self._start = ask, clock, clock()
        self._first: float | None = None
        self._text: list[str] = []
        self._thinking: list[str] = []
        self.model = ""
        self.finish = ""
        self.done = False
        self.usage: dict[str, Any] = {}
        self.raw: dict[str, Any] = {}

    def read(self, events: Iterable[Event]) -> Reply:
        take = {asks.CHAT: self._chat, asks.NATIVE: self._native, asks.RESPONSES: self._responses}[self.ask.route]
        for name, data in events:
            for key in KEPT:
                if data.get(key):
                    self.raw[key] = data[key]
            if take(name, data):
                self.finish, self.done = "loop", True
                break
        if not self.done:
            raise BadReply(ENDED_EARLY, words="".join(self._text)[-errors.MAX_WORDS :])
        return self.reply()

    def read_page(self, data: dict[str, Any]) -> Reply:
        """A transcription: `text`, and `usage` where it is told."""
        if "text" not in data:
            raise BadReply("LM Studio's transcription has no text.", words=str(data)[: errors.MAX_WORDS])
        self._hear(data["text"])
        self.usage = object_in(data, "usage")
        self.raw = {"usage": self.usage} if self.usage else {}
        self._first = None  # nothing was streamed
        return self.reply()

    def reply(self) -> Reply:
        return Reply(
            text="".join(self._text),
            thinking="".join(self._thinking),
            prompt_tokens=count_in(self.usage, "prompt_tokens", "input_tokens"),
            completion_tokens=count_in(self.usage, "completion_tokens", "output_tokens", "total_output_tokens"),
            finish_reason=self.finish,
            seconds=self._clock() - self._start,
            first_token_seconds=self._first,
            raw=self.raw,
        )

    def _chat(self, name: str, data: dict[str, Any]) -> bool:
        if name == DONE:
            self.done = True
            return False
        self.model = text_of(data.get("model")) or self.model
        self.usage = object_in(data, "usage") or self.usage
        choices = data.get("choices")
        if not isinstance(choices, list):
            raise BadReply("LM Studio's reply has no choices.", words=str(data)[: errors.MAX_WORDS])
        enough = False
        for choice in choices[:1]:
            if not isinstance(choice, dict):
                raise BadReply("A choice of LM Studio's reply is no object.", words=str(data)[: errors.MAX_WORDS])
            delta = object_in(choice, "delta")
            enough = self._hear(delta.get("reasoning_content", delta.get("reasoning")), thought=True)
            enough = self._hear(delta.get("content")) or enough
            self.finish = text_of(choice.get("finish_reason")) or self.finish
            self.done = self.done or bool(self.finish)
        return enough

    def _native(self, name: str, data: dict[str, Any]) -> bool:
        if name == "chat.end":
            result = object_in(data, "result")
            self.usage = self.raw["stats"] = object_in(result, "stats")
            self.model = text_of(result.get("model_instance_id")) or self.model
            # It gives no reason for its end; an answer as long as it may be was cut.
            tokens = count_in(self.usage, "total_output_tokens")
            self.finish = "length" if tokens is not None and tokens >= self.ask.max_tokens else ""
            self.done = True
            return False
        self.model = text_of(data.get("model_instance_id")) or self.model
        if name in ("message.delta", "reasoning.delta"):
            return self._hear(data.get("content"), thought=name == "reasoning.delta")
        return False

    def _responses(self, name: str, data: dict[str, Any]) -> bool:
        response = object_in(data, "response")
        self.model = text_of(response.get("model")) or self.model
        if name == "response.output_text.delta":
            return self._hear(data.get("delta"))
        if name in ("response.reasoning_text.delta", "response.reasoning_summary_text.delta"):
            return self._hear(data.get("delta"), thought=True)
        if name == "response.failed":
            errors.raise_reported(response, "broke off its reply with an error")
            raise BadReply("LM Studio's response failed and gives no reason.", words=str(data)[: errors.MAX_WORDS])
        if name in ("response.completed", "response.incomplete"):
            self.usage = self.raw["usage"] = object_in(response, "usage")
            reason = text_of(object_in(response, "incomplete_details").get("reason"))
            self.finish = "length" if reason == "max_output_tokens" else reason or "stop"
            self.done = True
        return False

    def _hear(self, value: Any, *, thought: bool = False) -> bool:
        piece = text_of(value)
        if not piece:
            return False
        if self._first is None:
            self._first = self._clock() - self._start
        (self._thinking if thought else self._text).append(piece)
        return self.ask.enough(piece, thought=thought)
