"""A timeline for a terminal and as Markdown: one row per release, one column per model and route, and under it the story."""

import re
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from runtimeprobe.plan import NO_ROUTE
from runtimeprobe.publish.interface import SYMBOLS, safe
from runtimeprobe.publish.markdown import escaped
from runtimeprobe.publish.terminal import STYLES
from runtimeprobe.results import Cell, Verdict
from runtimeprobe.timeline.results import Change, Release, Side, Timeline, Track

NO_SUCH = "·"  # the release has no such route


def columns(timeline: Timeline) -> tuple[tuple[str, str], ...]:
    return tuple((track.model, track.route) for track in timeline.story)


def cells_of(timeline: Timeline) -> dict[str, dict[tuple[str, str], Cell]]:
    """version -> (model, route) -> cell."""
    found: dict[str, dict[tuple[str, str], Cell]] = {}
    for cell in timeline.cells:
        found.setdefault(cell.engine_version, {})[cell.model, cell.route] = cell
    return found


def unmeasured(cells: dict[tuple[str, str], Cell], model: str) -> Cell | None:
    """The cell that stands for a whole release that could not be measured."""
    return cells.get((model, NO_ROUTE))


def shown(timeline: Timeline) -> Iterator[tuple[Release, dict[tuple[str, str], Cell]]]:
    """Newest first, as a reader looks for it. Releases that bisecting left out are told in one line elsewhere."""
    cells = cells_of(timeline)
    for release in reversed(timeline.releases):
        if release.version in cells:
            yield release, cells[release.version]


def table(timeline: Timeline) -> Table:
    result = Table(title=Text(f"{safe(timeline.engine, 60)}, release by release"), title_justify="left", expand=False)
    for heading in ("release", "date", "build"):
        result.add_column(heading, no_wrap=True)
    for model, route in columns(timeline):
        result.add_column(Text(f"{safe(model, 40)}\n{safe(route, 60)}"), overflow="fold")
    for release, cells in shown(timeline):
        words = []
        for model, route in columns(timeline):
            cell = cells.get((model, route)) or unmeasured(cells, model)
            words.append(Text(f"{SYMBOLS[cell.verdict][0]} {cell.verdict}", style=STYLES[cell.verdict]) if cell else Text(NO_SUCH))
        result.add_row(Text(safe(release.version, 30)), Text(safe(release.date, 10)), Text(safe(release.build, 30)), *words)
    return result


def name(side: Side) -> str:
    """Such as "0.6.1 (2026-05-12, b9010)"."""
    told = ", ".join(filter(None, (side.date, side.build)))
    return safe(f"{side.version} ({told})" if told else side.version, 80)


def since(track: Track) -> str:
    """The first sentence of a track's story."""
    if track.now is None:
        return "not measured in any release"
    if track.first_heard is None:
        return f"heard in no release that was measured; now {track.now.verdict or 'absent'}"
    when = f"heard since {name(track.first_heard)}"
    if track.heard_before_that:
        when = f"heard in the first release that was measured, {name(track.first_heard)}"
    if track.now.verdict is Verdict.HEARD and any(change.before.verdict is Verdict.HEARD for change in track.changes):
        return f"{when}, but not in every release since"
    return when if track.now.verdict is Verdict.HEARD else f"{when}; now {track.now.verdict or 'absent'}"


def what_changed(change: Change) -> str:
    """One line: both sides, and the releases in between of which nothing is known."""
    before, after = change.before.verdict or "absent", change.after.verdict or "absent"
    missing = f", not measured in between: {', '.join(safe(version, 30) for version in change.between)}" if change.between else ""
    return f"{name(change.after)}: {before} became {after} (before: {name(change.before)}{missing})"


def reason(change: Change) -> str:
    """Why the worse side is worse, in the engine's own words."""
    worse = change.before if change.after.verdict is Verdict.HEARD else change.after
    return safe(worse.reason, 220) if worse.verdict is not Verdict.HEARD else ""


def grouped(timeline: Timeline) -> dict[tuple[str, tuple[str, ...]], list[Track]]:
    """Tracks with the same story are told once."""
    found: dict[tuple[str, tuple[str, ...]], list[Track]] = {}
    for track in timeline.story:
        found.setdefault((since(track), tuple(what_changed(change) for change in track.changes)), []).append(track)
    return found


def notes(timeline: Timeline) -> Iterator[str]:
    """What a reader must know of the rows."""
    cells = cells_of(timeline)
    for release in timeline.releases:
        gone = next((cell for (_, route), cell in cells.get(release.version, {}).items() if route == NO_ROUTE), None)
        if gone:
            yield f"{safe(release.version, 30)}: {gone.verdict}: {safe(gone.reason, 300)}"
        elif release.note and release.version in cells:
            yield f"{safe(release.version, 30)}: {safe(release.note)}"
    for line in dict.fromkeys(told.told for told in timeline.partings):
        yield safe(line, 300)
    for low, high in timeline.assumed:
        yield f"from {safe(low, 30)} to {safe(high, 30)}: taken to be alike, since both ends are (--every measures each)"


def again(timeline: Timeline) -> str:
    """The command of any row, for the terminal; Markdown and JSON hold it for each."""
    example = next((release.reproduce for release in reversed(timeline.releases) if release.reproduce), "")
    newest = timeline.releases[-1].version if timeline.releases else ""
    return example.replace(newest, "VERSION") if newest and "--only" in example else example


def legend(timeline: Timeline) -> Iterator[tuple[Verdict, str]]:
    for verdict in Verdict:
        if any(cell.verdict is verdict for cell in timeline.cells):
            yield verdict, SYMBOLS[verdict][1]


def render(timeline: Timeline, console: Console) -> None:
    console.print(table(timeline))
    for verdict, meaning in legend(timeline):
        line = Text(f"{SYMBOLS[verdict][0]} {verdict}", style=STYLES[verdict])
        console.print(line.append(f"  {meaning}", style="not bold default"), soft_wrap=True)
    for tracks in grouped(timeline).values():
        first = tracks[0]
        console.print(
            Text("\n" + "; ".join(f"{safe(track.model, 40)} {safe(track.route, 60)}" for track in tracks), style="bold"), soft_wrap=True
        )
        console.print(Text(f"  {since(first)}"), soft_wrap=True)
        for change in first.changes:
            console.print(Text(f"  {what_changed(change)}"), soft_wrap=True)
            guessed = "" if change.known else f"guess: {safe(change.guess, 400)}"
            details = (reason(change), guessed, change.compare, *(f"{safe(title, 200)}: {address}" for address, title in change.known))
            for detail in filter(None, details):
                console.print(Text(f"      {safe(detail, 400)}", style="dim"), soft_wrap=True)
    for note in notes(timeline):
        console.print(Text(f"  note: {note}", style="yellow"), soft_wrap=True)
    console.print(Text(f"\nAny row again: {again(timeline)}"), soft_wrap=True)
    if not timeline.complete:
        console.print(Text("interrupted: this is what was measured until then", style="bold yellow"))


def told(timeline: Timeline, *, brief: bool = False) -> list[str]:
    """The story as a Markdown list; in brief, without the engines' words, guesses and notes."""
    lines = []
    for tracks in grouped(timeline).values():
        first = tracks[0]
        which = "; ".join(f"{escaped(safe(track.model, 40))} {escaped(safe(track.route, 60))}" for track in tracks)
        lines.append(f"- **{which}**: {escaped(since(first))}.")
        for change in first.changes:
            links = [link("changes", change.compare), *(link(title, address) for address, title in change.known)]
            guessed = "" if change.known else f"Guess: {escaped(safe(change.guess, 400))}"
            parts = [escaped(what_changed(change)), *([] if brief else [escaped(reason(change)), guessed]), *links]
            lines.append("  - " + ". ".join(part.rstrip(".") for part in parts if part) + ".")
    return lines if brief else [*lines, *(f"- {escaped(line)}" for line in notes(timeline))]


def link(title: str, address: str) -> str:
    """A Markdown link, only to where a browser goes by https and by nothing that could end it."""
    if not re.fullmatch(r"https://[\w./:@?&=+#%~,!$;-]{1,500}", address, re.ASCII):
        return ""
    return f"[{escaped(safe(title, 120))}]({address})"


def code(text: str) -> str:
    """A code span in a table's cell that holds whatever the text holds."""
    line = safe(text, 2000)
    fence = "`" * (max((len(run) for run in re.findall(r"`+", line)), default=0) + 1)
    edge = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{edge}{line}{edge}{fence}".replace("|", "\\|")


def rows(timeline: Timeline) -> list[str]:
    """One line per release, as a Markdown table."""
    heads = [
        "release",
        "date",
        "build",
        *(f"{escaped(safe(model, 40))}<br>{escaped(safe(route, 60))}" for model, route in columns(timeline)),
    ]
    lines = ["| " + " | ".join([*heads, "again"]) + " |", "|---" * (len(heads) + 1) + "|"]
    for release, cells in shown(timeline):
        words = []
        for model, route in columns(timeline):
            cell = cells.get((model, route)) or unmeasured(cells, model)
            words.append(f"{SYMBOLS[cell.verdict][0]} {cell.verdict}" if cell else NO_SUCH)
        facts = [escaped(safe(text, 30)) for text in (release.version, release.date, release.build)]
        lines.append("| " + " | ".join([*facts, *words, f"{code(release.reproduce)}"]) + " |")
    return lines


def markdown(timeline: Timeline) -> str:
    """For a README or an issue."""
    host = timeline.host
    where = escaped(safe(f"{host.os}, {host.arch}, {host.cpu}", 120))
    return "\n".join([*rows(timeline), "", *told(timeline), "", f"Measured {timeline.created[:10]} on {where}, Python {host.python}.", ""])
