"""The published rules that the loop detector is compared with, written again from their description. Each is fed token by token.

vLLM: `check_sequence_repetition`, vllm/v1/core/sched/utils.py: some pattern of `least` to `most` tokens stands `count` times at the end.
Off by default (docs.vllm.ai, RepetitionDetectionParams); (1, 20, 3) is what vllm#40097 proposes to turn on. mlxcel: the same rule, on by
default for Gemma 4: (1, 20, 4) in lablup/mlxcel#433, raised to (1, 20, 12) in #969 after it had cut a Markdown table. Ollama: more than 30
pieces in a row that equal the one before when trimmed (ollama#3080), since ollama#18374 more than 100.
"""

import re
from collections.abc import Callable

TOKENS = re.compile(r" ?[^\W\d_]{1,8}|[0-9]| ?[^\w\s]{1,4}|\n+|[ \t]{1,8}|.", re.DOTALL)
Feed = Callable[[str], bool]  # a token in; whether the rule now says loop


def tokens(text: str) -> list[str]:
    """A stand-in for a tokenizer, about 4 characters a token: word pieces with the blank before them, single digits, runs of signs."""
    return TOKENS.findall(text)


def repeated_pattern(least: int, most: int, count: int) -> Feed:
    seen: list[str] = []

    def feed(token: str) -> bool:
        seen.append(token)
        for size in range(least, most + 1):
            if size * count > len(seen):
                return False
            if seen[-1] == seen[-1 - size] and seen[-size:] * (count - 1) == seen[-size * count : -size]:
                return True
        return False

    return feed


def equal_pieces(limit: int) -> Feed:
    last, times = "", 0

    def feed(token: str) -> bool:
        nonlocal last, times
        trimmed = token.strip()
        last, times = (last, times + 1) if trimmed == last else (trimmed, 0)
        return times > limit

    return feed


RULES: dict[str, Callable[[], Feed]] = {
    "vLLM (1, 20, 3)": lambda: repeated_pattern(1, 20, 3),
    "mlxcel (1, 20, 4)": lambda: repeated_pattern(1, 20, 4),
    "mlxcel (1, 20, 12)": lambda: repeated_pattern(1, 20, 12),
    "Ollama, over 30": lambda: equal_pieces(30),
    "Ollama, over 100": lambda: equal_pieces(100),
}
