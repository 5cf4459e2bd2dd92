"""What a cycle repeats, and how long it has to go on before it is a loop.

Text that is no loop repeats itself too: rules, table rows, zeros, refrains. How far it goes depends on what is repeated, so each sort of
unit has a row of its own: `copies` whole periods and `more` characters. docs/loops.md says what the rows were measured on.
"""

import enum
import re
from typing import NamedTuple


class Kind(enum.StrEnum):
    CONSTANT = "constant text"
    RESERVED = "reserved tokens"
    WORDS = "word collapse"
    LINES = "line cycle"
    PARAGRAPHS = "paragraph cycle"
    ENUMERATION = "enumeration"
    THINKING = "endless thinking"
    CALLS = "repeated tool call"


class Needed(NamedTuple):
    copies: int
    more: int

    def length(self, period: int) -> int:
        return self.copies * period + self.more


class Unit(NamedTuple):
    """One period of a cycle, classified."""

    kind: Kind
    needed: Needed


CALL = Needed(3, 32)  # the same call with the same arguments a fourth time; no row needs less
RESERVED = Needed(3, 64)  # <unused49> and the like are in no text a model is asked for
SENTENCE = Needed(3, 96)  # words and blanks: "ha ha ha", refrains
RULE = Needed(3, 320)  # -----, and | :--- | of a wide table: one line without a letter or digit
BLANK_LINES = Needed(12, 96)  # empty boards and grids: lines without a letter or digit
CODE = Needed(3, 400)  # everything else with letters: source, markup, JSON
ONE = Needed(3, 400)  # a single letter or digit: AAAA in base64, aaaaah
DIGITS = Needed(3, 480)  # digits of 1/7, rows of zeros: one line of numbers, hexadecimal too
NUMBERS = Needed(3, 1000)  # columns and tables of them
COUNTED = Needed(8, 600)  # items that differ by their number alone, and the number counts
COUNTING = Needed(3, 8000)  # nothing but numbers that count: counting to 1000 is an answer

# Gemma 4's own (facts of its tokenizer: <unused0> to <unused99>, pad, mask, the markers of image, audio, video, turn, channel, tools)
_NAMES = r"unused\d*|pad|mask|unk|bos|eos|s|/s"
_MARKERS = r"image|audio|video|turn|channel|think|tool|tool_call|tool_response"
TOKEN = re.compile(rf"<(?:{_NAMES})>|<\|(?:{_MARKERS})\|?>|<(?:{_MARKERS})\|>|\[multimodal\]|<\|[a-z_]+\|>")
_NAME, _ARGUMENTS = re.compile(r'"name"\s*:'), re.compile(r'"(?:arguments|parameters)"\s*:')
_SENTENCE = re.compile(r"(?:[^\W\d_]|[ \n.!?;'’…*-])+")
_NUMBERS = re.compile(r"[\W\d_a-fA-FxXu]+")
_PARAGRAPH = 200  # characters
_LONGEST_TOKEN = 32
_LONGEST_WORD = 24  # letters in a row; base64 has lines of them


def classify(period: int, twice: str) -> Unit:
    """`twice`: two copies of the unit, wherever they begin: what their borders cut stands whole in the middle."""
    token = TOKEN.search(twice, 0, period + _LONGEST_TOKEN)
    if token and not TOKEN.sub("", twice[token.start() : token.start() + period]).strip():
        return Unit(Kind.RESERVED, RESERVED)
    if "<|tool_call>" in twice or (_NAME.search(twice) and _ARGUMENTS.search(twice)):
        return Unit(Kind.CALLS, CALL)
    border = twice.find("\n", 0, period) + 1
    unit = twice[border : border + period]
    return Unit(_shape(unit), _sort(period, unit, twice))


def _shape(unit: str) -> Kind:
    if len(set(unit)) == 1 or ("\n" not in unit and len(set(unit) - {" "}) <= 1):
        return Kind.CONSTANT
    if "\n" not in unit:
        return Kind.WORDS if len(unit) < _PARAGRAPH else Kind.PARAGRAPHS
    lines = sum(1 for line in unit.split("\n") if line.strip())
    return Kind.LINES if lines == 1 else Kind.PARAGRAPHS


def _sort(period: int, unit: str, twice: str) -> Needed:
    if period == 1:
        return ONE if unit.isalnum() else BLANK_LINES if unit == "\n" else RULE
    if not any(map(str.isalnum, unit)):
        return BLANK_LINES if "\n" in unit else RULE
    if _NUMBERS.fullmatch(unit) and any(map(str.isdigit, unit)):
        return NUMBERS if "\n" in unit else DIGITS
    words = twice.split()
    prose = len(words) > 1 and max(map(len, words)) <= _LONGEST_WORD and "  " not in twice and _SENTENCE.fullmatch(unit)
    return SENTENCE if prose else CODE
