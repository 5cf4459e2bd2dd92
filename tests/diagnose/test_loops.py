"""A loop is seen and named; a list, a table or a refrain is not one."""

import pytest

from runtimeprobe.diagnose.loops import Detector, Kind, Loop, find_loop


def counted(form: str, times: int, first: int = 1) -> str:
    return "".join(form.format(number) for number in range(first, first + times))


CALL = '<|tool_call>call:weather{city:<|"|>Rome<|"|>}<tool_call|>'
LOOPS = {
    "the report that started it": ("---\n" * 60, Kind.LINES),
    "a rule without end": ("-" * 600, Kind.CONSTANT),
    "one letter": ("Aa" + "a" * 600, Kind.CONSTANT),
    "blank lines": ("The end.\n" + "\n" * 300, Kind.CONSTANT),
    "own own own": ("own " * 40, Kind.WORDS),
    "a transcript again and again": ("three nine " * 12, Kind.WORDS),
    "a sentence": ("Sure! The answer is " + "one two three. " * 16, Kind.WORDS),
    "table rows": ("| :--- | :--- |\n" * 60, Kind.LINES),
    "a line of code": ("def f():\n" + "    return self.value\n" * 40, Kind.LINES),
    "lines in turn": ("I am here.\nYou are there.\n" * 20, Kind.PARAGRAPHS),
    "<unused49>": ("Hello<unused49>" + "<unused49>" * 20, Kind.RESERVED),
    "padding": ("[multimodal]" * 20, Kind.RESERVED),
    "reserved tokens in no order": ("".join(f"<unused{n * 7 % 99}><pad>" for n in range(40)), Kind.RESERVED),
    "one item, counted": (counted("{}. Pikachu\n", 150), Kind.ENUMERATION),
    "three items in turn, counted": ("".join(f"{n}. {('Abra', 'Bulbasaur', 'Charizard')[n % 3]}\n" for n in range(200)), Kind.ENUMERATION),
    "counted within a line": (counted("item {}, ", 200), Kind.ENUMERATION),
    "one call": (CALL * 8, Kind.CALLS),
    "one call in JSON": ('{"name": "weather", "arguments": {"city": "Rome"}}\n' * 8, Kind.CALLS),
    "one call between other words": ("".join(f"Let me look {n * n}. {CALL}" for n in range(8)), Kind.CALLS),
}

ANSWERS = {
    "nothing": "",
    "two words": "three nine",
    "five times seven": "seven seven seven seven seven",
    "laughter": "He said: " + "ha " * 12 + "and left.",
    "a wide table": "| a " * 24 + "|\n" + "| :--- " * 24 + "|\n" + "| 1 " * 24 + "|\n",
    "a rule": "Title\n" + "=" * 200 + "\nText",
    "an empty board": (". . . . . . . .\n" * 8),
    "a matrix of zeros": "[" + "[0, 0, 0, 0, 0, 0, 0, 0],\n" * 8 + "]",
    "a tenth of a kilobyte of zeros": "1" + "0" * 100,
    "digits of 1/7": "0." + "142857" * 40,
    "counting to a hundred": counted("{}\n", 100),
    "fifty different items": "".join(f"{n}. item {n * n} of {n * 31 % 17}\n" for n in range(50)),
    "99 bottles": "".join(f"{n} bottles of beer on the wall, {n} bottles of beer.\n" for n in range(99, 0, -1)),
    "sixteen registers": counted("    v{} = load(p);\n", 16),
    "DNA": "CAG" * 36,
    "a refrain": "Row, row, row your boat,\nGently down the stream,\nMerrily, merrily, merrily, merrily,\nLife is but a dream.\n" * 3,
    "parallel calls": "".join(f"<|tool_call>call:day{{n:{n}}}<tool_call|>" for n in range(8)),
    "a call tried again": CALL + "Timeout. " + CALL,
    "a list of reserved tokens in prose": "Gemma's markers are <pad>, <bos>, <unk>, <mask>, <unused0>, <unused1>, <|image>, <image|>.",
}


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_is_seen_and_named(name: str) -> None:
    text, kind = LOOPS[name]
    assert find_loop(text) == kind.value


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_no_loop(name: str) -> None:
    assert find_loop(ANSWERS[name]) is None


def followed(text: str, detector: Detector) -> Loop:
    loop = detector.feed(text) or detector.finish()
    assert loop is not None
    return loop


def test_start_and_period_are_where_the_cycle_is() -> None:
    before = "It begins as an answer does, with words that differ, and goes on for a while. "
    loop = followed(before + "no end " * 60, Detector())
    assert (loop.period, loop.confidence) == (7, "high")
    assert len(before) - 7 <= loop.start <= len(before)
    assert loop.start < loop.seen <= len(before) + 7 * 60


def test_a_long_period_is_found_although_its_parts_repeat_too() -> None:
    unit = "".join(f"row {n * n * n} of the table\n" + "-" * 70 + "\n" for n in range(20))
    assert followed(unit * 6, Detector()).period == len(unit)


def test_text_that_settles_into_a_shorter_period_is_measured_by_that() -> None:
    loop = followed("one line of code();\nand another_one();\n" * 3 + "one line of code();\n" * 60, Detector())
    assert loop.period == len("one line of code();\n")


def test_once_certain_the_answer_stays() -> None:
    detector = Detector()
    loop = detector.feed("own " * 100)
    assert loop is not None
    assert detector.feed(" and now for something else entirely") == loop
    assert detector.finish() == loop


def test_the_period_is_told_in_tokens_where_they_are_known() -> None:
    detector = Detector()
    for _ in range(60):
        detector.feed("---", (7243,))
        detector.feed("\n", (107,))
    assert detector.loop is not None
    assert (detector.loop.period, detector.loop.period_tokens) == (4, 2)


def test_tokens_without_text_are_reserved_tokens() -> None:
    detector = Detector()
    detector.feed("Hello", (9259,))
    loops = [detector.feed("", (258883,)) for _ in range(60)]
    assert loops[20] is None
    assert loops[-1] is not None
    assert (loops[-1].kind, loops[-1].period) == (Kind.RESERVED, 0)


def test_a_loop_in_thinking_is_endless_thinking() -> None:
    loop = followed("Wait, let me check that again.\n" * 40, Detector(thinking=True))
    assert (loop.kind, loop.confidence) == (Kind.THINKING, "high")
    assert loop.period > 0


def test_thinking_beyond_its_budget_is_endless_thinking() -> None:
    text = " ".join(str(n * n) for n in range(2000))
    assert Detector(thinking=True).feed(text) is None
    loop = followed(text, Detector(thinking=True, budget=1000))
    assert (loop.kind, loop.period, loop.confidence) == (Kind.THINKING, 0, "low")
    assert Detector(budget=1000).feed(text) is None, "a budget is for thinking alone"


def test_memory_does_not_grow_with_the_stream() -> None:
    detector = Detector()
    for n in range(100_000):
        detector.feed(f"{n * n} ", (n % 1000,))
    assert detector.loop is None
    assert len(detector._cycle.window) < 20_000
    assert len(detector._ends) < 20_000
    assert sum(map(len, detector._pending)) < 64
