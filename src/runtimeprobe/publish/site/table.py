"""The grid of the site: engines and their routes down, models across, one chip per cell."""

from collections.abc import Callable, Sequence

from runtimeprobe.history.model import Change, Kind
from runtimeprobe.plan import NO_ROUTE
from runtimeprobe.publish.edition import Edition, days
from runtimeprobe.publish.interface import SYMBOLS, columns, safe
from runtimeprobe.publish.naming import file_name
from runtimeprobe.publish.words import Glance, glance
from runtimeprobe.results import NOT_EVALUATED, Cell, Struct, Verdict

STALE_DAYS = 14  # older than the newest run by more than that is marked
RECENT_DAYS = 14  # a change of that age is told in the table
TOLD = (Kind.REGRESSED, Kind.BROKEN, Kind.FLAKY, Kind.IMPROVED)


class Column(Struct, frozen=True, kw_only=True):
    model: str
    weights: str
    first_real: bool

    @property
    def label(self) -> str:
        return f"{self.model} ({self.weights})"


class Chip(Struct, frozen=True, kw_only=True):
    verdict: str
    symbol: str
    glance: Glance
    measured: bool
    href: str
    more: str = ""
    known: str = ""  # when it was measured, if not in the newest run
    change: str = ""
    quantization: str = ""


class Row(Struct, frozen=True, kw_only=True):
    label: str
    platform: str
    chips: tuple[tuple[Chip, ...], ...]  # by column


class Group(Struct, frozen=True, kw_only=True):
    """One engine."""

    runtime: str
    engine: str
    version: str
    device: str
    page: str
    evaluated: bool
    measured: str
    stale: str
    rows: tuple[Row, ...]


class Table(Struct, frozen=True, kw_only=True):
    columns: tuple[Column, ...]
    tops: tuple[tuple[str, int], ...]
    groups: tuple[Group, ...]
    platforms: tuple[str, ...]


def engine_page(engine: str) -> str:
    return f"engine-{file_name(engine)}.html"


def table(edition: Edition, engines: dict[str, list[Cell]], href: Callable[[Cell], str]) -> Table:
    """`href`: where a cell's evidence is, seen from the page that the table is for."""
    cells = [cell for group in engines.values() for cell in group]
    keys = columns(cells)
    twins = sum(weights == "twin" for _, weights in keys)
    shown = tuple(
        Column(model=safe(model, 60), weights=safe(weights, 20), first_real=bool(number == twins and twins))
        for number, (model, weights) in enumerate(keys)
    )
    spans = {weights: sum(other == weights for _, other in keys) for _, weights in keys}
    recent = {change.key.slug: change for change in reversed(edition.changes) if days(change.when, edition.matrix.created) <= RECENT_DAYS}
    return Table(
        columns=shown,
        tops=tuple((safe(weights, 20), span) for weights, span in spans.items()),
        groups=tuple(group(edition, engine, own, keys, href, recent) for engine, own in engines.items()),
        platforms=tuple(sorted({safe(cell.platform, 40) for cell in cells if cell.platform})),
    )


def group(
    edition: Edition,
    engine: str,
    cells: Sequence[Cell],
    keys: Sequence[tuple[str, str]],
    href: Callable[[Cell], str],
    recent: dict[str, Change],
) -> Group:
    evaluated = any(cell.verdict not in NOT_EVALUATED for cell in cells)
    versions = list(dict.fromkeys(cell.engine_version for cell in cells if cell.engine_version))
    devices = list(dict.fromkeys(cell.device for cell in cells if cell.device))
    rows: dict[tuple[str, str, str], list[Cell]] = {}
    for cell in cells:
        rows.setdefault((cell.route, cell.platform, cell.engine_version if len(versions) > 1 else ""), []).append(cell)
    return Group(
        runtime=safe(cells[0].runtime, 60),
        engine=safe(engine, 60),
        version=safe(versions[0], 60) if len(versions) == 1 else "",
        device=safe(", ".join(devices), 60),
        page=engine_page(engine),
        evaluated=evaluated,
        measured=max(edition.created(cell) for cell in cells)[:10],
        stale=stale(edition, cells),
        rows=tuple(
            Row(
                label=label(route, version, own),
                platform=safe(platform, 40),
                chips=tuple(tuple(chip(edition, cell, href, recent) for cell in own if (cell.model, cell.weights) == key) for key in keys),
            )
            for (route, platform, version), own in rows.items()
        ),
    )


def label(route: str, version: str, cells: Sequence[Cell]) -> str:
    """The route, or why there is none to name."""
    if route == NO_ROUTE and all(cell.verdict is Verdict.SKIPPED for cell in cells):
        return safe(cells[0].reason, 60)
    return safe(f"{route} ({version})" if version else route, 60)


def chip(edition: Edition, cell: Cell, href: Callable[[Cell], str], recent: dict[str, Change]) -> Chip:
    change = recent.get(edition.slug(cell))
    measured = cell.verdict not in NOT_EVALUATED
    partly = cell.pass_rate is not None and 0 < cell.pass_rate < 1
    return Chip(
        verdict=cell.verdict.value,
        symbol=SYMBOLS[cell.verdict][0],
        glance=glance(cell),
        measured=measured,
        href=href(cell),
        more=f"heard in {cell.pass_rate:.0%} of attempts" if partly else "",
        known=known(edition, cell),
        change=f"{change.kind} {change.when[:10]}" if change and change.kind in TOLD else "",
        quantization=safe(cell.quantization, 30) if cell.weights != "twin" else "",
    )


def known(edition: Edition, cell: Cell) -> str:
    """The date of a cell of an earlier run; the last verdict of one that the newest run could not measure."""
    if cell.verdict not in NOT_EVALUATED:
        return edition.created(cell)[:10] if id(cell) in edition.dated else ""
    spell = edition.last_measured(cell)
    return f"{spell.last[:10]}: {spell.verdict}" if spell else ""


def stale(edition: Edition, cells: Sequence[Cell]) -> str:
    """The day of the last measurement, if that is long before the newest run."""
    spells = [spell for spell in map(edition.last_measured, cells) if spell]
    last = max((spell.last for spell in spells), default="")
    return last[:10] if last and days(last, edition.matrix.created) > STALE_DAYS else ""
