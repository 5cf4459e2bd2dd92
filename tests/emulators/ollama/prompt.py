"""What Gemma 4 is given, and how its answer is read: model/renderers/gemma4.go and model/parsers/gemma4.go, without tools."""

from collections.abc import Mapping, Sequence
from typing import Any

OPEN, CLOSE = "<|channel>", "<channel|>"
STOP = "<turn|>"  # server/create.go createModel sets it as the only stop of the architecture gemma4


def render(messages: Sequence[Mapping[str, Any]], *, think: bool) -> str:
    """The prompt of `gemma4-small`, sounds as [img-N]. Without <bos>: llama.cpp adds it for Gemma 4 (llama_server.go tokenizerAddsBOS)."""
    system = [message["content"].strip() for message in messages[:1] if message["role"] == "system"]
    parts = [f"<|turn>system\n{'<|think|>' + chr(10) if think else ''}{''.join(system)}<turn|>\n"] if system or think else []
    sounds = 0
    for message in messages[len(system) :]:
        content = (message.get("content") or "").strip()
        tags = "".join(f"[img-{sounds + number}]" for number in range(len(message.get("images") or ())))
        sounds += len(message.get("images") or ())
        role = "model" if message["role"] == "assistant" else message["role"]
        # image_tags.go renderContentWithImageTags: a blank between the tag and the text
        parts.append(f"<|turn>{role}\n{tags}{' ' if tags and content else ''}{content}<turn|>\n")
    return "".join(parts) + "<|turn>model\n"


class Parser:
    """Splits an answer that comes in pieces into content and thoughts."""

    def __init__(self, *, think: bool) -> None:
        self._think = think
        self._rest = ""
        self._inside = False
        self._named = True  # the channel's name has been read

    def add(self, piece: str, *, done: bool = False) -> tuple[str, str]:
        self._rest += piece
        content: list[str] = []
        thinking: list[str] = []
        while True:
            tag = CLOSE if self._inside else OPEN
            before, found, after = self._rest.partition(tag)
            if not found:
                keep = 0 if done else _overlap(before, tag)
                before, self._rest = before[: len(before) - keep], before[len(before) - keep :]
            else:
                self._rest = after
            if self._inside and not self._named:
                before, self._named = self._name(before, found=bool(found) or done)
            (thinking if self._inside else content).append(before)
            if not found:
                break
            self._inside = not self._inside
            self._named = not self._inside
        return "".join(content), "".join(thinking) if self._think else ""

    def _name(self, text: str, *, found: bool) -> tuple[str, bool]:
        """needsChannelNameStrip: `thought` and a line break are no thought."""
        name = "thought\n"
        if text.startswith(name):
            return text[len(name) :], True
        if not found and name.startswith(text):
            self._rest = text + self._rest
            return "", False
        return text, True


def _overlap(text: str, tag: str) -> int:
    """Length of the longest end of `text` that a tag could begin with."""
    return next((length for length in range(min(len(tag) - 1, len(text)), 0, -1) if tag.startswith(text[-length:])), 0)
