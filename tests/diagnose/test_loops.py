"""A loop is seen; a list, a table or a refrain is not one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimeprobe.diagnose.loops import LEAST_REPEATS, find_loop


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("---\n" * 20, "line cycle"),
        ("-" * 100, "constant text"),
        ("own " * 20, "word cycle"),
        ("three nine " * 10, "phrase cycle"),
        ("Sure! The answer is " + "one two three. " * 8, "phrase cycle"),
        ("| :--- | :--- |\n" * 30, "line cycle"),
        ("no no no no", None),
        ("three nine", None),
        ("", None),
        ("seven seven seven seven seven", None),
        ("| a | b |\n| :--- | :--- |\n| 1 | 2 |\n| 3 | 4 |\n", None),
        ("Row, row, row your boat,\nGently down the stream,\nMerrily, merrily, merrily, merrily,\nLife is but a dream.", None),
    ],
)
def test_class_of_loop(text: str, kind: str | None) -> None:
    assert find_loop(text) == kind


@given(st.text(alphabet="abc \n", min_size=1, max_size=30), st.integers(12, 40), st.text(alphabet="xyz", max_size=200))
def test_a_unit_repeated_often_enough_is_a_loop_whatever_stands_before(unit: str, times: int, before: str) -> None:
    text = before + unit * times
    if len((unit * times).rstrip()) >= max(32, LEAST_REPEATS * len(unit)) and unit.strip():
        assert find_loop(text) is not None
