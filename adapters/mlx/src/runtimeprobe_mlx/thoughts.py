"""Takes Gemma 4's thinking out of an answer in which the engine left it."""

OPENS, CLOSES = "<|channel>", "<channel|>"
NAME = "thought"


def split(text: str) -> tuple[str, str]:
    """(answer, thinking). A thought that was not closed, because the budget ran out, is all thinking."""
    answer, thinking = "", ""
    rest = text
    while True:
        before, opened, after = rest.partition(OPENS)
        answer += before
        if not opened:
            return answer, thinking.strip()
        thought, _, rest = after.partition(CLOSES)
        thinking += thought.removeprefix(NAME) + "\n"
