"""Collects a stream of an engine's pieces into a `Reply`, with the time to the first of them."""

import time
from collections.abc import Iterable
from typing import Any

from runtimeprobe.contract import Ask, BadReply, Reply
from runtimeprobe_mlx import thoughts

MAX_PROMPT = 4000  # characters of the rendered prompt kept as evidence of where the clip stands


def collect(ask: Ask, pieces: Iterable[Any], raw: dict[str, Any], engine: str) -> Reply:
    """Pieces carry `text`, `prompt_tokens`, `generation_tokens` and, in newer releases, `finish_reason`: the last one counts."""
    began = time.perf_counter()
    first, text, last, stopped = None, "", None, False
    for piece in pieces:
        first = first if first is not None else time.perf_counter() - began
        text += piece.text
        last = piece
        if ask.enough(piece.text):
            stopped = True
            break
    if last is None:
        raise BadReply(f"{engine} ended without a single piece of answer")
    answer, thinking = thoughts.split(text)
    if answer != text:
        raw = raw | {"thinking_split": "the engine leaves thoughts in its text; taken out between <|channel> and <channel|>"}
    return Reply(
        text=answer,
        thinking=thinking,
        prompt_tokens=getattr(last, "prompt_tokens", None),
        completion_tokens=getattr(last, "generation_tokens", None),
        finish_reason="loop" if stopped else getattr(last, "finish_reason", None) or "",
        seconds=time.perf_counter() - began,
        first_token_seconds=first,
        raw=raw | {"prompt_tps": getattr(last, "prompt_tps", None), "generation_tps": getattr(last, "generation_tps", None)},
    )
