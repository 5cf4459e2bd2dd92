"""The four ways in for sound: what each is sent. Pure, but for the clip that is read.

No route has a field for sound but /v1: on /api it rides in `images`, and Ollama tells it by its first bytes (llm/media.go).
"""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtimeprobe.contract import AdapterError, Ask, Route
from runtimeprobe_ollama.knobs import BY_NAME, Wanted

CHAT, GENERATE, OPENAI, TRANSCRIPTIONS = "api.chat.images", "api.generate.images", "v1.chat.input_audio", "v1.audio.transcriptions"
ROUTES = (
    Route(CHAT),
    Route(GENERATE),
    Route(OPENAI, note="num_ctx, top_k, min_p and repeat_penalty cannot be sent here"),
    # openai/openai.go FromTranscriptionRequest: a prompt of Ollama's own, temperature 0, thinking at its default, the answer's text alone
    Route(TRANSCRIPTIONS, needs_clip=True, reports_tokens=False, note="Ollama sends a prompt of its own and lets the model think"),
)


@dataclass(frozen=True, slots=True)
class Request:
    """`form` and `clip` make a multipart request, `body` a JSON one."""

    path: str
    body: dict[str, Any]
    form: dict[str, str]
    clip: bytes = b""


def request(ask: Ask, name: str, wanted: Wanted, runner: dict[str, Any], levers: set[str]) -> Request:
    """`levers`: those that were changed; raises AdapterError for one that this route cannot carry."""
    clip = Path(ask.clip).read_bytes() if ask.clip else b""
    if ask.route == TRANSCRIPTIONS:
        _must_carry(ask.route, levers)
        # What stands in `prompt` is put behind Ollama's own ("Context: ..."); a prompt that asks to transcribe has no place there.
        return Request("/v1/audio/transcriptions", {}, {"model": name, "response_format": "json"}, clip)
    if ask.route == OPENAI:
        _must_carry(ask.route, {name for name in levers if not BY_NAME[name].openai})
        return Request("/v1/chat/completions", _openai(ask, name, wanted, clip), {})
    body: dict[str, Any] = {"model": name, "stream": True, "options": {**runner, "num_predict": ask.max_tokens, **wanted.sampling}}
    if wanted.thinking is not None:
        body["think"] = wanted.thinking
    if wanted.format:
        body["format"] = wanted.format
    sound = {"images": [_text(clip)]} if clip else {}
    if ask.route == GENERATE:
        return Request("/api/generate", {**body, "prompt": ask.prompt, **sound}, {})
    return Request("/api/chat", {**body, "messages": [{"role": "user", "content": ask.prompt, **sound}]}, {})


def _openai(ask: Ask, name: str, wanted: Wanted, clip: bytes) -> dict[str, Any]:
    """Each part becomes a turn of its own (FromChatRequest), the sound's first as the model's documentation has it.

    Without sound that turn is there too, empty: else the turn's own tokens would be taken for the sound's.
    """
    first: dict[str, Any] = {"type": "text", "text": ""}
    if clip:
        sound = {"data": _text(clip), "format": Path(ask.clip).suffix[1:].lower() or "wav"}
        first = {"type": "input_audio", "input_audio": sound}
    content = [first, {"type": "text", "text": ask.prompt}]
    body: dict[str, Any] = {
        "model": name,
        "messages": [{"role": "user", "content": content}],
        "max_tokens": ask.max_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    body |= {key: value for key, value in wanted.sampling.items() if BY_NAME[key].openai}
    if wanted.thinking is not None:
        body["reasoning_effort"] = "medium" if wanted.thinking else "none"  # thinkFromReasoningEffort
    if wanted.format:
        body["response_format"] = {"type": "json_object"}
    return body


def _must_carry(route: str, cannot: set[str]) -> None:
    if cannot:
        raise AdapterError(f"{route} cannot carry {', '.join(sorted(cannot))}.", fix=f"Ask through {CHAT}.")


def _text(clip: bytes) -> str:
    return base64.b64encode(clip).decode("ascii")
