"""The bodies of the four routes. Pure but for reading the clip. What an ask leaves open is not sent at all.

/v1/chat/completions and /v1/responses: OpenAI's formats, with LM Studio's top_k and repeat_penalty
(https://lmstudio.ai/docs/developer/openai-compat/chat-completions). /api/v1/chat: https://lmstudio.ai/docs/developer/rest/chat, a closed
schema without seed and presence and frequency penalty; its text items are `text`, although that page says `message` (lmstudio-ai/docs
issue 253).
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtimeprobe.contract import Ask

CHAT = "v1.chat.input_audio"
NATIVE = "api.v1.chat.audio"
RESPONSES = "v1.responses.input_audio"
TRANSCRIPTIONS = "v1.audio.transcriptions"
PATHS = {
    CHAT: "/v1/chat/completions",
    NATIVE: "/api/v1/chat",
    RESPONSES: "/v1/responses",
    TRANSCRIPTIONS: "/v1/audio/transcriptions",
}
_NATIVE_SAMPLING = ("temperature", "top_p", "top_k", "min_p", "repeat_penalty")


@dataclass(frozen=True, slots=True)
class Request:
    """An ask with the levers of the load merged in, and the model by the name of its loaded instance."""

    ask: Ask
    model: str
    sampling: Mapping[str, Any]
    thinking: bool | None
    reasoning: Sequence[str] = ()  # the settings the model allows


def body(request: Request) -> dict[str, Any]:
    made = {CHAT: _chat, NATIVE: _native, RESPONSES: _responses}[request.ask.route]
    return {"model": request.model, "stream": True, **made(request)}


def transcription_fields(request: Request) -> dict[str, str]:
    """The form of OpenAI's /v1/audio/transcriptions, which has no other sampling than this."""
    fields = {"model": request.model, "response_format": "json"}
    if request.ask.prompt:
        fields["prompt"] = request.ask.prompt
    if "temperature" in request.sampling:
        fields["temperature"] = str(request.sampling["temperature"])
    return fields


def clip_name(clip: str) -> str:
    """The clip's own name could hold anything; only its suffix tells the server something, and that only if it is plain."""
    suffix = Path(clip).suffix.lower()
    return f"clip{suffix}" if suffix[1:].isalnum() and suffix.isascii() else "clip"


def _chat(request: Request) -> dict[str, Any]:
    content: list[dict[str, Any]] = [{"type": "text", "text": request.ask.prompt}]
    if request.ask.clip:
        content.insert(0, {"type": "input_audio", "input_audio": _sound(request.ask.clip)})
    made: dict[str, Any] = {
        "messages": [{"role": "user", "content": content}],
        "max_tokens": request.ask.max_tokens,
        "stream_options": {"include_usage": True},
        **request.sampling,
    }
    if request.thinking is not None:
        made["reasoning_effort"] = "medium" if request.thinking else "none"
    return made


def _native(request: Request) -> dict[str, Any]:
    """`store` is on by default; a probe's chats are nobody's history. `reasoning` errs on a model that has no such setting."""
    items: list[dict[str, Any]] = [{"type": "text", "content": request.ask.prompt}]
    if request.ask.clip:
        sound = _sound(request.ask.clip)
        items.insert(0, {"type": "audio", "data_url": f"data:audio/{sound['format']};base64,{sound['data']}"})
    made: dict[str, Any] = {"input": items, "max_output_tokens": request.ask.max_tokens, "store": False}
    made |= {name: request.sampling[name] for name in _NATIVE_SAMPLING if name in request.sampling}
    wanted = {True: "on", False: "off", None: ""}[request.thinking]
    if wanted in request.reasoning:
        made["reasoning"] = wanted
    return made


def _responses(request: Request) -> dict[str, Any]:
    content: list[dict[str, Any]] = [{"type": "input_text", "text": request.ask.prompt}]
    if request.ask.clip:
        content.insert(0, {"type": "input_audio", "input_audio": _sound(request.ask.clip)})
    made: dict[str, Any] = {
        "input": [{"role": "user", "content": content}],
        "max_output_tokens": request.ask.max_tokens,
        "store": False,
        **request.sampling,
    }
    if request.thinking is not None:
        made["reasoning"] = {"effort": "medium" if request.thinking else "none"}
    return made


def _sound(clip: str) -> dict[str, str]:
    path = Path(clip)
    return {"data": base64.b64encode(path.read_bytes()).decode("ascii"), "format": path.suffix[1:].lower() or "wav"}
