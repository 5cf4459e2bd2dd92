"""One inference: OpenAI-style messages in, pieces of text and the end out. Whatever it says is the engine's."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.emulators.lmstudio.store import Instance

# documented: 1_developer/3_openai-compat/chat-completions.md
SAMPLING = ("temperature", "top_p", "top_k", "min_p", "repeat_penalty", "presence_penalty", "frequency_penalty", "seed", "stop")
SOUND = ("input_audio", "audio")


@dataclass
class Run:
    """One answer. Its counts and its end are there once `pieces` is exhausted."""

    instance: Instance
    messages: list[dict[str, Any]]
    settings: dict[str, Any]
    max_tokens: int | None
    thinking: bool
    all_is_thought: bool = False
    finish: str = "stop"
    usage: dict[str, int] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    thought_pieces: int = 0

    def pieces(self) -> Iterator[tuple[str, bool]]:
        """(text, whether it is thought). Raises Refused."""
        body: dict[str, Any] = {"messages": self.messages, **self.settings, "chat_template_kwargs": {"enable_thinking": self.thinking}}
        if self.max_tokens and self.max_tokens > 0:
            body["max_tokens"] = self.max_tokens
        if self.all_is_thought:
            body |= {"ignore_eos": True, "max_tokens": self.max_tokens or 64}
        for chunk in self.instance.engine.chat(body):
            self.usage = chunk.get("usage") or self.usage
            self.timings = chunk.get("timings") or self.timings
            for choice in chunk["choices"]:
                self.finish = choice.get("finish_reason") or self.finish
                delta = choice["delta"]
                for text, thought in ((delta.get("reasoning_content"), True), (delta.get("content"), self.all_is_thought)):
                    if text:
                        self.thought_pieces += thought
                        yield text, thought

    @property
    def stats(self) -> dict[str, Any]:
        """documented: 1_developer/2_rest/chat.md."""
        return {
            "input_tokens": self.usage["prompt_tokens"],
            "total_output_tokens": self.usage["completion_tokens"],
            "reasoning_output_tokens": self.thought_pieces,
            "tokens_per_second": self.timings.get("predicted_per_second", 0.0),
            "time_to_first_token_seconds": self.timings.get("prompt_ms", 0.0) / 1000,
        }


def settings(body: dict[str, Any]) -> dict[str, Any]:
    return {name: body[name] for name in SAMPLING if name in body}


def has_sound(messages: list[dict[str, Any]]) -> bool:
    return any(part.get("type") in SOUND for message in messages if isinstance(message["content"], list) for part in message["content"])


def without_sound(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {**message, "content": [part for part in message["content"] if part.get("type") not in SOUND]}
        if isinstance(message["content"], list)
        else message
        for message in messages
    ]
