"""What a model is asked: seven kinds of question that loops were reported for, and one open one. Pure.

Plain text, so that they run on every adapter. For the twins the right answers are known (answers.json beside their files); for published
weights no answer is, and only loops count.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from runtimeprobe.results import Struct


class Prompt(Struct, frozen=True, kw_only=True):
    """`answer`: the one right answer, None where it is not known; `pattern`: for an open question, what every right answer matches."""

    id: str
    text: str
    thinking: bool = False
    max_tokens: int = 512
    answer: str | None = None
    pattern: str = ""

    def wrong(self, text: str) -> bool | None:
        """None where it cannot be told."""
        if self.answer is not None:
            return text.strip() != self.answer.strip()
        return re.fullmatch(self.pattern, text.strip()) is None if self.pattern else None


BASELINE = (
    Prompt(id="short", text="What is the capital of France?", max_tokens=256),
    Prompt(id="long", text="Explain how a bicycle works."),
    Prompt(id="svg", text="Draw an SVG of a pelican on a bicycle."),
    Prompt(id="enumeration", text="List the months."),
    Prompt(id="json", text='Describe all planets as JSON with the keys "name", "moons" and "rocky".'),
    Prompt(id="tool", text="Call the tool get_weather for Paris.", max_tokens=256),
    Prompt(id="thinking", text="How many legs do three cats have?", thinking=True),
    Prompt(id="story", text="Tell me a story."),
)


def known(prompts: Sequence[Prompt], answers: Mapping[str, Any]) -> tuple[Prompt, ...]:
    """The prompts with what a twin's answers.json says of them."""
    return tuple(
        Prompt(
            id=prompt.id, text=prompt.text, thinking=prompt.thinking, max_tokens=prompt.max_tokens,
            answer=answers["answers"].get(prompt.text), pattern=answers["patterns"].get(prompt.text, ""),
        )
        for prompt in prompts
    )  # fmt: skip
