"""The drawings that twin-31b knows, the pelican on a bicycle first. Plain text of regular shape, as a model writes SVG."""


def line(x1: int, y1: int, x2: int, y2: int) -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>'


def circle(x: int, y: int, radius: int) -> str:
    return f'<circle cx="{x}" cy="{y}" r="{radius}"/>'


def path(*points: tuple[int, int]) -> str:
    first, *rest = points
    return f'<path d="M{first[0]} {first[1]}' + "".join(f" L{x} {y}" for x, y in rest) + ' Z"/>'


def svg(*shapes: str) -> str:
    return "\n".join(['<svg viewBox="0 0 99 99">', *shapes, "</svg>"])


DRAWINGS = (
    (
        "pelican",
        "a pelican on a bicycle",
        svg(
            circle(24, 78, 16), circle(74, 78, 16), line(24, 78, 42, 56), line(42, 56, 66, 56), line(66, 56, 74, 78), line(42, 56, 50, 78),
            path((36, 50), (40, 34), (58, 34), (62, 50)), circle(60, 24, 7), path((66, 22), (92, 30), (66, 30)),
        ),
    ),
    ("house", "a house", svg(path((20, 50), (50, 20), (80, 50)), path((28, 50), (28, 90), (72, 90), (72, 50)), line(50, 90, 50, 70))),
    ("sun", "the sun", svg(circle(50, 50, 20), line(50, 5, 50, 20), line(50, 80, 50, 95), line(5, 50, 20, 50), line(80, 50, 95, 50))),
    ("boat", "a boat", svg(path((20, 70), (80, 70), (70, 85), (30, 85)), line(50, 70, 50, 20), path((50, 20), (75, 60), (50, 60)))),
)  # fmt: skip
