"""Feed, JUnit, badges, Markdown, GitHub: well-formed whatever a model said, and the same words for the same thing."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtimeprobe.history.model import Change, History, Key, Kind, Spell
from runtimeprobe.history.store import Store
from runtimeprobe.publish import badges, feed, formats, github, junit, markdown, reading
from runtimeprobe.publish.edition import Edition
from runtimeprobe.publish.interface import SYMBOLS, Place
from runtimeprobe.publish.naming import file_name, https
from runtimeprobe.publish.words import PLAIN, glance
from runtimeprobe.results import Verdict
from tests.publish import made

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture(scope="module")
def edition(tmp_path_factory: pytest.TempPathFactory) -> Edition:
    found, problems = reading.edition(made.store(tmp_path_factory.mktemp("store"), hostile=True), "")
    assert problems == ()
    return found


def parsed(data: bytes) -> ET.Element:
    return ET.fromstring(data)  # noqa: S314 (our own output)


def at(edition: Edition, address: str) -> Edition:
    """The same, published there."""
    return Edition(edition.matrix, History(runs=edition.runs, tracks=edition.history, changes=edition.changes), (), address)


def change(kind: Kind, note: str = "") -> Change:
    key = Key(platform="linux-x86_64", runtime="MLX", engine="mlx-vlm", route="generate.audio", model="gemma-4-e4b", weights="twin")
    spells = [
        Spell(first=day, last=day, engine_version=version, verdict=verdict)
        for day, version, verdict in (
            ("2026-10-07T02:17:00Z", "0.7.10", Verdict.HEARD),
            ("2026-10-10T02:17:00Z", "0.7.11", Verdict.GARBLED),
        )
    ]
    return Change(key=key, kind=kind, when="2026-10-10T02:17:00Z", before=spells[0], after=spells[1], note=note)


def test_the_feed_says_what_regressed_with_an_id_that_stays(edition: Edition) -> None:
    root = parsed(feed.render(edition, edition.news))
    entries = {entry.findtext(f"{ATOM}title", ""): entry for entry in root.iter(f"{ATOM}entry")}
    title = "mlx-vlm 0.7.11: E4B generate.audio on macos-arm64 regressed from heard to garbled (was 0.7.10)"
    assert title in entries
    moved = parsed(feed.render(at(edition, "https://example.org/site/"), edition.news))
    ids = [[entry.findtext(f"{ATOM}id") for entry in tree.iter(f"{ATOM}entry")] for tree in (root, moved)]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == len(ids[0])


def test_the_feed_links_only_where_it_was_told_where_it_will_be(edition: Edition) -> None:
    alone = feed.render(edition, edition.news)
    assert b'rel="alternate"' not in alone
    root = parsed(feed.render(at(edition, "https://example.org/site/"), edition.news))
    links = [link.get("href", "") for link in root.iter(f"{ATOM}link") if link.get("rel") != "related"]
    assert len(links) > 2
    assert all(link.startswith("https://example.org/site/") for link in links)


def test_every_entry_is_what_atom_demands(edition: Edition) -> None:
    root = parsed(feed.render(edition, edition.news))
    for node in (root, *root.iter(f"{ATOM}entry")):
        assert node.findtext(f"{ATOM}id", "").startswith("urn:uuid:")
        assert node.findtext(f"{ATOM}title")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", node.findtext(f"{ATOM}updated", ""))


def test_junit_counts_what_it_holds_and_only_heard_passes(edition: Edition) -> None:
    root = parsed(junit.render(edition))
    cases = list(root.iter("testcase"))
    assert int(root.get("tests", "")) == len(cases) == len(edition.matrix.cells)
    for count, name in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(root.get(count, "")) == sum(case.find(name) is not None for case in cases) > 0
    passed = [case for case in cases if not any(case.find(name) is not None for name in ("failure", "error", "skipped"))]
    assert len(passed) == sum(cell.verdict is Verdict.HEARD for cell in edition.matrix.cells)
    assert set(junit.OUTCOMES) == set(Verdict) - {Verdict.HEARD}


@settings(deadline=None, max_examples=60)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_no_text_breaks_the_xml(text: str) -> None:
    cell = msgspec.structs.replace(made.cell(Verdict.FAILED, engine=text or "e", route=text, reason=text), stderr=text, fix=text)
    shown = Edition(made.matrix(0, cell), History(changes=(change(Kind.REGRESSED, note=text),)))
    parsed(junit.render(shown))
    parsed(feed.render(shown, shown.news))


def test_badges_are_what_shields_reads(edition: Edition) -> None:
    schema = {
        "type": "object", "additionalProperties": False, "required": ["schemaVersion", "label", "message", "color"],
        "properties": {
            "schemaVersion": {"const": 1}, "label": {"type": "string", "minLength": 1}, "message": {"type": "string", "minLength": 1},
            "color": {"enum": ["brightgreen", "green", "yellow", "orange", "red", "blueviolet", "lightgrey"]},
        },
    }  # fmt: skip
    found = {item.path: json.loads(item.content()) for item in badges.outputs(edition)}
    for badge in found.values():
        jsonschema.validate(badge, schema)
    assert found["badges/ollama/gemma-4-e2b-twin.json"]["message"] == "failed"
    assert found["badges/mlx/gemma-4-e4b-twin.json"] == {
        "schemaVersion": 1,
        "label": "MLX gemma-4-e4b (twin)",
        "message": "garbled",
        "color": "yellow",
    }
    assert found["badges/lm-studio/gemma-4-e2b-twin.json"]["message"] == "not measured"
    assert found["badges/llama.cpp/gemma-4-e4b-real.json"]["message"] == "heard through 1 of 2"


def test_the_stores_page_holds_every_platform_and_quantization_and_what_changed(tmp_path: Path) -> None:
    page = markdown.page(reading.edition(made.store(tmp_path), "")[0])
    assert "| chat.input\\_audio | macos-arm64 | ✔ heard |" in page
    assert "≈ garbled Q4\\_K\\_M; ✔ heard Q8\\_0" in page
    assert "**regressed** mlx-vlm 0.7.11: E4B generate.audio" in page


def test_hostile_words_stay_inside_their_place_in_markdown(edition: Edition) -> None:
    page = markdown.page(edition)
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1
    assert not re.search(r"<(script|img|style|b)\b", page)
    assert not re.search(r"(?<!\\)\]\(", page)
    assert not set("\x1b\x00\u202e\u2066") & set(page)


def test_annotations_cannot_be_forged_and_are_few(edition: Edition) -> None:
    lines = github.annotations(edition)
    assert lines
    for line in lines:
        assert re.fullmatch(r"::(error|warning|notice) title=[^:,\r\n]*::[^\r\n]*", line)
    for text in made.HOSTILE[:-1]:
        forged = github.command("error", text, text)
        assert len(forged.splitlines()) == 1
        assert re.fullmatch(r"::error title=[^:,]*::(?!error).*", forged) or text.startswith("::")
        assert "%0A" not in forged.replace("%250A", "")
    many = Edition(made.matrix(9, *[made.cell(Verdict.CRASHED, route=f"r{number}") for number in range(40)]))
    assert sum(line.startswith("::error") for line in github.annotations(many)) == github.MOST_LINES


def test_what_regressed_in_this_run_is_an_error() -> None:
    found = Edition(made.matrix(9), History(changes=(change(Kind.REGRESSED),)))
    assert any(line.startswith("::error title=regressed%3A mlx-vlm::mlx-vlm 0.7.11: E4B") for line in github.annotations(found))
    old = Edition(made.matrix(12), History(changes=(change(Kind.REGRESSED),)))
    assert not any("regressed" in line for line in github.annotations(old))


def test_the_summary_is_cut_below_githubs_limit() -> None:
    cells = [
        made.cell(Verdict.IGNORED, engine=f"engine-{number}", route="r" * 50, reason="x" * 290 + str(number)) for number in range(4000)
    ]
    data = github.summary(Edition(made.matrix(0, *cells)))
    assert len(data) <= 1024 * 1024
    assert data.decode().endswith(github.CUT)


def test_what_the_step_wrote_before_counts_too() -> None:
    data = b"line\n" * 1000
    assert github.cut(data, 5000) == data
    assert len(github.cut(data, 4000)) <= 4000
    assert github.cut(data, 4000).endswith(b"line\n" + github.CUT.encode())
    assert github.cut(data, 3) == b""


def weekly(folder: Path) -> Edition:
    """Twins every night, published weights on the first alone."""
    kept = Store(folder)
    kept.add(made.matrix(0, *made.cells()))
    for night in (1, 2):
        kept.add(made.matrix(night, *[cell for cell in made.cells() if cell.weights == "twin"]))
    return reading.edition(folder, "")[0]


def test_what_is_measured_once_a_week_stays_with_its_own_date(tmp_path: Path) -> None:
    edition = weekly(tmp_path)
    assert sorted(item.cell.quantization for item in edition.earlier) == ["Q4_K_M", "Q8_0"]
    assert {item.created for item in edition.earlier} == {"2026-10-01T02:17:00Z"}
    assert "≈ garbled Q4\\_K\\_M (2026-10-01); ✔ heard Q8\\_0 (2026-10-01)" in markdown.page(edition)
    assert "real" not in junit.render(edition).decode()
    assert any(item.path == "badges/llama.cpp/gemma-4-e4b-real.json" for item in badges.outputs(edition))
    pages = {item.path: item.content().decode() for item in formats.load("html").outputs(edition) if item.path.endswith(".html")}
    assert "<small>2026-10-01</small>" in pages["index.html"]
    assert "<dt>measured</dt><dd>2026-10-01T02:17:00Z</dd>" in pages["engine-xllamacpp.html"]
    assert "A date in a cell" in pages["index.html"]


def test_what_was_not_measured_for_long_is_left_out(tmp_path: Path) -> None:
    kept = Store(tmp_path)
    kept.add(made.matrix(0, *made.cells()))
    kept.add(made.matrix(reading.DAYS + 1, made.cell(Verdict.HEARD)))
    assert reading.edition(tmp_path, "")[0].earlier == ()


def test_a_cell_that_claims_and_accepts_and_does_not_hear_stands_out() -> None:
    assert glance(made.cell(Verdict.IGNORED)).broken
    assert not glance(made.cell(Verdict.REJECTED)).broken
    assert not glance(made.cell(Verdict.SKIPPED)).broken
    assert glance(made.cell(Verdict.SKIPPED)).spoken == "claims yes, acceptance unknown, hearing unknown"


def test_every_verdict_is_explained_in_plain_words() -> None:
    assert set(PLAIN) == set(SYMBOLS) == set(Verdict)


def test_every_format_is_a_row_and_says_where_its_outputs_belong(edition: Edition) -> None:
    for name in formats.FORMATS:
        outputs = list(formats.load(name).outputs(edition))
        assert outputs
        paths = [item.path for item in outputs if item.place is Place.SITE]
        assert len(set(paths)) == len(paths)
        assert not [path for path in paths if path.startswith("/") or ".." in path or re.search(r"[^A-Za-z0-9._/-]", path)]


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_file_names_are_plain_and_apart(one: str, other: str) -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9.-]*", file_name(one))
    if one.lower().replace(" ", "-") != other.lower().replace(" ", "-"):
        assert file_name(one) != file_name(other)


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "https://x y", "//x", "", "HTTPS://x"])
def test_only_plain_addresses_are_linked(address: str) -> None:
    assert https(address) == ""


def test_a_store_without_a_run_publishes_latest_json(tmp_path: Path) -> None:
    from runtimeprobe.results import encode

    (tmp_path / "latest.json").write_bytes(encode(made.matrix()))
    found, _ = reading.edition(tmp_path, "")
    assert len(found.matrix.cells) == 18
    assert found.runs == ()
    assert parsed(feed.render(found, found.news)).findtext(f"{ATOM}updated") == found.matrix.created


def test_a_timeline_that_cannot_be_read_is_named_and_the_rest_published(tmp_path: Path) -> None:
    Store(tmp_path).add(made.matrix())
    (tmp_path / "timelines").mkdir()
    (tmp_path / "timelines" / "bad.json").write_bytes(b'{"engine": ' + b"[" * 2000)
    (tmp_path / "timelines" / "good.json").write_bytes(msgspec.json.encode(made.timeline()))
    found, problems = reading.edition(tmp_path, "")
    assert [item.engine for item in found.timelines] == ["mlx-vlm"]
    assert len(problems) == 1
    assert "bad.json is left out" in problems[0]
