"""Sees that an answer ends in a verbatim cycle. Linear in the text, whatever the text is."""

LOOKED_AT = 4000  # characters at the end of an answer
LEAST_REPEATS = 6  # "seven seven seven seven seven" is an answer
LONG_PERIOD = 24  # characters; text as long as this is not said three times in a row by chance
LEAST_CHARACTERS = 32


def find_loop(text: str) -> str | None:
    """The class of the loop that `text` ends in: constant text, word, line or phrase cycle. None if it does not loop."""
    tail = text.rstrip()[-LOOKED_AT:]
    if len(tail) < LEAST_CHARACTERS:
        return None
    period, covered = cycle(tail[::-1])
    if period == 0:
        return None
    unit = tail[-period:]
    if "\n" in tail[-covered:]:
        return "line cycle"
    if len(set(unit.strip())) <= 1:
        return "constant text"
    return "word cycle" if len(unit.split()) <= 1 else "phrase cycle"


def cycle(text: str) -> tuple[int, int]:
    """The period with which `text` begins, and how many characters repeat with it; (0, 0) if too few do.

    The border table of Knuth, Morris and Pratt: a prefix of length n with longest border b has period n - b.
    """
    border = [0] * len(text)
    best = (0, 0)
    for end in range(1, len(text)):
        width = border[end - 1]
        while width and text[width] != text[end]:
            width = border[width - 1]
        border[end] = width + (text[width] == text[end])
        period, covered = end + 1 - border[end], end + 1
        repeats = 3 if period >= LONG_PERIOD else LEAST_REPEATS
        if covered >= max(repeats * period, LEAST_CHARACTERS):
            best = (period, covered)
    return best
