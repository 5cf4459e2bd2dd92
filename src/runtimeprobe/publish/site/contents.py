"""What stands on which page, and from what each page is made."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, partial
from typing import Any

import msgspec

from runtimeprobe.audio import clips
from runtimeprobe.history.model import Change, Track
from runtimeprobe.publish.edition import Edition, digest
from runtimeprobe.publish.interface import Output, safe
from runtimeprobe.publish.naming import file_name, https
from runtimeprobe.publish.news import sentence
from runtimeprobe.publish.site import lanes, pages, panel
from runtimeprobe.publish.site.table import engine_page, table
from runtimeprobe.publish.words import glance
from runtimeprobe.results import NOT_EVALUATED, Cell, Struct, Verdict, encode
from runtimeprobe.timeline.results import Timeline

WHOLE_BYTES = 400_000  # up to so much evidence stands on the first page; more is on the engines' pages
NEWEST = 12  # changes on the first page
TIMELINES = 6  # drawn on the first page; more are on the engines' pages
HEADING = "Who really hears Gemma 4?"
SUMMARY = (
    "Which local runtimes let Gemma 4 E2B and E4B hear: llama.cpp, Ollama, LM Studio, MLX and others, each given real sound and judged by "
    "what comes back, not by what it claims."
)


class Field(Struct, frozen=True, kw_only=True):
    """One filter."""

    name: str
    label: str
    options: tuple[tuple[str, str], ...]


class Site:
    def __init__(self, edition: Edition) -> None:
        self.edition = edition
        order = list(edition.engines)
        known = sorted(edition.timelines, key=lambda item: order.index(item.engine) if item.engine in order else len(order))
        self.timelines = {timeline.engine: timeline for timeline in known}
        self._sections: dict[str, str] = {}

    def outputs(self) -> Iterator[Output]:
        edition, made_by = self.edition, pages.made_by()
        tracks: dict[str, list[Track]] = {}
        for track in edition.history:
            tracks.setdefault(track.key.engine, []).append(track)
        spells = {engine: digest(own) for engine, own in tracks.items()}
        cells = {engine: digest(own, [edition.created(cell) for cell in own]) for engine, own in edition.engines.items()}
        timelines = {engine: digest(timeline) for engine, timeline in self.timelines.items()}
        about = digest(made_by, edition.address, msgspec.structs.replace(edition.matrix, cells=()), bool(edition.runs), edition.problems)
        yield Output("index.html", digest(about, spells, cells, timelines, edition.news[:NEWEST], list(edition.months)), self.home)
        for engine, own in edition.engines.items():
            mine = [change for change in edition.news if change.key.engine == engine][:NEWEST]
            made_from = digest(about, cells[engine], spells.get(engine), timelines.get(engine), mine)
            yield Output(engine_page(engine), made_from, self.engine_maker(engine, own, mine))
        for engine, known in tracks.items():
            yield Output(panel.history_file(engine), spells[engine], partial(spells_of, known))
        for month, changes in edition.months.items():
            yield Output(f"changes-{month}.html", digest(made_by, changes, list(self.by_slug)), self.month_maker(month, changes))
        yield Output("data/latest.json", digest(about, cells), lambda: encode(edition.matrix))
        if edition.runs:
            yield Output("data/history.json", digest(edition.runs), encoder(edition.runs))
        for engine, timeline in self.timelines.items():
            yield Output(timeline_file(timeline), timelines[engine], encoder(timeline))
        for clip in self.clips:
            yield Output(f"clips/{clip.path.name}", clip.sha256, clip.path.read_bytes)

    # pages

    def home(self) -> bytes:
        edition = self.edition
        sections = [self.section(cell) for cell in edition.cells]
        whole = sum(map(len, sections)) <= WHOLE_BYTES
        drawn = [lanes.view(timeline) for timeline in self.timelines.values()] if len(self.timelines) <= TIMELINES else []

        def href(cell: Cell) -> str:
            return f"{'' if whole else engine_page(cell.engine)}#{edition.slug(cell)}"

        return self.page(
            edition.engines,
            href,
            home=True,
            title=f"{HEADING} Audio in llama.cpp, Ollama, MLX and LM Studio, measured",
            heading=HEADING,
            summary=SUMMARY,
            table_heading="The table",
            address=edition.address,
            sections=sections if whole else [],
            timelines=drawn,
            timeline_links=[] if drawn else [self.timeline_link(timeline) for timeline in self.timelines.values()],
            changes=[self.shown(change, href) for change in edition.news[:NEWEST]],
            months=tuple(edition.months),
            formats=edition.matrix.formats,
            clips=self.clips,
            data=["data/latest.json", *(["data/history.json"] if edition.runs else [])],
        )

    def engine_maker(self, engine: str, cells: list[Cell], changes: Sequence[Change]) -> Callable[[], bytes]:
        def make() -> bytes:
            edition, timeline = self.edition, self.timelines.get(engine)
            name = safe(engine, 60)

            def href(cell: Cell) -> str:
                return f"#{edition.slug(cell)}"

            heard = sum(cell.verdict is Verdict.HEARD for cell in cells)
            measured = sum(cell.verdict not in NOT_EVALUATED for cell in cells)
            models = " and ".join(sorted({safe(cell.model, 40) for cell in cells}))
            what = f"{heard} of {measured} routes and models heard" if measured else f"not measured: {safe(cells[0].reason, 120)}"
            return self.page(
                {engine: cells},
                href,
                home=False,
                title=f"{name}: does it really hear? Audio with {models}, measured",
                heading=f"{name} {safe(cells[0].engine_version, 40)}".strip(),
                summary=f"Does {name} ({safe(cells[0].runtime, 40)}) let {models} hear? {what[0].upper()}{what[1:]}.",
                table_heading="Routes and models",
                address=edition.at(engine_page(engine)),
                sections=[self.section(cell) for cell in cells],
                timelines=[lanes.view(timeline)] if timeline else [],
                timeline_links=[],
                changes=[self.shown(change, href) for change in changes],
                months=(),
                formats=[item for item in edition.matrix.formats if item.engine == engine],
                clips=[],
                data=["data/latest.json", *([panel.history_file(engine)] if edition.runs else [])],
            )

        return make

    def month_maker(self, month: str, changes: Sequence[Change]) -> Callable[[], bytes]:
        def make() -> bytes:
            shown = [self.shown(change, lambda cell: f"{engine_page(cell.engine)}#{self.edition.slug(cell)}") for change in changes]
            return pages.page("changes.html.j2", month=month, changes=shown)

        return make

    def page(self, engines: dict[str, list[Cell]], href: Callable[[Cell], str], **given: Any) -> bytes:
        edition = self.edition
        cells = [cell for own in engines.values() for cell in own]
        measured = [cell for cell in cells if cell.verdict not in NOT_EVALUATED]
        made = table(edition, engines, href)
        host = edition.matrix.host
        manifest = clips.load_manifest()
        values = {
            "engines": len({cell.engine for cell in measured}),
            "heard": sum(cell.verdict is Verdict.HEARD for cell in measured),
            "measured": len(measured),
            "broken": sum(glance(cell).broken for cell in measured),
            "table": made,
            "filters": fields(cells),
            "host": safe(f"{host.os}, {host.arch}, {host.cpu}{f', {host.gpu}' if host.gpu else ''}", 160),
            "problems": safe("; ".join(edition.problems), 400),
            "no_change": "Nothing has changed since the first run." if edition.runs else "No history yet: this is the first run.",
            "synthesizer": safe(manifest.synthesizer, 80),
            "clip_licence": safe(manifest.licence, 40),
        }
        return pages.page("page.html.j2", page=values | given, edition=edition)

    # parts of pages

    def section(self, cell: Cell) -> str:
        """Rendered once, though it stands on two pages."""
        slug = self.edition.slug(cell)
        if slug not in self._sections:
            self._sections[slug] = pages.section()(panel.view(self.edition, cell, len(self._sections)))
        return self._sections[slug]

    def shown(self, change: Change, href: Callable[[Cell], str]) -> dict[str, str]:
        cell = self.by_slug.get(change.key.slug)
        return {
            "when": change.when,
            "kind": change.kind,
            "text": sentence(change),
            "href": href(cell) if cell else "",
            "issue": https(change.issue),
        }

    @cached_property
    def by_slug(self) -> dict[str, Cell]:
        return {self.edition.slug(cell): cell for cell in self.edition.cells}

    @cached_property
    def clips(self) -> list[clips.Clip]:
        """The recordings that some cell shows."""
        used: dict[str, clips.Clip] = {}
        for cell in self.edition.cells:
            chosen = panel.clips_of(self.edition, cell)
            if chosen:
                used |= {clip.path.name: clip for clip in (clips.pair(cell.weights, 0).a, chosen.a, chosen.b, chosen.silence)}
        return list(used.values())

    def timeline_link(self, timeline: Timeline) -> dict[str, str]:
        told = lanes.story(timeline)
        page = engine_page(timeline.engine) if timeline.engine in self.edition.engines else timeline_file(timeline)
        return {
            "engine": safe(timeline.engine, 60),
            "href": page,
            "what": f"{told[0]['who']}: {told[0]['since']}" if told else f"{len(timeline.releases)} releases",
        }


def timeline_file(timeline: Timeline) -> str:
    return f"data/timelines/{file_name(timeline.engine)}.json"


def spells_of(tracks: Sequence[Track]) -> bytes:
    """Every spell of an engine's cells, oldest first, a row each: a year of a busy engine is large enough."""
    names = ("first", "last", "runs", "engine_version", "build", "verdict", "attempts", "passes")
    cells = {track.key.slug: [[getattr(spell, name) for name in names] for spell in track.spells] for track in tracks}
    return msgspec.json.encode({"fields": names, "cells": cells})


def encoder(value: Any) -> Callable[[], bytes]:
    return lambda: msgspec.json.encode(value)


def fields(cells: Iterable[Cell]) -> tuple[Field, ...]:
    """Filters, with no more choices than there are."""
    cells = tuple(cells)
    counts = Counter(cell.verdict for cell in cells)
    verdicts = [(verdict.value, verdict.value) for verdict in Verdict if counts[verdict]]
    if any(glance(cell).broken for cell in cells):
        verdicts.append(("broken", "claimed, not kept"))

    def names(values: Iterable[str]) -> tuple[tuple[str, str], ...]:
        return tuple((value, value) for value in sorted({safe(value, 60) for value in values if value}))

    made = (
        Field(name="runtime", label="runtime", options=names(cell.runtime for cell in cells)),
        Field(name="model", label="model", options=names(cell.model for cell in cells)),
        Field(name="verdict", label="verdict", options=tuple(verdicts)),
        Field(name="weights", label="weights", options=names(cell.weights for cell in cells)),
        Field(name="platform", label="platform", options=names(cell.platform for cell in cells)),
    )
    return tuple(field for field in made if len(field.options) > 1)
