"""Asks mlx-vlm's server: chat with `input_audio`, and transcription."""

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from runtimeprobe.contract import AdapterError, Ask, BadReply, Config, Reply
from runtimeprobe_mlx import failures, options, thoughts, wire
from runtimeprobe_mlx.engines import CHAT, VLM
from runtimeprobe_mlx.server import HOST, Server

CHAT_PATH, TRANSCRIPTIONS_PATH = "/v1/chat/completions", "/v1/audio/transcriptions"
MAX_CLIP_BYTES = 64 * 1024 * 1024


def clip_bytes(ask: Ask) -> bytes:
    try:
        with Path(ask.clip).open("rb") as file:
            data = file.read(MAX_CLIP_BYTES + 1)
    except OSError as error:
        raise AdapterError(f"{ask.clip} cannot be read: {error.strerror}", fix="name a file that is there") from error
    if len(data) > MAX_CLIP_BYTES:
        raise AdapterError(f"{ask.clip} is larger than {MAX_CLIP_BYTES} bytes", fix="send a shorter recording")
    return data


def chat_body(ask: Ask, config: Config, model: str, sound: str | None) -> dict[str, Any]:
    """`sound`: what `input_audio.data` holds, "" for an empty file; None without a clip."""
    content: list[dict[str, Any]] = [{"type": "text", "text": ask.prompt}]
    if sound is not None:
        content.append({"type": "input_audio", "input_audio": {"data": sound, "format": Path(ask.clip).suffix.lstrip(".") or "wav"}})
    think = options.thinking(ask, config)
    return {
        "model": model,
        "messages": [{"role": "user", "content": content}],
        "max_tokens": ask.max_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
        **options.sampling(ask, config),
        **({} if think is None else {"enable_thinking": think}),
    }


def count(usage: dict[str, Any], *names: str) -> int | None:
    """The first of the names that holds a number: `prompt_tokens` now, `input_tokens` in older releases."""
    values = [usage.get(name) for name in names]
    return next((value for value in values if isinstance(value, int)), None)


class Served:
    """The server and the model it holds. Started by the first ask; the model is loaded by a request of one token that is not timed."""

    def __init__(self, folder: str, config: Config) -> None:
        self.folder, self.config = folder, config
        self.server = Server(config)
        began = time.perf_counter()
        try:
            self.chat(Ask(CHAT, "Hello", max_tokens=1), None)
        except AdapterError:
            if self.server.process.poll() is not None:
                self.stop()
                raise  # else the server still answers, and the ask that matters will hear the same
        except BaseException:
            self.stop()
            raise
        self.warm_up_seconds = time.perf_counter() - began

    def stop(self) -> None:
        self.server.stop()

    def ask(self, ask: Ask) -> Reply:
        if ask.route != CHAT:
            return self.transcribe(ask)
        return self.chat(ask, base64.b64encode(clip_bytes(ask)).decode() if ask.clip else None)

    def post(self, path: str, body: bytes, content_type: str, clip: bool) -> Iterator[dict[str, Any]]:
        """Events of a stream, or the one JSON object of an answer. Raises the contract's errors for everything else."""
        try:
            with wire.request((HOST, self.server.port), path, body, content_type) as response:
                if response.status != 200:
                    answer = wire.whole(response)
                    raise failures.of_answer(answer.status, answer.detail(), VLM, path, with_clip=clip)
                if "event-stream" in (response.getheader("Content-Type") or ""):
                    yield from wire.events(response)
                else:
                    value = json.loads(wire.whole(response).body)
                    yield value if isinstance(value, dict) else {}
        except (OSError, wire.WireError, ValueError) as error:
            try:
                self.server.process.wait(1.0)  # a process that just died is not reaped at once
            except Exception:
                raise BadReply(f"mlx-vlm's server gave no proper answer at {path}: {error}", words=str(error)) from error
            raise self.server.ended(f"mlx-vlm's server died (exit code {self.server.process.returncode}) during {path}") from error

    def chat(self, ask: Ask, sound: str | None) -> Reply:
        body = chat_body(ask, self.config, self.folder, sound)
        text, thinking, finish = "", "", ""
        usage: dict[str, Any] = {}
        first: float | None = None
        began = time.perf_counter()
        for event in self.post(CHAT_PATH, json.dumps(body).encode(), "application/json", sound is not None):
            if event.get("error"):
                words = event["error"] if isinstance(event["error"], str) else json.dumps(event["error"])
                raise failures.of_answer(0, words, VLM, CHAT_PATH, with_clip=sound is not None)
            usage = event.get("usage") or usage
            for choice in event.get("choices") or ():
                delta = choice.get("delta") or choice.get("message") or {}
                said, thought = delta.get("content") or "", delta.get("reasoning_content") or delta.get("reasoning") or ""
                if (said or thought) and first is None:
                    first = time.perf_counter() - began
                text += said
                thinking += thought
                finish = choice.get("finish_reason") or finish
                if ask.enough(said) or ask.enough(thought, thought=True):
                    finish = "loop"
            if finish == "loop":
                break
        seconds = time.perf_counter() - began
        if not finish and not usage:
            raise BadReply("mlx-vlm's server ended its stream without finish_reason and usage", words=text[:2000])
        answer, inline = thoughts.split(text)
        raw: dict[str, Any] = {"usage": usage, "sent": {name: value for name, value in body.items() if name != "messages"}}
        if answer != text:
            raw["thinking_split"] = "the server leaves thoughts in its text; taken out between <|channel> and <channel|>"
        return Reply(
            text=answer,
            thinking=thinking + inline,
            prompt_tokens=count(usage, "prompt_tokens", "input_tokens"),
            completion_tokens=count(usage, "completion_tokens", "output_tokens"),
            finish_reason=finish,
            seconds=seconds,
            first_token_seconds=first,
            raw=raw,
        )

    def transcribe(self, ask: Ask) -> Reply:
        """The server has its own parameters here: no seed, no top-k, and the prompt, a hint for speech models, is not sent."""
        fields = {"model": self.folder, "response_format": "json", "max_tokens": str(ask.max_tokens)}
        if ask.sampling:
            fields["temperature"] = str(ask.sampling.temperature)
        if not ask.clip:
            raise AdapterError("audio.transcriptions cannot be asked without a clip")
        body, content_type = wire.multipart(fields, "file", f"clip{Path(ask.clip).suffix}", clip_bytes(ask))
        began = time.perf_counter()
        answers = list(self.post(TRANSCRIPTIONS_PATH, body, content_type, clip=True))
        text = answers[0].get("text") if answers else None
        if not isinstance(text, str):
            raise BadReply(f"mlx-vlm's server answered {TRANSCRIPTIONS_PATH} without a text", words=json.dumps(answers)[:2000])
        return Reply(text=text, seconds=time.perf_counter() - began, raw={"sent": fields})
