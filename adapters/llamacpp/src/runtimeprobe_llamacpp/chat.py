"""The words of llama.cpp's server: bodies of its requests, and its replies piece by piece. Pure; who carries them is not known here.

Formats: llama.cpp tools/server/README.md, to_json_oaicompat_chat_stream and to_json_oaicompat_asr in tools/server/server-task.cpp.
"""

import base64
import contextlib
import json
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from runtimeprobe.contract import AdapterError, Ask, BadReply, Rejected, Reply
from runtimeprobe.kit.reply import count_in, object_in, parse, text_of
from runtimeprobe_llamacpp import errors
from runtimeprobe_llamacpp.backend import Request

MAX_REPLY_BYTES = 32 * 1024 * 1024


def chat_body(request: Request) -> dict[str, Any]:
    """The body of /v1/chat/completions. What the request leaves open is not sent at all."""
    ask = request.ask
    content: list[dict[str, Any]] = [{"type": "text", "text": ask.prompt}]
    if ask.clip:
        clip = Path(ask.clip)
        data = base64.b64encode(clip.read_bytes()).decode("ascii")
        content.insert(0, {"type": "input_audio", "input_audio": {"data": data, "format": clip.suffix[1:].lower() or "wav"}})
    body: dict[str, Any] = {
        "messages": [{"role": "user", "content": content}],
        "max_tokens": ask.max_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
        **request.sampling,
    }
    if request.sampling:
        # The engine's cache would answer a repeated clip in no time and the timings would say nothing. An ask that leaves
        # sampling to the engine gets what a user gets, cache included.
        body["cache_prompt"] = False
    if request.thinking is not None:
        body["chat_template_kwargs"] = {"enable_thinking": request.thinking}
    if ask.listen:
        body["timings_per_token"] = True  # the counts of an answer that is stopped before its usage comes
    return body


def transcription_fields(request: Request) -> dict[str, str]:
    """The form of /v1/audio/transcriptions.

    The server copies every field into its request as text, and reads a text as a number only for max_tokens and temperature
    (convert_transcriptions_to_chatcmpl, tools/server/server-chat.cpp): others would be ignored, so they are not sent. A
    temperature of 0 is greedy by itself. Template arguments cannot be given either; reasoning_effort "none" is a text that turns
    thinking off (oaicompat_chat_params_parse, tools/server/server-common.cpp), and nothing turns it on.
    """
    fields = {"response_format": "json", "max_tokens": str(request.ask.max_tokens), "stream": "true"}
    if request.ask.prompt:
        fields["prompt"] = request.ask.prompt
    if "temperature" in request.sampling:
        fields["temperature"] = str(request.sampling["temperature"])
    if request.thinking is False:
        fields["reasoning_effort"] = "none"
    return fields


class Transcript:
    """Collects the JSON events of one reply into a `Reply`, with the time of the first piece of text."""

    def __init__(self, ask: Ask, clock: Callable[[], float] = time.perf_counter) -> None:
        self._ask, self._clock, self._start = ask, clock, clock()
        self.enough = False  # the listener has heard what it wanted; the rest may be left
        self._first: float | None = None
        self._text: list[str] = []
        self._thinking: list[str] = []
        self._done: str | None = None
        self._finish = ""
        self._usage: dict[str, Any] = {}
        self._raw: dict[str, Any] = {}
        self._bytes = 0
        self._events = 0

    def add(self, event: str) -> None:
        """One event's data. Raises BadReply, or the error that the event reports."""
        if event == "[DONE]":
            return
        self._bytes += len(event)
        if self._bytes > MAX_REPLY_BYTES:
            raise BadReply(f"The reply is longer than {MAX_REPLY_BYTES} bytes.")
        data = parse(event)
        raise_reported(data)
        self._events += 1
        for key in ("model", "system_fingerprint", "timings", "usage"):
            if data.get(key):
                self._raw[key] = data[key]
        self._usage = object_in(data, "usage") or self._usage
        kind = data.get("type")
        if kind == "transcript.text.delta":
            self._hear(self._text, data.get("delta"), thought=False)
        elif kind == "transcript.text.done" or (kind is None and isinstance(data.get("text"), str)):
            self._done = text_of(data.get("text"))
        else:
            self._choice(data)

    def add_all(self, events: Generator[str]) -> Reply:
        """Every event of a reply that comes over HTTP. Closed in any case, and with it the connection."""
        with contextlib.closing(events):
            for event in events:
                self.add(event)
                if self.enough:
                    break
        return self.reply()

    def reply(self) -> Reply:
        if not self._events:
            raise BadReply("The reply is empty.")
        seconds = self._clock() - self._start
        text = "".join(self._text) if self._done is None else self._done
        usage = self._usage or _usage_so_far(object_in(self._raw, "timings"))
        return Reply(
            text=text,
            thinking="".join(self._thinking),
            prompt_tokens=count_in(usage, "prompt_tokens", "input_tokens"),
            completion_tokens=count_in(usage, "completion_tokens", "output_tokens"),
            finish_reason=self._finish,
            seconds=seconds,
            first_token_seconds=self._first,
            raw=self._raw,
        )

    def _choice(self, data: dict[str, Any]) -> None:
        choices = data.get("choices")
        if not isinstance(choices, list):
            raise BadReply("The reply has no choices.", words=json.dumps(data)[: errors.MAX_WORDS])
        for choice in choices[:1]:
            if not isinstance(choice, dict):
                raise BadReply("A choice of the reply is no object.", words=json.dumps(data)[: errors.MAX_WORDS])
            piece = object_in(choice, "delta") or object_in(choice, "message")
            self._hear(self._thinking, piece.get("reasoning_content"), thought=True)
            self._hear(self._text, piece.get("content"), thought=False)
            self._finish = text_of(choice.get("finish_reason")) or self._finish

    def _hear(self, where: list[str], value: Any, *, thought: bool) -> None:
        text = text_of(value)
        if not text:
            return
        if self._first is None:
            self._first = self._clock() - self._start
        where.append(text)
        if self._ask.enough(text, thought=thought):
            self.enough, self._finish = True, "loop"


def reported(data: dict[str, Any]) -> tuple[int, str, str] | None:
    """Status, type and message of an error the server reports in JSON: `{"error": {...}}`, or the bare object."""
    error = data.get("error", data if {"code", "message", "type"} <= data.keys() else None)
    if error is None:
        return None
    if not isinstance(error, dict):
        return 0, "", str(error)
    code = error.get("code")
    return code if isinstance(code, int) else 0, str(error.get("type", "")), str(error.get("message", error))


def raise_reported(data: dict[str, Any]) -> None:
    found = reported(data)
    if found is not None:
        raise refused(*found)


def refused(status: int, kind: str, message: str) -> AdapterError:
    """What a server's refusal stands for. `not_supported_error` (501) is its own word for: this model takes no such input."""
    otherwise = Rejected if status == 501 or kind == "not_supported_error" else AdapterError
    return errors.from_words("The server", f"refused with status {status}" if status else "refused", message, errors.ASKING, otherwise)


def claims_audio(models: dict[str, Any], props: dict[str, Any]) -> bool | None:
    """What the server says of its own input: /v1/models since it lists modalities, else /props. None: it does not say."""
    entries = models.get("data")
    for entry in entries if isinstance(entries, list) else []:
        modalities = object_in(entry, "architecture").get("input_modalities") if isinstance(entry, dict) else None
        if isinstance(modalities, list):
            return "audio" in modalities
    audio = object_in(props, "modalities").get("audio")
    return audio if isinstance(audio, bool) else None


def _usage_so_far(timings: dict[str, Any]) -> dict[str, Any]:
    """Token counts out of a chunk's `timings`, where cached and evaluated parts of the prompt stand apart."""
    if "prompt_n" not in timings:
        return {}
    return {"prompt_tokens": timings["prompt_n"] + timings.get("cache_n", 0), "completion_tokens": timings.get("predicted_n")}
