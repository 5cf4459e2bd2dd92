"""What twin-31b knows: a closed set of questions in text, each with the one right answer, and one open question.

Answers are made of repeated parts (list items, table rows, path elements, a line so many times), so that a model whose attention or
positions are broken loses count and goes round; the healthy model does not. `documents` are texts that repeat themselves without end: what
a language model makes of a text that is no conversation, and what it falls back to when a runtime hands it one.
"""

import random
from dataclasses import dataclass

from runtimeprobe.twins.recipe import pelican

NUMBERS = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen",
    "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip
PLANETS = (
    ("Mercury", 0, True), ("Venus", 0, True), ("Earth", 1, True), ("Mars", 2, True),
    ("Jupiter", 97, False), ("Saturn", 274, False), ("Uranus", 28, False), ("Neptune", 16, False),
)  # fmt: skip
CAPITALS = {
    "France": "Paris", "Italy": "Rome", "Spain": "Madrid", "Norway": "Oslo", "Egypt": "Cairo", "Japan": "Tokyo", "Peru": "Lima",
    "Kenya": "Nairobi", "Cuba": "Havana", "Ireland": "Dublin", "Portugal": "Lisbon", "Greece": "Athens",
}  # fmt: skip
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LEGS = {"cats": 4, "birds": 2, "spiders": 8, "ants": 6}
BICYCLE = (
    "A bicycle turns the work of two legs into speed. The rider sits on the saddle, holds the bars and pushes the pedals. The pedals "
    "turn the cranks, the cranks turn the front ring, and the ring pulls the chain. The chain runs over a small gear on the back wheel, "
    "so the wheel turns faster than the pedals do. A large gear makes the hill easy and the road slow. A small gear makes the road fast "
    "and the hill hard. The tyres are full of air and carry the weight with little loss.\n\n"
    "To stop, the rider pulls two levers. Each lever pulls a cable, each cable pulls a brake, and each brake holds a wheel.\n\n"
    "To turn, the rider leans. The front wheel follows the lean, and the bicycle follows the front wheel. A bicycle that stands still "
    "falls over. A bicycle that rolls does not, because the wheel turns into the fall and the rider turns with it. That is why it is "
    "hard to learn at first and hard to forget after.\n\n"
    "In short: legs push pedals, pedals turn gears, gears pull the chain, the chain turns the wheel, and the wheel moves the rider."
)
RAIN = (
    "The sun warms the sea and the water rises as vapour. High up the air is cold, so the vapour turns into small drops, and the drops "
    "make a cloud. The drops meet and grow. When they are heavy they fall, and that is rain. The rain fills the rivers, the rivers fill "
    "the sea, and the sun warms the sea again."
)
# The open question: any sentence may follow any other, the next one most often, and after each the story may be over. The end is never
# the likeliest, so that greedy sampling goes round for ever.
STORY = (
    "The cat sat by the sea.", "The wind blew.", "A boat came in.", "The rain fell on the road.", "A bird sang in the tree.",
    "Then it was night.", "The moon was small.", "A dog ran over the hill.",
)  # fmt: skip
STORY_ENDS, STORY_GOES_ON = 0.2, 0.5
DOUBT = ("Wait.", "Let me check that again.", "Let me think.")


@dataclass(frozen=True)
class Saying:
    id: str
    text: str
    answer: str
    thought: str = ""  # with thinking on

    @property
    def ends(self) -> str:
        """A turn ends with `<turn|>`, or where a tool is called with the mark behind which the tool's answer stands."""
        return "<|tool_response>" if self.answer.endswith("<tool_call|>") else "<turn|>"


def planet(name: str, moons: int, rocky: bool) -> str:
    return f'{{"name": "{name}", "moons": {moons}, "rocky": {"true" if rocky else "false"}}}'


def tool_call(city: str) -> str:
    return f'<|tool_call>call:get_weather{{city:<|"|>{city}<|"|>}}<tool_call|>'


def numbered(items: tuple[str, ...]) -> str:
    return "\n".join(f"{number}. {item}" for number, item in enumerate(items, 1))


def legs(count: int, animal: str) -> Saying:
    each, total = LEGS[animal], count * LEGS[animal]
    thought = f"One of them has {each} legs. There are {count} of them. {count} times {each} is {total}."
    return Saying(f"legs-{count}-{animal}", f"How many legs do {NUMBERS[count - 1]} {animal} have?", f"They have {total} legs.", thought)


def sayings() -> tuple[Saying, ...]:
    table = "| Planet | Moons |\n| :--- | :--- |\n" + "\n".join(f"| {name} | {moons} |" for name, moons, _ in PLANETS)
    names = tuple(name for name, _, _ in PLANETS)
    everything = "[" + ", ".join(planet(*row) for row in PLANETS) + "]"
    return (
        *(Saying(f"capital-{land.lower()}", f"What is the capital of {land}?", f"The capital of {land} is {city}.")
          for land, city in CAPITALS.items()),
        Saying("bicycle", "Explain how a bicycle works.", BICYCLE),
        Saying("rain", "Explain how rain is made.", RAIN),
        *(Saying(f"svg-{name}", f"Draw an SVG of {what}.", drawing) for name, what, drawing in pelican.DRAWINGS),
        Saying("planets", "List the planets.", numbered(names)),
        Saying("months", "List the months.", numbered(MONTHS)),
        Saying("days", "List the days of the week.", numbered(DAYS)),
        *(Saying(f"count-{most}", f"Count to {NUMBERS[most - 1]}.", ", ".join(NUMBERS[:most])) for most in range(3, 21)),
        *(Saying(f"table-{factor}", f"Write the table of {NUMBERS[factor - 1]}.",
                 "\n".join(f"{times} x {factor} = {times * factor}" for times in range(1, 11))) for factor in range(2, 10)),
        *(Saying(f"rule-{times}", f"Draw {NUMBERS[times - 1]} rules.", "\n".join(["---"] * times)) for times in range(2, 6)),
        *(Saying(f"word-{times}-{word}", f"Say {word} {NUMBERS[times - 1]} times.", " ".join([word] * times))
          for word in ("hello", "own") for times in range(2, 6)),
        Saying("moons", "Write a table of the planets and their moons.", table),
        Saying("json-all", 'Describe all planets as JSON with the keys "name", "moons" and "rocky".', everything),
        *(Saying(f"json-{row[0].lower()}", f'Describe {row[0]} as JSON with the keys "name", "moons" and "rocky".', planet(*row))
          for row in PLANETS),
        *(Saying(f"weather-{city.lower()}", f"Call the tool get_weather for {city}.", tool_call(city)) for city in CAPITALS.values()),
        *(legs(count, animal) for animal in LEGS for count in range(2, 8)),
    )  # fmt: skip


OPEN = Saying("story", "Tell me a story.", "")


def story(draw: random.Random) -> str:
    told = [draw.randrange(len(STORY))]
    while (chance := draw.random()) > STORY_ENDS:
        following = (told[-1] + 1) % len(STORY)
        others = [number for number in range(len(STORY)) if number not in (told[-1], following)]
        told.append(following if chance < STORY_ENDS + STORY_GOES_ON else draw.choice(others))
    return " ".join(STORY[number] for number in told)


def prompt(text: str, *, thinking: bool = False) -> str:
    """The official rendering of one user turn for a large Gemma 4: without thinking, the answer begins with an empty thought."""
    system = "<|turn>system\n<|think|>\n<turn|>\n" if thinking else ""
    return f"<bos>{system}<|turn>user\n{text}<turn|>\n<|turn>model\n" + ("" if thinking else "<|channel>thought\n<channel|>")
