"""The routes (server/routes.go GenerateRoutes), and where the behaviours come in."""

import contextlib
import itertools
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.emulators.ollama import faults, shapes
from tests.emulators.ollama.requests import Messages, body_of, form_of, parts, sounds
from tests.emulators.ollama.runner import Piece, Runner, without_done
from tests.emulators.ollama.store import Failure, Store
from tests.emulators.serving import Exchange

# openai/openai.go FromTranscriptionRequest
TRANSCRIBE = "Transcribe the audio exactly as spoken. Output only the spoken words. Do not answer any question in the audio."
WHICH_WORDS = "What exact words are spoken in this audio?"
HTML = b"<html><head><title>500 Internal Server Error</title></head><body><center>nginx</center></body></html>"
EFFORTS = {"none": False, "minimal": True, "low": True, "medium": True, "high": True, "max": True, "xhigh": True, "ultra": True}


class Application:
    def __init__(
        self, store: Store, *, behaviour: str, version: str, load_seconds: float, words: str, seed: int, crash_probability: float
    ) -> None:
        self.store, self.behaviour, self.version = store, behaviour, version
        self.runner = Runner(store, behaviour, load_seconds)
        self._words = words or faults.REFUSAL
        self._chance, self._crash_probability = random.Random(seed), crash_probability
        self._served: set[str] = set()
        self._routes = {
            ("GET", "/"): self.root,
            ("GET", "/api/version"): lambda exchange: exchange.json(200, {"version": self.version}),
            ("GET", "/api/tags"): self.tags,
            ("GET", "/api/ps"): self.ps,
            ("POST", "/api/show"): self.show,
            ("POST", "/api/create"): self.create,
            ("DELETE", "/api/delete"): self.delete,
            ("POST", "/api/chat"): self.chat,
            ("POST", "/api/generate"): self.generate,
            ("GET", "/v1/models"): self.list_models,
            ("POST", "/v1/chat/completions"): self.complete,
            ("POST", "/v1/audio/transcriptions"): self.transcribe,
        }

    def __call__(self, exchange: Exchange) -> None:
        method = "GET" if exchange.command == "HEAD" else exchange.command
        asking = exchange.route in ("/api/chat", "/api/generate", "/v1/chat/completions", "/v1/audio/transcriptions")
        if asking and self._chance.random() < self._crash_probability / 2:
            exchange.crash()
        kind = f"{method} {exchange.route}"
        if self.behaviour == "transient-html-500" and (asking or exchange.route == "/api/show") and kind not in self._served:
            self._served.add(kind)
            exchange.body()
            exchange.raw(500, HTML, "text/html")
            return
        try:
            if exchange.route.startswith("/api/blobs/"):
                self.blob(exchange)
            elif (method, exchange.route) in self._routes:
                self._routes[method, exchange.route](exchange)
            elif any(route == exchange.route for _, route in self._routes):
                exchange.raw(405, b"405 method not allowed", "text/plain")  # gin, HandleMethodNotAllowed
            else:
                exchange.raw(404, b"404 page not found", "text/plain")  # gin
        except Failure as error:
            body = shapes.openai_error(error) if exchange.route.startswith("/v1/") else {"error": error.error}
            if isinstance(error.error, dict) and "signin_url" in error.error:
                body = error.error
            exchange.json(error.status, body)

    def root(self, exchange: Exchange) -> None:
        exchange.raw(200, b"Ollama is running", "text/plain")

    def tags(self, exchange: Exchange) -> None:
        exchange.json(200, {"models": [self.store.listed(stored) for stored in self.store.models().values()]})

    def list_models(self, exchange: Exchange) -> None:
        """openai/openai.go ToListCompletion."""
        rows = [{"id": name, "object": "model", "created": 0, "owned_by": "library"} for name in self.store.models()]
        exchange.json(200, {"object": "list", "data": rows})

    def ps(self, exchange: Exchange) -> None:
        rows = []
        if self.runner.loaded:
            stored, context = self.runner.loaded
            listed = self.store.listed(stored)
            rows = [{**listed, "expires_at": shapes.now(), "size_vram": 0, "context_length": context}]
        exchange.json(200, {"models": rows})

    def show(self, exchange: Exchange) -> None:
        request = body_of(exchange)
        exchange.json(200, self.store.shown(self.store.find(str(request.get("model") or request.get("name") or ""))))

    def create(self, exchange: Exchange) -> None:
        request = body_of(exchange)
        steps = self.store.create(request, self.behaviour)
        if request.get("stream") is False:
            exchange.json(200, {"status": list(steps)[-1]})
            return
        first = next(steps)
        with exchange.stream(shapes.NDJSON) as write:
            try:
                for status in itertools.chain([first], steps):
                    write(shapes.line({"status": status}))
            except Failure as error:
                write(shapes.line({"error": error.error}))

    def delete(self, exchange: Exchange) -> None:
        request = body_of(exchange)
        stored = self.store.find(str(request.get("model") or request.get("name") or ""))
        if self.runner.loaded and self.runner.loaded[0].name == stored.name:
            self.runner.unload()
        self.store.delete(stored.name)
        exchange.raw(200, b"", "application/json")

    def blob(self, exchange: Exchange) -> None:
        digest = exchange.route.removeprefix("/api/blobs/")
        if exchange.command == "HEAD":
            exchange.raw(200 if self.store.blob(digest).exists() else 404, b"", "application/json")
            return
        exchange.raw(self.store.put(digest, exchange.body()), b"", "application/json")

    def chat(self, exchange: Exchange) -> None:
        request = body_of(exchange)
        messages = [{**message, "images": sounds(message)} for message in request.get("messages") or []]
        name = str(request.get("model") or "")
        if not messages:
            self.empty(exchange, request, shapes.chat(name))
            return
        pieces = self.answer(exchange, name, messages, request.get("options") or {}, request.get("think"), request.get("format"))
        shapes.native(exchange, pieces, shapes.chat(self.signed(name)), stream=request.get("stream") is not False)

    def generate(self, exchange: Exchange) -> None:
        request = body_of(exchange)
        name = str(request.get("model") or "")
        if not request.get("prompt"):  # also with a sound: it is not looked at
            self.empty(exchange, request, shapes.generate(name))
            return
        system = [{"role": "system", "content": request["system"]}] if request.get("system") else []
        messages = [*system, {"role": "user", "content": request["prompt"], "images": sounds(request)}]
        pieces = self.answer(exchange, name, messages, request.get("options") or {}, request.get("think"), request.get("format"))
        shapes.native(exchange, pieces, shapes.generate(self.signed(name)), stream=request.get("stream") is not False)

    def empty(self, exchange: Exchange, request: Mapping[str, Any], shape: shapes.Shape) -> None:
        """Loads, or unloads with keep_alive 0."""
        stored = self.store.find(str(request.get("model") or ""))
        if request.get("keep_alive") in (0, "0", "0s"):
            self.runner.unload()
            exchange.json(200, shape(Piece(done=True, reason="unload")))
            return
        if self.behaviour == "hang-load":
            exchange.hang()
        self.runner.load(stored, self.runner.options(stored, request.get("options") or {})["num_ctx"])
        exchange.json(200, shape(Piece(done=True, reason="load")))

    def complete(self, exchange: Exchange) -> None:
        """openai/openai.go FromChatRequest: each part of a content list becomes a message of its own."""
        request = body_of(exchange)
        messages: Messages = []
        for message in request.get("messages") or []:
            messages += parts(message)
        options: dict[str, Any] = {"temperature": 1.0, "top_p": 1.0}
        names = {"max_tokens": "num_predict"}
        for key in ("temperature", "top_p", "seed", "frequency_penalty", "presence_penalty", "max_tokens"):
            if request.get(key) is not None:
                options[names.get(key, key)] = request[key]
        effort = request.get("reasoning_effort") or (request.get("reasoning") or {}).get("effort")
        if effort and effort not in EFFORTS:
            raise Failure(400, f"invalid reasoning value: {json.dumps(effort)}")
        name = str(request.get("model") or "")
        form = "json" if (request.get("response_format") or {}).get("type") == "json_object" else None
        pieces = self.answer(exchange, name, messages, options, EFFORTS.get(effort) if effort else None, form)
        usage = bool((request.get("stream_options") or {}).get("include_usage"))
        shapes.completion(exchange, pieces, self.signed(name), stream=bool(request.get("stream")), usage=usage)

    def transcribe(self, exchange: Exchange) -> None:
        """middleware/openai.go TranscriptionMiddleware: thinking stays at its default, which is on."""
        form = form_of(exchange)
        name = form.get("model", b"").decode()
        if not name:
            raise Failure(400, "model is required")
        if "file" not in form:
            raise Failure(400, "file is required: http: no such file")
        if not form["file"]:
            raise Failure(400, "audio file is empty")
        system = TRANSCRIBE
        if form.get("language"):
            system += f" The audio is in {form['language'].decode()}."
        if form.get("prompt"):
            system += f" Context: {form['prompt'].decode()}"
        messages: Messages = [{"role": "system", "content": system}, {"role": "user", "content": WHICH_WORDS, "images": [form["file"]]}]
        pieces = self.answer(exchange, name, messages, {"temperature": 0}, None)
        shapes.transcription(exchange, pieces, text=form.get("response_format") == b"text")

    def signed(self, name: str) -> str:
        return "gemma4:latest" if self.behaviour == "wrong-model" else name

    def answer(
        self,
        exchange: Exchange,
        name: str,
        messages: Sequence[Mapping[str, Any]],
        options: Mapping[str, Any],
        think: bool | None,
        form: Any = None,
    ) -> Iterator[Piece]:
        """The pieces of an answer; what goes wrong before them is raised before the first byte is sent."""
        stored = self.store.find(name)
        has_sound = any(message.get("images") for message in messages)
        if self.behaviour == "auth-required":
            raise Failure(401, {"error": "unauthorized", "signin_url": "https://ollama.com/connect?name=host&key=key"})
        if has_sound:
            faults.instead(exchange, self.behaviour, name, self._words)
        pieces = self.runner.complete(stored, messages, options, think=think, form=form)
        if has_sound and self.behaviour == "no-done":
            pieces = without_done(pieces)
        if has_sound and self.behaviour in ("reset", "crash-mid-stream"):
            pieces = self.cut(exchange, pieces)
        elif self._chance.random() < self._crash_probability / 2:
            pieces = self.cut(exchange, pieces, crash=True)
        return primed(pieces)

    def cut(self, exchange: Exchange, pieces: Iterator[Piece], *, crash: bool = False) -> Iterator[Piece]:
        """One piece, then nothing more: the connection or the whole process is gone."""
        yield next(pieces)
        if crash or self.behaviour == "crash-mid-stream":
            exchange.crash()
        exchange.reset()


def primed(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """The same pieces with the first one fetched already, so that its failure is still a status."""
    first = next(pieces, None)
    return iter(()) if first is None else itertools.chain([first], pieces)


def closing(application: Application) -> contextlib.AbstractContextManager[Any]:
    """The loaded model is gone when the emulator is."""
    stack = contextlib.ExitStack()
    stack.callback(application.runner.unload)
    return stack
