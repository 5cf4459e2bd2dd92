"""Puts the last real table (matrix/latest.json) and the last figures (docs/figures.md) into README.md: `make docs`."""

from pathlib import Path

import msgspec

from bench.__main__ import FIGURES
from runtimeprobe.publish import markdown, reading, timeline
from runtimeprobe.results import decode
from runtimeprobe.timeline.results import Timeline

ROOT = Path(__file__).resolve().parents[1]


def between(page: str, name: str, text: str) -> str:
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    return page[: page.index(begin) + len(begin)] + f"\n{text.strip()}\n" + page[page.index(end) :]


def timelines(page: str) -> str:
    """The stories of matrix/timelines/*.json into the page; the tables under them into matrix/timelines/README.md."""
    folder = ROOT / "matrix" / "timelines"
    found = [msgspec.json.decode(file.read_bytes(), type=Timeline) for file in sorted(folder.glob("*.json"))]
    whole = ["# Release by release", "", "Made by `make timelines`; what it means: [docs/timeline.md](../../docs/timeline.md).", ""]
    short = []
    for item in found:
        command = f"`runtimeprobe timeline {item.engine}{' --bisect' if item.method == 'bisect' else ''}`"
        whole += [f"## {item.engine}", "", command, "", timeline.markdown(item)]
        probed = len({cell.engine_version for cell in item.cells})
        first, last = item.releases[0], item.releases[-1]
        short += [
            f"{command}: {probed} of {len(item.releases)} releases from {first.version} ({first.date}) to {last.version} ({last.date})",
            "",
        ]
        short += [*timeline.told(item, brief=True), ""]
    (folder / "README.md").write_text("\n".join(whole), encoding="utf-8")
    return between(page, "timelines", "\n".join(short))


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
    readme.write_text(timelines(page), encoding="utf-8")
    edition, _ = reading.edition(ROOT / "matrix", "")
    (ROOT / "matrix" / "README.md").write_text(markdown.page(edition), encoding="utf-8")


if __name__ == "__main__":
    main()
