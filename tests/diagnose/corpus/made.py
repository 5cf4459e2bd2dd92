"""Clean texts that repeat themselves as far as an answer may: made by rule, for what real files hold too seldom."""

import json
import random
from collections.abc import Callable, Iterator

from tests.diagnose.corpus.store import Entry, Half

Make = Callable[[random.Random], str]
PER_MAKER = 14  # entries, half of them held out
WORDS = [
    "river",
    "stone",
    "lamp",
    "copper",
    "winter",
    "engine",
    "garden",
    "letter",
    "silver",
    "thunder",
    "apple",
    "window",
    "harbour",
    "pencil",
    "cloud",
    "market",
    "bridge",
    "candle",
    "forest",
]
DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def word(rng: random.Random) -> str:
    return rng.choice(WORDS)


def sentence(rng: random.Random) -> str:
    return " ".join(word(rng) for _ in range(rng.randint(4, 12))).capitalize() + "."


def around(rng: random.Random, middle: str) -> str:
    """The middle as part of an answer."""
    return f"{sentence(rng)} {sentence(rng)}\n\n{middle}\n\n{sentence(rng)} {sentence(rng)}\n"


def table(rng: random.Random) -> str:
    columns, rows = rng.choice([2, 3, 5, 8, 12, 16, 24]), rng.randint(2, 12)
    rule = rng.choice([":---", "---", ":---:", "----------"])

    def row(cells: list[str]) -> str:
        return "| " + " | ".join(cells) + " |"

    body = [row([rng.choice([word(rng), "yes", "no", "0", "-"]) for _ in range(columns)]) for _ in range(rows)]
    return around(rng, "\n".join([row([word(rng) for _ in range(columns)]), row([rule] * columns), *body]))


def dashed_table(rng: random.Random) -> str:
    """A row of dashes: nothing was measured yet."""
    columns = rng.randint(3, 8)
    rows = [f"| {word(rng)} |" + " - |" * columns for _ in range(rng.randint(4, 14))]
    return around(rng, "\n".join(rows))


def rules(rng: random.Random) -> str:
    sign = rng.choice("-=~*_#─")
    return "\n".join(f"{sign * rng.randint(20, 200)}\n{sentence(rng)}" for _ in range(rng.randint(2, 6)))


def board(rng: random.Random) -> str:
    size = rng.choice([3, 8, 9, 10, 15])
    cell = rng.choice([". ", "| ", "[ ] ", "#", "□ ", "0 "])
    return around(rng, "\n".join([(cell * size).rstrip()] * size))


def grid(rng: random.Random) -> str:
    across, down = rng.randint(3, 9), rng.randint(3, 9)
    border = "+---" * across + "+\n"
    return around(rng, border + ("|   " * across + "|\n" + border) * down)


def zeros(rng: random.Random) -> str:
    rows, columns = rng.randint(2, 16), rng.randint(2, 16)
    return around(rng, "[" + ",\n ".join("[" + ", ".join(["0"] * columns) + "]" for _ in range(rows)) + "]")


def missing(rng: random.Random) -> str:
    columns = rng.randint(2, 8)
    value = rng.choice(["NaN", "null", "None", "N/A", "0.0"])
    return "\n".join(f"{row},{word(rng)}" + f",{value}" * columns for row in range(rng.randint(5, 40)))


def digits_of(rng: random.Random) -> str:
    return around(rng, "0." + rng.choice(["142857", "3", "09", "6", "012345679"]) * rng.randint(10, 40))


def zero_digits(rng: random.Random) -> str:
    return around(rng, "1" + "0" * rng.choice([12, 50, 100, 100, 200, 300]))


def spoken(rng: random.Random) -> str:
    """What a twin may rightly answer."""
    return " ".join([rng.choice(DIGITS)] * rng.randint(1, 5))


def sounds(rng: random.Random) -> str:
    sound = rng.choice(["ha ", "ho ", "la ", "na ", "beep ", "tick tock ", "zzz", "a", "no ", "blah "])
    return around(rng, f"He said: {sound * rng.randint(3, 16)}")


def dna(rng: random.Random) -> str:
    repeat = rng.choice(["CAG", "GGGGCC", "TTAGGG", "CA"]) * rng.randint(10, 40)
    flank = "".join(rng.choice("ACGT") for _ in range(rng.randint(50, 200)))
    return f">sample\n{flank}{repeat}{flank[::-1]}"


def equal_objects(rng: random.Random) -> str:
    item = rng.choice([{"x": 0, "y": 0}, {"name": "", "value": None}, {"id": 0, "done": False, "title": "new"}])
    return json.dumps([item] * rng.randint(3, 14), indent=rng.choice([None, 2]))


def equal_paths(rng: random.Random) -> str:
    path = f'  <path d="M10 {rng.randint(1, 90)} L90 50" stroke="black" fill="none"/>'
    wheels = [f'  <circle cx="{20 * n}" cy="80" r="10"/>' for n in range(rng.randint(3, 14))]
    return '<svg viewBox="0 0 100 100">\n' + "\n".join([path] * rng.randint(2, 8) + wheels + [path] * 2) + "\n</svg>"


def constant_columns(rng: random.Random) -> str:
    rest = ",".join(word(rng) for _ in range(rng.randint(1, 6)))
    return "id,a,b\n" + "\n".join(f"{rng.randint(0, 10**6)},{rest}" for _ in range(rng.randint(10, 80)))


def long_list(rng: random.Random) -> str:
    return "\n".join(f"{number}. {word(rng).capitalize()} {word(rng)}" for number in range(1, rng.randint(60, 250)))


def bullets(rng: random.Random) -> str:
    return "\n".join(f"- {sentence(rng)}" for _ in range(rng.randint(20, 80)))


def counting(rng: random.Random) -> str:
    between = rng.choice([", ", "\n", " "])
    return between.join(map(str, range(1, rng.choice([20, 50, 100, 300, 1000]) + 1)))


def sheep(rng: random.Random) -> str:
    name = rng.choice(["sheep", "item", "Step", "line"])
    return "\n".join(f"{name} {number}" for number in range(1, rng.choice([10, 20, 30, 50])))


def bottles(rng: random.Random) -> str:
    verse = "{0} bottles of beer on the wall, {0} bottles of beer.\nTake one down and pass it around, {1} bottles of beer on the wall.\n"
    return "\n".join(verse.format(number, number - 1) for number in range(rng.choice([10, 20, 40, 99]), 1, -1))


def gifts(rng: random.Random) -> str:
    names = rng.sample(WORDS, 12)
    verses = (
        "\n".join([f"On day {day} of winter my true love gave to me", *(f"a {name}" for name in reversed(names[:day]))])
        for day in range(1, 13)
    )
    return "\n\n".join(verses)


def refrain(rng: random.Random) -> str:
    """Verses of two new lines and a refrain that is said two to four times."""
    chorus = rng.choice(
        [
            "Row, row, row your boat,\nGently down the stream,\nMerrily, merrily, merrily, merrily,\nLife is but a dream.",
            "Frère Jacques, Frère Jacques,\nDormez-vous? Dormez-vous?\nSonnez les matines! Sonnez les matines!",
            "London Bridge is falling down,\nFalling down, falling down,\nLondon Bridge is falling down,\nMy fair lady.",
            "for his mercy endureth for ever.",
            "Quoth the Raven “Nevermore.”",
            "E-I-E-I-O!",
        ]
    )
    verses = (f"{sentence(rng)}\n{sentence(rng)}\n" + "\n".join([chorus] * rng.randint(1, 4)) for _ in range(rng.randint(3, 9)))
    return "\n\n".join(verses)


def times_table(rng: random.Random) -> str:
    by = rng.randint(2, 12)
    return "\n".join(f"{number} x {by} = {number * by}" for number in range(1, rng.randint(11, 31)))


def blank_lines(rng: random.Random) -> str:
    blank = rng.choice(["\n", "\t\n", "    \n", "        \n"])
    return "\n".join(f"def {word(rng)}():{blank * rng.randint(2, 9)}\treturn {number}" for number in range(rng.randint(3, 12)))


def tool_calls(rng: random.Random) -> str:
    """Calls in parallel, each with arguments of its own; at most one is tried again."""
    calls = [f'<|tool_call>call:weather{{city:<|"|>{word(rng)}<|"|>,day:{day}}}<tool_call|>' for day in range(rng.randint(2, 7))]
    return "".join(calls + calls[-1:])


def json_calls(rng: random.Random) -> str:
    calls = [{"name": "read", "arguments": {"path": f"{word(rng)}/{number}.txt"}} for number in range(rng.randint(2, 10))]
    return "\n".join(json.dumps(call) for call in calls + calls[-1:])


def second_thoughts(rng: random.Random) -> str:
    return "\n\n".join(f"{rng.choice(['Wait,', 'Hmm,', 'Let me check:', 'So'])} {sentence(rng).lower()}" for _ in range(rng.randint(5, 25)))


def registers(rng: random.Random) -> str:
    """Code that counts: what a list that never ends looks like, but it ends."""
    count = rng.choice([8, 16, 16, 32])
    line = rng.choice(
        ["    v{0} = load(p + {0});", "#define REG_{0} (BASE + {0})", "    case {0}: return table[{0}];", "  pin{0}: gpio@{0},"]
    )
    return "{\n" + "\n".join(line.format(number) for number in range(count)) + "\n}"


def bits(rng: random.Random) -> str:
    return around(rng, " ".join(f"{rng.choice([0, 0, 0, 255, 1]):08b}" for _ in range(rng.randint(8, 60))))


def progress(rng: random.Random) -> str:
    return "\n".join(f"[{'#' * done}{'.' * (50 - done)}] {2 * done}%" for done in range(0, 51, rng.choice([2, 5, 10])))


MAKERS: dict[str, Make] = {
    "Markdown table": table,
    "table of dashes": dashed_table,
    "long rule": rules,
    "empty board": board,
    "ASCII grid": grid,
    "matrix of zeros": zeros,
    "CSV without values": missing,
    "periodic digits": digits_of,
    "power of ten": zero_digits,
    "spoken digits": spoken,
    "onomatopoeia": sounds,
    "DNA": dna,
    "equal JSON objects": equal_objects,
    "SVG with equal elements": equal_paths,
    "CSV with constant columns": constant_columns,
    "long list": long_list,
    "bulleted list": bullets,
    "counting": counting,
    "counted sheep": sheep,
    "counting song": bottles,
    "cumulative song": gifts,
    "refrain": refrain,
    "times table": times_table,
    "blank lines": blank_lines,
    "parallel tool calls": tool_calls,
    "parallel JSON calls": json_calls,
    "second thoughts": second_thoughts,
    "counted code": registers,
    "bit patterns": bits,
    "progress bar": progress,
}


def entries(seed: int) -> Iterator[Entry]:
    for family, make in MAKERS.items():
        rng = random.Random(f"{seed} {family}")
        for number in range(PER_MAKER):
            half: Half = "held out" if number % 2 else "tune"
            yield Entry(text=make(rng), family=family, half=half, thinking=make is second_thoughts)
