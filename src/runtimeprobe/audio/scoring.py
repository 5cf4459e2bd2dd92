"""Word error rate of an answer against a transcript: jiwer counts, one named normalizer decides what a word is.

Answers come from runtimes that may loop or lie, so only the first MAX_CHARACTERS of one are looked at.
"""

import unicodedata

NORMALIZER = "runtimeprobe-words/1"  # change the rules of `words`, change this name: results recorded under it stay comparable
MAX_CHARACTERS = 4000  # thirty seconds of fast speech is under 800
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
APOSTROPHES = "'\u2018\u2019\u02bc\uff07"  # typewriter, both curly quotes, modifier letter, full width


def words(text: str) -> list[str]:
    """The words of `text`, by the rules of NORMALIZER.

    Compatibility forms unified (NFKC) and case folded; every decimal digit is one word, so `39` is `three nine`; apostrophes and
    invisible format characters vanish inside a word (`don't` is `dont`); whatever else is neither letter nor mark separates words.
    """
    shown = "".join(kept(character) for character in folded(text[:MAX_CHARACTERS]))
    return [word for word in folded(shown).split() if any(character.isalpha() for character in word)]


def folded(text: str) -> str:
    """NFKC twice because case folding can leave a form that is not composed (Unicode's own NFKC_Casefold does the same)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def kept(character: str) -> str:
    """What stays of one character: itself, a word, nothing, or a space."""
    digit = unicodedata.digit(character, None)
    if digit is not None:
        return f" {DIGITS[digit]} "
    category = unicodedata.category(character)
    if category[0] in "LM":
        return "" if character in APOSTROPHES else character
    return "" if category == "Cf" or character in APOSTROPHES else " "


def word_error_rate(transcript: str, answer: str) -> float:
    """(substitutions + deletions + insertions) / words of the transcript: 0.0 is word for word, over 1.0 is possible.

    An empty answer is 1.0. Against a transcript without words (silence) any word at all is 1.0.
    """
    said, heard = words(transcript), words(answer)
    if not said or not heard:
        return float(said != heard)
    import jiwer

    return float(jiwer.wer(" ".join(said), " ".join(heard)))


def matches(transcript: str, answer: str, threshold: float = 0.0) -> bool:
    """Whether the answer is the transcript, up to `threshold` of word error rate."""
    return word_error_rate(transcript, answer) <= threshold
