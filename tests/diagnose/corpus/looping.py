"""Looping outputs made by rule: the beginning of a clean one, then a cycle until it is cut, as a model's output is by its token limit."""

import json
import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tests.diagnose.corpus.made import WORDS, sentence, word
from tests.diagnose.corpus.store import Entry, Half

PER_FAMILY = 44  # entries, half of them held out
LEAST = 2000  # characters of cycle at least: some 500 tokens, well under any token limit in use
COPIES = 12
MORE = 16_000  # characters at most, unless three copies are longer


class Cycle(NamedTuple):
    """The unit, with {n} where a counter stands; `items` of them to one period."""

    unit: str
    counted: bool = False


Make = Callable[[random.Random, list[str]], Cycle]


def lines_of(rng: random.Random, texts: list[str], least: int, most: int) -> str:
    """Lines in a row of some real file, together `least` to `most` characters."""
    while True:
        text = rng.choice(texts)
        begin = text.rfind("\n", 0, rng.randrange(len(text))) + 1
        end = text.find("\n", begin + rng.randint(least, most) - 1) + 1
        unit = text[begin:end]
        if least <= len(unit) <= most and unit.strip():
            return unit


def constant(rng: random.Random, _texts: list[str]) -> Cycle:
    return Cycle(rng.choice(["-", "=", ".", " ", "\n", "!", "0", "a", "A", "g", "\t", "。", "哈", "😊", "│", "_", "- ", ". ", "0 "]))


def reserved(rng: random.Random, _texts: list[str]) -> Cycle:
    names = ["<unused49>", "<unused24>", "<pad>", "[multimodal]", "<audio|>", "<image|>", "<mask>", "<unused12>", "<|channel>", "<bos>"]
    return Cycle("".join(rng.sample(names, rng.choice([1, 1, 1, 2, 3]))) + rng.choice(["", "", " ", "\n"]))


def words(rng: random.Random, _texts: list[str]) -> Cycle:
    some = rng.sample([*WORDS, "own", "the", "of", "three", "nine", "I", "并", "не"], rng.choice([1, 1, 1, 2, 3, 4]))
    return Cycle(rng.choice(["", "", "", "**"]).join(["", " ".join(some), ""]) + rng.choice([" ", " ", ", ", "\n"]))


def short_lines(rng: random.Random, _texts: list[str]) -> Cycle:
    return Cycle(
        rng.choice(
            ["---\n", "<br>\n", "```\n", "| :--- | :--- |\n", "| | | |\n", "}\n", "***\n", "\t\n", "---\n\n", "1\n", "<div>\n", ">\n"]
        )
    )


def lines(rng: random.Random, texts: list[str]) -> Cycle:
    while True:
        unit = lines_of(rng, texts, 6, 160)
        if unit.count("\n") == 1:
            return Cycle(unit)


def paragraphs(rng: random.Random, texts: list[str]) -> Cycle:
    return Cycle(lines_of(rng, texts, 200, 2000))


def sentences(rng: random.Random, _texts: list[str]) -> Cycle:
    return Cycle(" ".join(sentence(rng) for _ in range(rng.randint(1, 12))) + rng.choice([" ", "\n", "\n\n"]))


def fragments(rng: random.Random, texts: list[str]) -> Cycle:
    """Any stretch of any real text, which no border of a word or line contains."""
    while True:
        text = rng.choice(texts)
        length = int(2000 ** rng.random())
        begin = rng.randrange(max(1, len(text) - length))
        if text[begin : begin + length].strip():
            return Cycle(text[begin : begin + length])


def items(rng: random.Random, _texts: list[str]) -> Cycle:
    """A numbered list whose items come again and again, or that has but one."""
    count = rng.choice([1, 1, 1, 2, 3, 5, 10])
    form = rng.choice(["{{n}}. {0}\n", "{{n}}) {0}\n", "Step {{n}}: {0}\n", "| {{n}} | {0} |\n", "item {{n}} {0}, ", "{{n}}. **{0}**\n"])
    names = [f"{word(rng).capitalize()} {word(rng)}" for _ in range(count)]
    return Cycle("".join(form.format(name) for name in names), counted=True)


def calls(rng: random.Random, _texts: list[str]) -> Cycle:
    name, value = f"{word(rng)}_{word(rng)}", word(rng)
    forms = [
        f'<|tool_call>call:{name}{{city:<|"|>{value}<|"|>}}<tool_call|>',
        json.dumps({"name": name, "arguments": {"city": value, "days": rng.randint(1, 9)}}) + "\n",
        json.dumps({"type": "function", "function": {"name": name, "arguments": json.dumps({"q": sentence(rng)})}}, indent=1) + "\n",
        f"<|tool_call>call:{name}{{}}<tool_call|>\n{sentence(rng)}\n",
    ]
    return Cycle(rng.choice(forms))


def thoughts(rng: random.Random, _texts: list[str]) -> Cycle:
    return Cycle(
        "\n\n".join(f"{rng.choice(['Wait,', 'Hmm,', 'Actually,'])} {sentence(rng).lower()}" for _ in range(rng.randint(1, 6))) + "\n\n"
    )


FAMILIES: dict[str, Make] = {
    "constant text": constant,
    "reserved tokens": reserved,
    "words": words,
    "short lines": short_lines,
    "line of a file": lines,
    "paragraphs of a file": paragraphs,
    "sentences": sentences,
    "stretch of a file": fragments,
    "enumeration": items,
    "tool calls": calls,
    "thinking": thoughts,
}


def written(cycle: Cycle, length: int, first: int) -> str:
    """`length` characters of the cycle; its counters go on from `first`."""
    pieces, size, number = [], 0, first
    parts = cycle.unit.split("{n}") if cycle.counted else [cycle.unit]
    while size < length:
        piece = parts[0]
        for part in parts[1:]:
            piece += f"{number}{part}"
            number += 1
        pieces.append(piece)
        size += len(piece)
    return "".join(pieces)[:length]


def entries(seed: int, clean: list[Entry]) -> Iterator[Entry]:
    for family, make in FAMILIES.items():
        rng = random.Random(f"{seed} {family}")
        for number in range(PER_FAMILY):
            half: Half = "held out" if number % 2 else "tune"
            texts = [entry.text for entry in clean if entry.half == half]
            before = rng.choice(texts)[: int(2000 * rng.random() ** 2)]
            cycle = make(rng, texts)
            length = max(LEAST, min(COPIES * len(cycle.unit), MORE))
            yield Entry(
                text=before + written(cycle, length, rng.choice([1, 1, 7, 95])),
                family=family,
                half=half,
                looping=True,
                start=len(before),
                period=len(cycle.unit),
                verbatim=not cycle.counted,
                thinking=make is thoughts,
            )
