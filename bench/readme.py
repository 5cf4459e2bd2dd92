"""Puts the last real table (matrix/latest.json) and the last figures (docs/figures.md) into README.md: `make docs`."""

from pathlib import Path

from bench.__main__ import FIGURES
from runtimeprobe.publish import markdown, reading
from runtimeprobe.results import decode

ROOT = Path(__file__).resolve().parents[1]


def between(page: str, name: str, text: str) -> str:
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    return page[: page.index(begin) + len(begin)] + f"\n{text.strip()}\n" + page[page.index(end) :]


def main() -> None:
    latest = ROOT / "matrix" / "latest.json"
    # Engines quote the model's path in their errors; where this checkout lies is nobody's business.
    latest.write_bytes(latest.read_bytes().replace(f"{ROOT}/src".encode(), b"..."))
    table = markdown.render(decode(latest.read_bytes()))
    readme = ROOT / "README.md"
    page = between(readme.read_text(encoding="utf-8"), "table", table)
    if FIGURES.exists():
        figures = FIGURES.read_text(encoding="utf-8").partition("<!--")
        page = between(page, "figures", "".join(figures[1:]).replace("<!-- ", "<!-- figure "))
    readme.write_text(page, encoding="utf-8")
    edition, _ = reading.edition(ROOT / "matrix", "")
    (ROOT / "matrix" / "README.md").write_text(markdown.page(edition), encoding="utf-8")


if __name__ == "__main__":
    main()
