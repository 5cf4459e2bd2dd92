"""The loaded model: one llama-server at a time, reloaded when its options change (server/sched.go needsReload)."""

import base64
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import httpx

from tests.emulators.engine import Engine, Refused
from tests.emulators.ollama.prompt import CLOSE, OPEN, STOP, Parser, render
from tests.emulators.ollama.store import Failure, Store, Stored

DEFAULT_CONTEXT = 4096  # server/routes.go: below 23 GiB of video memory
# api/types.go DefaultOptions; repeat_penalty since v0.32.10
DEFAULTS = {
    "num_predict": -1, "num_keep": 4, "temperature": 0.8, "top_k": 40, "top_p": 0.9, "typical_p": 1.0, "repeat_last_n": 64,
    "repeat_penalty": 1.0, "presence_penalty": 0.0, "frequency_penalty": 0.0, "seed": -1,
}  # fmt: skip
OPEN_ENDED = 10  # llm/llama_server.go boundedNumPredict
GUARD = 30  # equal chunks in a row that are still let pass; PR 18374 raised it to 100, which a short ask would never reach
STOPPED = (
    "model runner has unexpectedly stopped, this may be due to resource limitations or an internal error, check ollama server logs for"
    " details"
)
BROKEN = "an error was encountered while running the model: unexpected EOF"
THOUGHT = f"{OPEN}thought\n"
GUARDED = "prediction aborted, token repeat limit reached"


@dataclass(frozen=True, slots=True)
class Piece:
    """llm.CompletionResponse after the parser."""

    content: str = ""
    thinking: str = ""
    done: bool = False
    reason: str = ""
    prompt_tokens: int = 0
    tokens: int = 0


class Runner:
    def __init__(self, store: Store, behaviour: str, load_seconds: float) -> None:
        self._store, self._behaviour, self._load_seconds = store, behaviour, load_seconds
        self._lock = threading.Lock()  # llm/llama_server.go: one request at a time
        self._engine: Engine | None = None
        self.loaded: tuple[Stored, int] | None = None

    def load(self, model: Stored, context: int) -> Engine:
        if self._engine and self._engine.running and self.loaded == (model, context):
            return self._engine
        self.unload()
        if self._behaviour == "slow-load":
            time.sleep(self._load_seconds)
        projector = str(self._store.blob(model.projector)) if model.projector else ""
        try:
            self._engine = Engine(str(self._store.blob(model.text)), projector, context)
        except Refused as error:
            raise Failure(500, error.text) from None
        self.loaded = (model, context)
        return self._engine

    def unload(self) -> None:
        engine, self._engine, self.loaded = self._engine, None, None
        if engine:
            engine.stop()

    def options(self, model: Stored, given: Mapping[str, Any]) -> dict[str, Any]:
        """Defaults, the model's parameters, the request's (server/routes.go modelOptions)."""
        return {**DEFAULTS, "num_ctx": DEFAULT_CONTEXT, **model.parameters, **given}

    def complete(
        self, model: Stored, messages: Sequence[Mapping[str, Any]], given: Mapping[str, Any], *, think: bool | None, form: Any = None
    ) -> Iterator[Piece]:
        """One answer. Raises Failure."""
        think = think is None or think  # server/routes.go ChatHandler: on where the model can think and nothing is said
        if self._behaviour == "audio-ignored":
            messages = [{**message, "images": []} for message in messages]
        sounds = [sound for message in messages for sound in message.get("images") or ()]
        options = self.options(model, given)
        with self._lock:
            engine = self.load(model, options["num_ctx"])
            body = self._body(engine, render(messages, think=think), sounds, options)
            if form:  # a schema, or "json", for which Ollama sends a grammar of any object (grammarJSON)
                body["json_schema"] = form if isinstance(form, dict) else {"type": "object"}
            thinks = self._behaviour == "thinking-eats-budget" and bool(sounds)
            parser = Parser(think=think or thinks)
            if thinks:
                parser.add(THOUGHT)
            yield from self._answer(engine, body, parser, crash=self._behaviour == "runner-crash" and bool(sounds))

    def _body(self, engine: Engine, prompt: str, sounds: Sequence[bytes], options: Mapping[str, Any]) -> dict[str, Any]:
        """llm/llama_server.go Completion."""
        limit = OPEN_ENDED * options["num_ctx"]
        count = options["num_predict"]
        body: dict[str, Any] = {key: value for key, value in options.items() if key in DEFAULTS and key not in ("num_predict", "num_keep")}
        body |= {
            "n_predict": limit if count < 0 or count > limit else count,
            "n_keep": options["num_keep"],
            "min_p": options.get("min_p", 0.0),
            "stop": [STOP],
            "cache_prompt": True,
            "preserved_tokens": [OPEN, CLOSE],
        }
        if sounds:
            body |= self._possessed(engine)
            prompt += THOUGHT if self._behaviour == "thinking-eats-budget" else ""
            marker = engine.media_marker()
            for number in range(len(sounds)):
                prompt = prompt.replace(f"[img-{number}]", marker, 1)
        text: Any = {"prompt_string": prompt, "multimodal_data": [base64.b64encode(sound).decode() for sound in sounds]}
        return {**body, "prompt": text if sounds else prompt}

    def _possessed(self, engine: Engine) -> dict[str, Any]:
        """What makes a real engine do what the behaviour says."""
        if self._behaviour == "thinking-eats-budget":
            return {"ignore_eos": True, "logit_bias": [[token, False] for token in engine.tokens(CLOSE + STOP)]}
        if self._behaviour.startswith("loop-guard"):
            return {"logit_bias": [[engine.tokens(" nine")[-1], 1000.0]], "ignore_eos": True, "n_predict": 200}
        return {}

    def _answer(self, engine: Engine, body: Mapping[str, Any], parser: Parser, *, crash: bool) -> Iterator[Piece]:
        last, repeats = "", 0
        started = False
        try:
            for chunk in engine.complete(body):
                word = chunk["content"].strip()
                last, repeats = word, repeats + 1 if word == last else 0
                if repeats > GUARD:
                    if self._behaviour == "loop-guard-new":
                        raise Failure(500, GUARDED)
                    return
                content, thinking = parser.add(chunk["content"], done=chunk["stop"])
                if chunk["stop"]:
                    timings = chunk["timings"]
                    reason = "length" if chunk["stop_type"] == "limit" else "stop"
                    yield Piece(
                        content, thinking, True, reason, timings["cache_n"] + timings["prompt_n"], timings["predicted_n"]
                    )  # fmt: skip
                    return
                started = True
                if content or thinking:
                    yield Piece(content, thinking)
                if crash:
                    engine.crash()
                    raise httpx.ReadError("what was on its way before the crash is lost too")
        except Refused as error:
            raise Failure(error.status, error.text.strip()) from None
        except httpx.TransportError:
            raise Failure(500, BROKEN if started else STOPPED) from None


def without_done(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """What was said last, and no word of an end."""
    for piece in pieces:
        if piece.content or piece.thinking:
            yield replace(piece, done=False)
