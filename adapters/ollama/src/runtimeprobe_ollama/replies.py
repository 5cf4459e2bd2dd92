"""Replies, read strictly: NDJSON lines, server-sent events or one JSON object become a `Reply`, or the error that they stand for.

Shapes: api/types.go (ChatResponse, GenerateResponse), openai/openai.go (ChatCompletionChunk, TranscriptionResponse).
"""

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from runtimeprobe.contract import AdapterError, Ask, BadReply, Reply
from runtimeprobe.kit.reply import count_in, parse, quoted, text_of
from runtimeprobe_ollama import errors
from runtimeprobe_ollama.routes import OPENAI, TRANSCRIPTIONS, Request

if TYPE_CHECKING:
    import httpx

    from runtimeprobe_ollama.server import Server

# Ollama's guard cuts an answer off at this many equal chunks in a row, up to PR 18374 without a word (llm/llama_server.go Completion).
GUARD_CHUNKS = 30
KEPT = ("total_duration", "load_duration", "prompt_eval_duration", "eval_duration", "usage", "done_reason", "system_fingerprint")


def ask(server: "Server", name: str, request: Request, asked: Ask) -> Reply:
    if asked.route == TRANSCRIPTIONS:
        # A list of one: httpx then sends the form with its length, which a server that counts needs.
        sent: dict[str, Any] = {"data": request.form, "files": {"file": ("clip.wav", request.clip, "audio/wav")}}
    else:
        sent = {"json": request.body}
    answer = Answer(name, asked)
    with server.http.stream("POST", request.path, **sent) as response:
        if response.status_code != 200:
            response.read()
            raise errors.from_status(response.status_code, response.text, request.path)
        if asked.route == TRANSCRIPTIONS:
            _transcription(response, answer)
        elif asked.route == OPENAI:
            _events(response, answer)
        else:
            _lines(response, answer)
    return answer.reply(server.transport.repeated)


def _lines(response: "httpx.Response", answer: "Answer") -> None:
    from runtimeprobe.kit import http

    for line in http.lines(response):
        answer.native(_checked(parse(line)))
        if answer.done:
            return


def _events(response: "httpx.Response", answer: "Answer") -> None:
    from runtimeprobe.kit import http

    if not response.headers.get("Content-Type", "").startswith("text/event-stream"):
        _checked(parse(response.read()))
        raise BadReply("Ollama answered /v1/chat/completions with no stream.", words=quoted(response.content))
    for _, data in http.events(response):
        if data == "[DONE]":
            answer.ended = True
            return
        answer.openai(_checked(parse(data)))
        if answer.done and not answer.waits_for_usage:
            return


def _transcription(response: "httpx.Response", answer: "Answer") -> None:
    """{"text": ...}. Nothing at all, with 200, is what an answer without an end becomes (middleware/openai.go TranscriptionWriter)."""

    body = response.read()
    if not body.strip():
        raise AdapterError(
            f"{errors.LOOP_GUARD}, or broke off: /v1/audio/transcriptions answered with 200 and an empty body.",
            fix="Ask through api.chat.images to see the answer.",
        )
    data = _checked(parse(body))
    if not isinstance(data.get("text"), str):
        raise BadReply("The transcription has no text.", words=quoted(body))
    answer.hear(data["text"], thought=False)
    answer.finish = "stop"
    answer.done = True


def _checked(data: dict[str, Any]) -> dict[str, Any]:
    """Errors come in the middle of a stream too, where the status stays 200 (docs/api/errors.mdx)."""
    error = errors.reported(data)
    if error is not None:
        raise errors.from_words(errors.innermost(error), "answered with an error")
    return data


class Answer:
    """One answer as it grows."""

    def __init__(self, name: str, asked: Ask, clock: Callable[[], float] = time.perf_counter) -> None:
        self._name, self._asked, self._clock, self._start = name, asked, clock, clock()
        self._first: float | None = None
        self._text: list[str] = []
        self._thinking: list[str] = []
        self._tokens: tuple[int | None, int | None] = (None, None)
        self._raw: dict[str, Any] = {}
        self._last, self._repeats = "", 0
        self.finish = ""
        self.done = False
        self.ended = False
        self.waits_for_usage = True

    def native(self, data: dict[str, Any]) -> None:
        """A line of /api/chat or /api/generate."""
        self._signed(data)
        message = data.get("message")
        if isinstance(message, dict):
            pieces = (message.get("content"), message.get("thinking"))
        elif "response" in data:
            pieces = (data["response"], data.get("thinking"))
        else:
            raise BadReply("A line of the reply is no piece of an answer.", words=_quoted(data))
        self.hear(pieces[1], thought=True)
        self.hear(pieces[0], thought=False)
        if data.get("done") is True:
            self.done = True
            self.finish = text_of(data.get("done_reason"))
            self._tokens = count_in(data, "prompt_eval_count"), count_in(data, "eval_count")
        if self.finish == "load":
            raise BadReply("Ollama took the request for one to load the model: it looked at neither text nor sound.", words=_quoted(data))

    def openai(self, data: dict[str, Any]) -> None:
        """A chunk of /v1/chat/completions; the last has usage and no choices."""
        self._signed(data)
        choices = data.get("choices")
        if not isinstance(choices, list):
            raise BadReply("A chunk of the reply has no choices.", words=_quoted(data))
        for choice in choices[:1]:
            delta = choice.get("delta") if isinstance(choice, dict) else None
            if not isinstance(delta, dict):
                raise BadReply("A choice of the reply has no delta.", words=_quoted(data))
            self.hear(delta.get("reasoning"), thought=True)
            self.hear(delta.get("content"), thought=False)
            if choice.get("finish_reason"):
                self.finish, self.done = text_of(choice["finish_reason"]), True
        usage = data.get("usage")
        if isinstance(usage, dict):
            self._tokens = count_in(usage, "prompt_tokens"), count_in(usage, "completion_tokens")

    def hear(self, value: Any, *, thought: bool) -> None:
        piece = text_of(value)
        if not piece:
            return
        if self._first is None:
            self._first = self._clock() - self._start
        (self._thinking if thought else self._text).append(piece)
        self._repeats = self._repeats + 1 if piece.strip() == self._last else 0
        self._last = piece.strip()
        if self._asked.enough(piece, thought=thought):
            self.finish, self.done, self.waits_for_usage = "loop", True, False

    def reply(self, repeated: list[str]) -> Reply:
        """Raises AdapterError for an answer without an end."""
        if not self.done:
            words = "".join(self._text or self._thinking)[-200:]
            if self._repeats >= GUARD_CHUNKS:
                raise AdapterError(
                    f"{errors.LOOP_GUARD}: 200, {self._repeats + 1} equal pieces, and no done:true.",
                    words=words,
                    fix="Update Ollama, which since PR 18374 says so; look for the reason with `runtimeprobe diagnose`.",
                )
            # On /v1 an error in mid-stream becomes an empty chunk (middleware/openai.go ChatWriter.writeResponse), so nobody can say why.
            end = "finish_reason: /v1 leaves out what went wrong" if self._asked.route == OPENAI else "done:true"
            raise BadReply(f"Ollama's reply ends without {end}.", words=words)
        raw = self._raw | ({"repeated": list(repeated)} if repeated else {})
        return Reply(
            text="".join(self._text),
            thinking="".join(self._thinking),
            prompt_tokens=self._tokens[0],
            completion_tokens=self._tokens[1],
            finish_reason=self.finish,
            seconds=self._clock() - self._start,
            first_token_seconds=self._first,
            raw=raw,
        )

    def _signed(self, data: dict[str, Any]) -> None:
        """Whose answer it is."""
        from runtimeprobe_ollama.server import same

        model = data.get("model")
        if not isinstance(model, str) or not same(model, self._name):
            raise BadReply(f"{str(model)[:80]!r} answered, and {self._name} was asked.", words=_quoted(data))
        self._raw |= {key: data[key] for key in KEPT if data.get(key)}


def _quoted(data: dict[str, Any]) -> str:
    return json.dumps(data)[: errors.MAX_WORDS]
