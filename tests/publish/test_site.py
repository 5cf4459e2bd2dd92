"""The pages as text: the policy holds for what stands in them, they are small, and nothing points elsewhere."""

import base64
import hashlib
import itertools
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from runtimeprobe.publish import reading, site
from runtimeprobe.publish.edition import Edition
from runtimeprobe.publish.site import lanes, strip
from runtimeprobe.results import Verdict
from tests.publish import made


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    edition, _ = reading.edition(made.store(tmp_path_factory.mktemp("store"), hostile=True), "")
    return {item.path: item.content().decode() for item in site.outputs(edition) if item.path.endswith(".html")}


class Parsed(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids += [found["id"] or ""] if "id" in found else []
        self.links += [str(found[name]) for name in ("href", "src") if name in found]
        self.attributes |= set(found)


def test_the_policy_names_the_digests_of_what_stands_in_the_page(pages: dict[str, str]) -> None:
    for text in pages.values():
        policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
        assert policy
        rules = policy[1].replace("&#39;", "'")
        assert rules.startswith("default-src 'none'")
        assert "unsafe" not in rules
        for tag, rule in (("style", "style-src"), ("script", "script-src")):
            allowed = re.search(rf"{rule} ([^;]*)", rules)
            assert allowed
            for body in re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL):
                digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
                assert f"'sha256-{digest}'" in allowed[1]


def test_no_handler_no_inline_style_no_address_elsewhere(pages: dict[str, str]) -> None:
    for text in pages.values():
        parsed = Parsed(text)
        assert not [name for name in parsed.attributes if name.startswith("on") or name == "style"]
        assert all(re.match(r"(#|\?|https://|[\w.-]+(/[\w.-]+)*(\.html|\.json|\.xml|\.wav)(#|$))", link) for link in parsed.links)


def test_ids_are_unique_and_every_link_within_the_site_arrives(pages: dict[str, str]) -> None:
    ids = {name: Parsed(text).ids for name, text in pages.items()}
    for name, text in pages.items():
        assert len(set(ids[name])) == len(ids[name])
        for link in Parsed(text).links:
            page, _, anchor = link.partition("#")
            if (page.endswith(".html") or not page) and anchor and "?" not in page:
                assert anchor in ids[page or name], link


def test_a_page_for_twenty_engines_is_light() -> None:
    """Before data: the table alone, without the evidence."""
    cells = [
        made.cell(verdict, engine=f"engine-{number}", route=route, model=model)
        for number in range(20)
        for route, verdict in (
            ("chat.input_audio", Verdict.HEARD),
            ("chat.image_url", Verdict.IGNORED),
            ("audio.transcriptions", Verdict.REJECTED),
        )
        for model in ("gemma-4-e2b", "gemma-4-e4b")
    ]
    text = next(item for item in site.outputs(Edition(made.matrix(0, *cells))) if item.path == "index.html").content().decode()
    assert len(re.sub(r"<article.*</article>", "", text, flags=re.DOTALL).encode()) < 300_000


def test_two_cells_of_one_key_have_an_address_each() -> None:
    cells = (made.cell(Verdict.HEARD), made.cell(Verdict.GARBLED))
    text = next(item for item in site.outputs(Edition(made.matrix(0, *cells))) if item.path == "index.html").content().decode()
    ids = [name for name in Parsed(text).ids if name.startswith("linux-x86_64/")]
    assert len(set(ids)) == 2
    assert text.count("because it is garbled") == 1


def test_an_answer_of_a_megabyte_is_cut(pages: dict[str, str]) -> None:
    assert all(len(text) < 600_000 for text in pages.values())
    assert "word word" in pages["engine-hostile.html"]


def test_an_unchanged_store_has_unchanged_digests(tmp_path: Path) -> None:
    edition, _ = reading.edition(made.store(tmp_path), "")
    again, _ = reading.edition(tmp_path, "")
    assert [(item.path, item.made_from) for item in site.outputs(edition)] == [(item.path, item.made_from) for item in site.outputs(again)]


def test_a_skipped_cell_says_what_was_known_and_calls_it_old() -> None:
    import msgspec

    from runtimeprobe.history.model import History, Key, Spell, Track
    from runtimeprobe.publish.site.panel import measured_before

    cell = made.cell(Verdict.SKIPPED)
    spells = tuple(
        Spell(first=day, last=day, engine_version="0.9", verdict=verdict)
        for day, verdict in (("2026-09-01T00:00:00Z", Verdict.HEARD), ("2026-10-01T00:00:00Z", Verdict.SKIPPED))
    )
    edition = Edition(made.matrix(9, cell), History(tracks=(Track(key=Key.of(cell), spells=spells),)))
    assert measured_before(edition, cell) == "Last measured 2026-09-01 with version 0.9: heard."
    assert measured_before(edition, msgspec.structs.replace(cell, verdict=Verdict.HEARD)) == ""
    text = next(item for item in site.outputs(edition) if item.path == "index.html").content().decode()
    assert "stale: last measured 2026-09-01" in text


def test_a_strip_says_in_height_what_it_says_in_colour() -> None:
    assert set(strip.SHARES) == set(Verdict)
    assert list(strip.SHARES.values()) == sorted(strip.SHARES.values(), reverse=True)


def test_releases_stand_by_date_and_never_on_each_other() -> None:
    timeline = made.timeline()
    view = lanes.view(timeline)
    xs = [mark["x"] for mark in view["lanes"][0]["marks"]]
    assert all(right - left >= lanes.STEP for left, right in itertools.pairwise(xs))
    assert [row["version"] for row in view["table"]] == [item.version for item in reversed(timeline.releases)]


def test_a_timeline_without_dates_or_story_is_drawn_too() -> None:
    import msgspec

    from runtimeprobe.timeline.results import Release

    bare = msgspec.structs.replace(made.timeline(), releases=(Release(version="0.7.4"),), story=())
    view = lanes.view(bare)
    assert view["count"] == 8
    assert view["story"] == []
    edition = Edition(made.matrix(), None, (bare,))
    assert all(item.content() for item in site.outputs(edition))
