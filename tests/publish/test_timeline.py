"""What a package index, a server or an engine says of itself stays text, on a terminal and in Markdown."""

import io

import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from runtimeprobe.contract import Releases
from runtimeprobe.publish import timeline as publish
from runtimeprobe.results import Cell, Host, Verdict
from runtimeprobe.timeline.results import Change, Release, Row, Side, Timeline, Track
from runtimeprobe.timeline.story import story

HOSTILE = (
    "1) [free money](http://evil.example) \x1b[31mRED\n# heading",
    "</td><script>alert(1)</script>",
    "a|b`c``d|e",
    "\u202egnp.exe",
    "[link=http://evil.example]x[/link] [/]",
    "![x](http://evil.example/x.png)",
)
HOST = Host(os="Linux", arch="x86_64", cpu="a | cpu", gpu="", memory_bytes=1, python="3.11")


def made(text: str) -> Timeline:
    """Everything that comes from outside is `text`."""
    cells = tuple(
        Cell(
            runtime="R",
            engine=text,
            engine_version=version,
            build=text,
            route=text,
            model=text,
            weights="twin",
            verdict=verdict,
            reason=text,
        )
        for version, verdict in ((text, Verdict.GARBLED), ("2", Verdict.HEARD))
    )
    releases = (
        Release(
            version=text, date=text, build=text, note=text, reproduce=f"runtimeprobe timeline e --only {text} --again", packages={text: "1"}
        ),
        Release(version="2", date="2026-04-02", build="b2", reproduce="runtimeprobe timeline e --only 2 --again"),
    )
    rows = [Row(release=release, cells=(cell,)) for release, cell in zip(releases, cells, strict=True)]
    how = Releases(package="e", upstream_build="x", compare="https://example.org/b{before}...b{after}")
    return Timeline(
        created="2026-11-24T02:17:00Z", host=HOST, hearing_test="1", cells=cells, engine=text, releases=releases, story=story(rows, how)
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_stay_words(text: str) -> None:
    timeline = made(text)
    page = publish.markdown(timeline)
    assert "\u202e" not in page
    assert "\x1b" not in page
    shown = MarkdownIt("commonmark").enable("table").render(page)
    assert shown.count("<tr>") == 3
    assert shown.count("<td>") == 2 * shown.count("<th>")
    for tag in ("<script", "<h1", "<img", 'href="http://evil'):
        assert tag not in shown
    out = io.StringIO()
    publish.render(timeline, Console(file=out, width=200, force_terminal=False))
    assert "\x1b" not in out.getvalue()
    assert "\u202e" not in out.getvalue()


def test_an_address_that_is_none_is_no_link() -> None:
    side = Side(version="1", date="", build="", verdict=Verdict.HEARD)
    change = Change(
        before=side,
        after=Side(version="2", date="", build="", verdict=Verdict.GARBLED, reason="wrong"),
        compare="https://example.org/a) [b](http://evil.example",
        known=(("javascript:alert(1)", "bad"), ("https://example.org/1", "good")),
    )
    timeline = Timeline(
        created="2026-11-24T02:17:00Z",
        host=HOST,
        hearing_test="1",
        engine="e",
        releases=(Release(version="1"),),
        story=(Track(model="m", route="r", now=side, changes=(change,)),),
    )
    page = publish.markdown(timeline)
    assert "[good](https://example.org/1)" in page
    assert "evil" not in page
    assert "javascript" not in page


def test_a_code_span_holds_pipes_and_backticks() -> None:
    assert publish.code("a") == "`a`"
    assert publish.code("a|b") == "`a\\|b`"
    assert publish.code("`a``b") == "``` `a``b ```"


def test_a_gap_is_told_in_the_first_sentence() -> None:
    def at(version: str, verdict: Verdict) -> Row:
        cell = Cell(runtime="R", engine="e", engine_version=version, route="r", model="m", weights="twin", verdict=verdict, reason="")
        return Row(release=Release(version=version), cells=(cell,))

    def first(*verdicts: Verdict) -> str:
        return publish.since(story([at(str(number), verdict) for number, verdict in enumerate(verdicts)], Releases())[0])

    assert first(Verdict.REJECTED, Verdict.HEARD, Verdict.HEARD) == "heard since 1"
    assert first(Verdict.REJECTED, Verdict.HEARD, Verdict.FAILED, Verdict.HEARD) == "heard since 1, but not in every release since"
    assert first(Verdict.HEARD, Verdict.HEARD) == "heard in the first release that was measured, 0"
    assert first(Verdict.HEARD, Verdict.FAILED) == "heard in the first release that was measured, 0; now failed"
    assert first(Verdict.FAILED, Verdict.REJECTED) == "heard in no release that was measured; now rejected"
