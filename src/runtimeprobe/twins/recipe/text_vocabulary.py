"""twin-31b's vocabulary: Gemma 4's special tokens, bytes and characters as the audio twins have them, and pieces of what it says.

The pieces are learned from the closed set by byte-pair encoding: the commonest pair becomes a token, the first of equals in alphabetical
order, so the same text gives the same vocabulary everywhere. No piece crosses a space, a digit or a sign.
"""

import collections
import itertools
import re

from runtimeprobe.twins.recipe import sayings
from runtimeprobe.twins.recipe.vocabulary import CHARACTERS, SPECIAL_TOKENS, Merges, Vocabulary

SIZE = 1024
PIECE = re.compile("\u2581?[A-Za-z]+|.", re.DOTALL)
# Words of the turns, and of the prompts that other tools put before a conversation.
TURNS = "user model system thought assistant You are a helpful assistant."


def corpus() -> list[str]:
    said = [part for saying in sayings.sayings() for part in (saying.text, saying.answer, saying.thought)]
    return [*said, sayings.OPEN.text, *sayings.STORY, *sayings.DOUBT, TURNS]


def build() -> tuple[Vocabulary, Merges]:
    specials = re.compile("|".join(map(re.escape, SPECIAL_TOKENS)))
    counts = collections.Counter(
        piece for text in corpus() for part in specials.split(text) for piece in PIECE.findall(part.replace(" ", "\u2581"))
    )
    words = {word: list(word) for word in counts}
    tokens = [*SPECIAL_TOKENS, *(f"<0x{byte:02X}>" for byte in range(256)), *CHARACTERS]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    merges: Merges = []
    while len(vocabulary) < SIZE:
        pairs: collections.Counter[tuple[str, str]] = collections.Counter()
        for word, parts in words.items():
            for pair in itertools.pairwise(parts):
                pairs[pair] += counts[word]
        if not pairs:
            break
        left, right = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append((left, right))
        vocabulary.setdefault(left + right, len(vocabulary))
        for parts in words.values():
            for at in range(len(parts) - 1):
                if parts[at : at + 2] == [left, right]:
                    parts[at : at + 2] = [left + right]
    return vocabulary, merges
