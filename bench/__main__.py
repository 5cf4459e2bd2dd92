"""Runs the benchmarks named (all without a name) and writes what they print into docs/figures.md, each under the command that made it."""

import importlib
import sys
from pathlib import Path

NAMES = ("startup", "overhead", "sabotage", "hearing", "detector", "header", "fuzz", "servers", "faults", "timeline", "store", "publish")
FIGURES = Path(__file__).resolve().parents[1] / "docs" / "figures.md"


def section(name: str, text: str) -> str:
    return f"<!-- {name} -->\n`python -m bench {name}`\n\n{text.strip()}\n<!-- /{name} -->"


def replaced(page: str, name: str, text: str) -> str:
    """The page with that section's content exchanged, or added at its end."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if begin in page:
        return page[: page.index(begin)] + section(name, text) + page[page.index(end) + len(end) :]
    return f"{page.rstrip()}\n\n{section(name, text)}\n"


def main() -> None:
    names = sys.argv[1:] or NAMES
    for name in names:
        if name not in NAMES:
            sys.exit(f"no benchmark named {name!r}; there are: {', '.join(NAMES)}")
    for name in names:
        text = importlib.import_module(f"bench.{name}").run()
        print(f"== {name}\n{text}\n", flush=True)
        page = FIGURES.read_text(encoding="utf-8") if FIGURES.exists() else "# Figures\n\nWhat `make bench` printed last.\n"
        FIGURES.write_text(replaced(page, name, text), encoding="utf-8")


if __name__ == "__main__":
    main()
