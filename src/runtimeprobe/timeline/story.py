"""Rows to a story: since when each route hears, and between which releases the verdict changed. Pure."""

import itertools
import re
from collections.abc import Callable, Sequence

from runtimeprobe.contract import Releases
from runtimeprobe.history import known as history
from runtimeprobe.plan import NO_ROUTE
from runtimeprobe.results import NOT_EVALUATED, Cell, Verdict
from runtimeprobe.timeline.results import Change, Release, Row, Side, Track

Known = Callable[[Side, Side], tuple[tuple[str, str], ...]]
NAMED = 4  # packages of an environment that are named in a guess


def nothing_known(_before: Side, _after: Side) -> tuple[tuple[str, str], ...]:
    return ()


def what_is_known(issues: history.Known, engine: str) -> Known:
    """Upstream changes on the way from one side to the other, and upstream issues about either."""
    titles = {issue.url: issue.title for issue in issues.issues}

    def told(before: Side, after: Side) -> tuple[tuple[str, str], ...]:
        changes = [(change.url, change.title) for change in issues.between(engine, before, after)]
        return tuple(dict(changes + [(url, titles[url]) for side in (before, after) for url in side.issues if url in titles]).items())

    return told


def story(rows: Sequence[Row], how: Releases, known: Known = nothing_known) -> tuple[Track, ...]:
    """One track per model and route, in the order in which they first appear. `rows`: oldest first, measured or not."""
    keys = dict.fromkeys((cell.model, cell.route) for row in rows for cell in row.cells if cell.route != NO_ROUTE)
    return tuple(track(rows, model, route, how, known) for model, route in sorted(keys, key=lambda key: key[0]))


def track(rows: Sequence[Row], model: str, route: str, how: Releases, known: Known) -> Track:
    seen = [(position, found) for position, row in enumerate(rows) if (found := side(row, model, route)) is not None]
    first = next((number for number, (_, found) in enumerate(seen) if found.verdict is Verdict.HEARD), None)
    changes = [change(rows, left, right, how, known) for left, right in itertools.pairwise(seen) if left[1].verdict is not right[1].verdict]
    return Track(
        model=model,
        route=route,
        first_heard=None if first is None else seen[first][1],
        heard_before_that=first == 0,
        now=seen[-1][1] if seen else None,
        changes=tuple(changes),
    )


def side(row: Row, model: str, route: str) -> Side | None:
    """What the release does there; None where that was not measured. An engine that is too old for the model is `skipped`, and said."""
    cell = next((item for item in row.cells if (item.model, item.route) == (model, route)), None)
    if cell is None:
        others = [item for item in row.cells if item.model == model and item.route != NO_ROUTE and item.verdict not in NOT_EVALUATED]
        return at(row.release, None) if others else None
    return None if cell.verdict is Verdict.ERROR else at(row.release, cell)


def at(release: Release, cell: Cell | None) -> Side:
    return Side(
        version=release.version,
        date=release.date,
        build=release.build or (cell.build if cell else ""),
        verdict=cell.verdict if cell else None,
        reason=cell.reason if cell else "it has no such route",
        issues=cell.issues if cell else (),
    )


def change(rows: Sequence[Row], left: tuple[int, Side], right: tuple[int, Side], how: Releases, known: Known) -> Change:
    (start, before), (end, after) = left, right
    old, new = rows[start].release.packages, rows[end].release.packages
    also = {
        name: (old.get(name, ""), new.get(name, ""))
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name) and name.casefold() != how.package.casefold()
    }
    named = known(before, after)
    return Change(
        before=before,
        after=after,
        between=tuple(row.release.version for row in rows[start + 1 : end]),
        also=also,
        compare=compare(how, before, after),
        known=named,
        guess=guess(named, also, how, f"{before.reason} {after.reason}"),
    )


def compare(how: Releases, before: Side, after: Side) -> str:
    """The address of the upstream's changes; "" where the adapter does not know one. What a server called its build is no address."""
    if not how.compare:
        return ""
    ends = [found.build.removeprefix("b") if how.upstream_build else found.version for found in (before, after)]
    if not all(re.fullmatch(r"[\w.+!-]{1,60}", end, re.ASCII) for end in ends):
        return ""
    return how.compare.format(before=ends[0], after=ends[1])


def guess(named: tuple[tuple[str, str], ...], also: dict[str, tuple[str, str]], how: Releases, reasons: str) -> str:
    """Who it was, as far as the releases' own metadata and words tell."""
    if named:
        return "; ".join(title for _, title in named)
    if not also:
        return "the engine itself: no other package of its environment changed"
    close = {requirement.partition("[")[0].casefold() for requirement in how.beside}

    def unlikely(name: str) -> tuple[bool, bool, bool, str]:
        """First what the engine's words name, then what came or went, then what it stands on."""
        mentioned = re.search(rf"\b{re.escape(name)}\b", reasons, re.IGNORECASE) is not None
        return not mentioned, all(also[name]), name.casefold() not in close, name

    first = sorted(also, key=unlikely)
    said = ", ".join(f"{name} {also[name][0] or 'absent'} to {also[name][1] or 'absent'}" for name in first[:NAMED])
    more = f" and {len(also) - NAMED} more" if len(also) > NAMED else ""
    return f"the engine, or a package that changed with it: {said}{more}"
