"""What counts as the same words, and what does not."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimeprobe.audio.scoring import DIGITS, MAX_CHARACTERS, NORMALIZER, matches, word_error_rate, words

TEXTS = st.text(st.characters(codec="utf-8"), max_size=200)


@pytest.mark.parametrize(
    "answer",
    [
        "three nine", "Three, nine.", "THREE NINE", "3 9", "39", "3, 9.", "three-nine", "  three\n\tnine  ", "\uff13\uff19",
        "\u0663\u0669", "**three** nine!", "'three' \u2018nine\u2019", "three\u00a0nine", "thr\u00adee nine", "\ufeffthree nine",
        '"3" "9"', "three \u2014 nine", "\u2462\u2468",
    ],
)  # fmt: skip
def test_the_same_words_in_another_spelling_are_right(answer: str) -> None:
    assert matches("three nine", answer)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        " ",
        "...",
        "nine three",
        "three",
        "three nine nine",
        "three nine one",
        "thirty nine",
        "threenine",
        "three nine <turn|>",
        "tree nine",
    ],
)
def test_other_words_are_wrong(answer: str) -> None:
    assert not matches("three nine", answer)


def test_an_apostrophe_joins_and_punctuation_separates() -> None:
    assert words("Don't stop") == words("don\u2019t stop") == ["dont", "stop"]
    assert words("well-known,fact") == ["well", "known", "fact"]


def test_digits_are_read_one_by_one() -> None:
    assert words("10 2.5 \u00bd") == ["one", "zero", "two", "five", "one", "two"]


@pytest.mark.parametrize(
    ("transcript", "answer", "rate"),
    [
        ("one two three four", "one two three five", 0.25),
        ("one two", "", 1.0),
        ("one two", "one two one two one two", 2.0),
        ("", "", 0.0),
        ("", "?!", 0.0),
        ("", "one", 1.0),
        ("", "one two three", 1.0),
    ],
)
def test_the_rate_is_errors_per_word_of_the_transcript(transcript: str, answer: str, rate: float) -> None:
    assert word_error_rate(transcript, answer) == rate


def test_the_threshold_is_inclusive() -> None:
    assert matches("a b c d", "a b c e", 0.25)
    assert not matches("a b c d", "a b c e", 0.24)


def test_an_endless_answer_costs_nothing() -> None:
    endless = "3" * 50_000_000
    begin = time.perf_counter()
    assert word_error_rate("three nine", endless) > 1
    assert time.perf_counter() - begin < 1.0
    assert len(words(endless)) == MAX_CHARACTERS


@given(TEXTS)
def test_normalizing_twice_changes_nothing(text: str) -> None:
    once = words(text)
    assert words(" ".join(once)[:MAX_CHARACTERS]) == once


@given(TEXTS)
def test_words_hold_no_space_no_capital_no_digit(text: str) -> None:
    for word in words(text):
        assert word == word.casefold()
        assert not any(character.isspace() or character.isdigit() for character in word)


@given(TEXTS)
def test_any_text_matches_itself(text: str) -> None:
    assert matches(text, text)


@given(st.lists(st.sampled_from(DIGITS), min_size=1, max_size=8), st.data())
def test_numerals_and_words_are_the_same(said: list[str], data: st.DataObject) -> None:
    spelled = [str(DIGITS.index(word)) if data.draw(st.booleans()) else word for word in said]
    assert matches(" ".join(said), " ".join(spelled))
    assert matches(" ".join(said), "".join(str(DIGITS.index(word)) for word in said))


@given(st.lists(st.sampled_from(DIGITS), min_size=1, max_size=5), st.lists(st.sampled_from(DIGITS), max_size=5))
def test_only_the_same_digits_in_the_same_order_match(said: list[str], heard: list[str]) -> None:
    assert matches(" ".join(said), " ".join(heard)) == (said == heard)


def test_the_normalizer_has_a_version() -> None:
    assert NORMALIZER == "runtimeprobe-words/1"
