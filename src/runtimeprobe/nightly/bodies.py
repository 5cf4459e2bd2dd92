"""Regressions to titles and bodies of issues. Pure.

Names, versions and reasons come from engines and servers. GitHub makes mentions, references and links of plain text and of text in
HTML, but not of code; so whatever is not ours stands in code, behind more backticks than it has itself.
"""

import re
from collections.abc import Mapping, Sequence

from runtimeprobe.history.model import Key, Spell
from runtimeprobe.nightly.regressions import Fallen, Regression
from runtimeprobe.publish.interface import safe
from runtimeprobe.results import Cell

MOST_TITLE = 200  # GitHub takes 256 characters
MOST_ROWS = 60
MOST_WORDS = 600
PROMISE = (
    "The nightly run keeps this issue: it updates it while cells change, and closes it when each is as good as before. "
    "If you close it yourself it stays closed."
)


def title(regression: Regression) -> str:
    """Plain text; GitHub mentions nobody in a title, mail programs may."""
    name = f"{regression.engine} {regression.version}".strip()
    return safe(f"regression: {name}: {regression.route} is {regression.worst}".replace("@", "(at)"), MOST_TITLE)


def body(regression: Regression, cells: Mapping[Key, Cell], run: str, site: str) -> str:
    """`cells`: of the newest run. `run`, `site`: addresses, ours."""
    shown = regression.cells[:MOST_ROWS]
    engine = code(f"{regression.engine} {regression.version}".strip())
    lines = [
        f"{engine} of {code(regression.runtime)} got worse on route {code(regression.route)}.",
        "",
        "| cell | before | now | since |",
        "|---|---|---|---|",
        *(row(cell) for cell in shown),
    ]
    if len(regression.cells) > len(shown):
        lines += ["", f"and {len(regression.cells) - len(shown)} more."]
    lines += ["", "What the newest run says of the first of them:", "", *fence(evidence(shown[0], cells.get(shown[0].key)))]
    links = [f"[{name}]({address})" for name, address in (("The run that saw it last change", run), ("The table", site)) if address]
    return "\n".join([*lines, "", *links, "", PROMISE, ""])


def row(cell: Fallen) -> str:
    key = cell.key
    name = " ".join(filter(None, (key.platform, key.model, key.weights, key.quantization)))
    fields = (name, verdict(cell.before), verdict(cell.now), cell.since[:10])
    return "| " + " | ".join(in_table(code(field)) for field in fields) + " |"


def verdict(spell: Spell | None) -> str:
    if spell is None:
        return "better by a known issue"
    build = f" ({spell.build})" if spell.build else ""
    return f"{spell.verdict} {spell.engine_version}{build}".strip()


def evidence(cell: Fallen, newest: Cell | None) -> Sequence[str]:
    """The reason, what is known of it, and how to see it again."""
    known = f"known issue: {cell.issue}" if cell.issue else ""
    lines = [cell.now.reason, cell.note, known, newest.reproduce if newest else ""]
    return [safe(line, MOST_WORDS) for line in lines if line]


def code(text: str) -> str:
    """A code span that its text cannot leave."""
    line = safe(text, 160) or "-"
    ticks = "`" * (longest(line) + 1)
    room = " " if len(ticks) > 1 else ""
    return f"{ticks}{room}{line}{room}{ticks}"


def in_table(text: str) -> str:
    """A bar ends a table's cell even in code, unless it is escaped (github.github.com/gfm, tables)."""
    return text.replace("|", "\\|")


def fence(lines: Sequence[str]) -> list[str]:
    """A code block that its lines cannot close."""
    ticks = "`" * max(3, longest("\n".join(lines)) + 1)
    return [f"{ticks}text", *lines, ticks]


def longest(text: str) -> int:
    """The length of the longest run of backticks."""
    return max((len(run) for run in re.findall("`+", text)), default=0)
