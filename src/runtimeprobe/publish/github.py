"""For a GitHub Actions run: a step summary under its size limit, and annotations for what got worse.

Limits: 1 MiB of summary per step, 10 annotations of a kind per step
(docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands; github.com/orgs/community/discussions/26680).
"""

from collections.abc import Iterable, Sequence

from runtimeprobe.history.model import Change, Kind
from runtimeprobe.publish import markdown
from runtimeprobe.publish.edition import Edition, digest
from runtimeprobe.publish.interface import Output, Place, safe
from runtimeprobe.publish.news import sentence, subject
from runtimeprobe.publish.words import glance
from runtimeprobe.results import Cell, Verdict

MOST_BYTES = 1024 * 1024 - 4096
MOST_LINES = 10  # annotations of one level
LEVELS = {
    Kind.REGRESSED: "error",
    Kind.BROKEN: "error",
    Kind.GONE: "warning",
    Kind.FLAKY: "warning",
    Kind.STALE: "warning",
    Kind.FIXED: "notice",
    Kind.IMPROVED: "notice",
}
CUT = "\n\n(cut: the whole is in the published site)\n"


def outputs(edition: Edition) -> Iterable[Output]:
    made_from = digest(edition.matrix, edition.news)
    yield Output("", made_from, lambda: summary(edition), Place.SUMMARY)
    yield Output("", made_from, lambda: "".join(f"{line}\n" for line in annotations(edition)).encode(), Place.LOG)


def current(edition: Edition) -> Sequence[Change]:
    """What the newest run changed."""
    return tuple(change for change in edition.news if change.when >= edition.matrix.created)


def summary(edition: Edition) -> bytes:
    changes = [f"- **{change.kind}** {markdown.escaped(sentence(change))}" for change in current(edition)]
    parts = ["## Who really hears", "", *(changes or ["Nothing changed."]), "", markdown.render(edition.matrix), ""]
    return cut("\n".join(parts).encode("utf-8", "replace"), MOST_BYTES)


def cut(data: bytes, room: int) -> bytes:
    """At a line's end, with a word about it; nothing where not even that has room."""
    if len(data) <= room:
        return data
    kept = data[: max(0, room - len(CUT))]
    return kept[: kept.rfind(b"\n") + 1] + CUT.encode() if room >= len(CUT) else b""


def annotations(edition: Edition) -> list[str]:
    """Workflow commands: changes of this run; claims that are not kept, where there is nothing yet to compare with; what crashed."""
    found: dict[str, list[str]] = {"error": [], "warning": [], "notice": []}
    for change in current(edition):
        level = LEVELS.get(change.kind)
        if level:
            found[level].append(command(level, f"{change.kind}: {change.key.engine}", sentence(change)))
    if len(edition.runs) < 2:
        found["warning"] += [unkept(edition, cell) for cell in edition.matrix.cells if glance(cell).broken]
    found["error"] += [
        command("error", f"crashed: {cell.engine}", f"{cell.engine} {cell.route} {cell.model}: {cell.reason}")
        for cell in edition.matrix.cells
        if cell.verdict is Verdict.CRASHED
    ]
    return [line for lines in found.values() for line in lines[:MOST_LINES]]


def unkept(edition: Edition, cell: Cell) -> str:
    track = edition.track(cell)
    what = subject(track.key, cell.engine_version) if track else f"{cell.engine} {cell.engine_version}: {cell.model} {cell.route}"
    return command("warning", f"claimed, not kept: {cell.engine}", f"{what} is {cell.verdict}: {cell.reason}")


def command(level: str, title: str, text: str) -> str:
    """`::level title=...::text`, escaped as actions/toolkit does (packages/core/src/command.ts)."""
    return f"::{level} title={in_property(safe(title, 120))}::{in_data(safe(text, 500))}"


def in_data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def in_property(text: str) -> str:
    return in_data(text).replace(":", "%3A").replace(",", "%2C")
