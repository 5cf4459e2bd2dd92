"""The site as a reader meets it: from a file, with keyboard or mouse, in both schemes, on a phone, without JavaScript."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.publish import made
from tests.publish.browser import fetch

Look = Callable[..., Any]
IGNORED = "linux-x86_64/llama.cpp/llama-cpp-python/chat.input_audio/gemma-4-e2b/twin/F16"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def violations(page: Any) -> list[str]:
    source = fetch.axe()
    assert source is not None
    page.evaluate(source.read_text("utf-8"))
    found = page.evaluate("options => axe.run(document, options)", RULES)
    return [f"{item['id']}: {node['html'][:200]} {node['failureSummary']}" for item in found["violations"] for node in item["nodes"]]


def visible(page: Any) -> list[str]:
    return [text.split()[1] for text in page.locator("a.c:visible:not(.dim)").all_inner_texts()]


def test_a_filter_leaves_what_was_asked_for_and_stands_in_the_address(look: Look, site: Path) -> None:
    page = look(site)
    page.select_option("select[name=runtime]", "MLX")
    assert set(visible(page)) == {"heard", "garbled", "rejected"}
    page.select_option("select[name=verdict]", "garbled")
    assert visible(page) == ["garbled"]
    assert page.url.endswith("index.html?runtime=MLX&verdict=garbled")
    expect(page.locator("#filters output")).to_have_text("1 cell shown")
    page.reload()
    assert visible(page) == ["garbled"]
    page.click("text=Clear filters")
    assert page.url.endswith("index.html")
    assert len(visible(page)) == 18


def test_columns_are_filtered_by_model_and_weights(look: Look, site: Path) -> None:
    page = look(site, "index.html?weights=real&model=gemma-4-e4b")
    assert page.locator(".grid thead th[data-model]:visible").count() == 1
    assert sorted(visible(page)) == ["garbled", "heard"]
    page = look(site, "index.html?platform=macos-arm64")
    assert page.locator("tr.row:visible").count() == 3


def test_claims_that_are_not_kept_can_be_asked_for(look: Look, site: Path) -> None:
    page = look(site, "index.html?verdict=broken")
    assert set(visible(page)) == {"ignored", "deaf", "garbled"}


def test_no_cell_is_said_in_words_and_a_made_up_filter_is_none(look: Look, site: Path) -> None:
    page = look(site, "index.html?runtime=Ollama&verdict=heard")
    expect(page.locator("#none")).to_be_visible()
    assert len(visible(look(site, "index.html?runtime=%3Cscript%3E&verdict=perfect"))) == 18


def test_a_cell_opens_its_evidence_and_gives_the_focus_back(look: Look, site: Path) -> None:
    page = look(site, "index.html?runtime=llama.cpp")
    link = page.locator(f'a.c[href="#{IGNORED}"]')
    link.click()
    panel = page.locator("dialog")
    expect(panel).to_be_visible()
    expect(panel.locator("h3")).to_have_text("llama-cpp-python 1.0: chat.input_audio, gemma-4-e2b (twin)")
    for text in (
        "Claimed, not kept",
        "runtimeprobe matrix --engine llama-cpp-python",
        "three nine",
        "11 of 49",
        "sha256:555",
        "0 of 3 attempts",
    ):
        expect(panel).to_contain_text(text)
    assert page.url.endswith(f"?runtime=llama.cpp#{IGNORED}")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    assert page.url.endswith("?runtime=llama.cpp")
    expect(link).to_be_focused()


def test_a_deep_link_opens_the_panel(look: Look, site: Path) -> None:
    page = look(site, f"index.html#{IGNORED}")
    expect(page.locator("dialog h3")).to_contain_text("llama-cpp-python")
    page.evaluate("location.hash = ''")
    expect(page.locator("dialog")).to_be_hidden()
    expect(look(site, "index.html#no/such/cell").locator("dialog")).to_be_hidden()


def test_an_engines_page_holds_its_evidence_and_timeline(look: Look, site: Path) -> None:
    page = look(site, "engine-mlx-vlm.html#macos-arm64/MLX/mlx-vlm/generate.audio/gemma-4-e4b/twin/F16")
    panel = page.locator("dialog")
    expect(panel.locator("h3")).to_contain_text("mlx-vlm 0.7.11")
    expect(panel.locator("svg.strip")).to_have_attribute("aria-label", "From 2026-10-01 to 2026-10-10: heard, garbled")
    page.keyboard.press("Escape")
    assert page.locator(".lanes g.v-garbled").count() == 2
    expect(page.locator("ul.story")).to_contain_text(
        "0.7.11 (2026-10-24, b7): heard became garbled (before: 0.7.9 (2026-10-06, b5), not measured in between: 0.7.10)"
    )
    page.click("text=The same as a table")
    assert page.locator("table.plain tbody tr").count() == 8


def test_the_keyboard_is_enough(look: Look, site: Path) -> None:
    page = look(site)
    page.keyboard.press("Tab")
    expect(page.locator("a.skip")).to_be_focused()
    page.locator("a.c").first.focus()
    for key, at in (("ArrowDown", 3), ("ArrowUp", 0), ("ArrowRight", 1), ("ArrowRight", 2)):
        page.keyboard.press(key)
        expect(page.locator("a.c:not(td a.c + a.c)").nth({3: 3, 0: 0, 1: 1, 2: 2}[at])).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("dialog")).to_be_visible()
    for _ in range(30):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "address", ["index.html", f"index.html#{IGNORED}", "engine-mlx-vlm.html", "changes-2026-10.html", "index.html?verdict=heard"]
)
def test_axe_finds_nothing(look: Look, site: Path, scheme: str, address: str) -> None:
    assert violations(look(site, address, color_scheme=scheme)) == []


@pytest.mark.parametrize("address", ["index.html", f"index.html#{IGNORED}", "engine-mlx-vlm.html"])
def test_axe_finds_nothing_on_a_phone(look: Look, site: Path, address: str) -> None:
    assert violations(look(site, address, width=360)) == []


def test_the_switch_overrules_the_system_and_is_remembered(look: Look, site: Path) -> None:
    page = look(site, color_scheme="light")
    white = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.click("#theme")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert white != dark
    assert violations(page) == []
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark
    assert look(site, color_scheme="dark").evaluate("getComputedStyle(document.body).backgroundColor") == dark


@pytest.mark.parametrize("address", ["index.html", f"index.html#{IGNORED}", "engine-mlx-vlm.html", "changes-2026-10.html"])
def test_a_phone_needs_no_sideways_scrolling(look: Look, site: Path, address: str) -> None:
    page = look(site, address, width=360)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    if "#" in address:
        assert page.evaluate("document.querySelector('dialog').scrollWidth") <= 360


def test_without_javascript_table_and_evidence_are_readable(look: Look, site: Path) -> None:
    page = look(site, java_script_enabled=False)
    expect(page.locator("#filters")).to_be_hidden()
    expect(page.locator("a.c").first).to_be_visible()
    evidence = page.locator(f"[id='{IGNORED}']")
    expect(evidence).to_be_visible()
    expect(evidence).to_contain_text("Claimed, not kept")
    page.locator(f'a.c[href="#{IGNORED}"]').click()
    expect(evidence).to_be_in_viewport()


def test_the_command_can_be_copied_and_a_clip_played(look: Look, site: Path) -> None:
    page = look(site, f"index.html#{IGNORED}", permissions=["clipboard-read", "clipboard-write"])
    page.click("dialog button.copy")
    expect(page.locator("dialog button.copy")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "runtimeprobe matrix --engine llama-cpp-python --route chat.input_audio"
    page.keyboard.press("Escape")
    assert page.evaluate(
        "new Promise(done => { const clip = document.querySelector('audio'); clip.oncanplay = () => done(clip.duration);"
        " clip.onerror = () => done(-1); clip.preload = 'auto'; clip.load(); })"
    ) == pytest.approx(1.5)
    with page.page.expect_request("**/clips/digits-1b.wav"):
        page.goto(f"{site.as_uri()}/index.html#{IGNORED}")
        page.locator("dialog a.play").nth(1).click()


def test_an_old_table_says_so(look: Look, site: Path) -> None:
    page = look(site)
    page.page.clock.set_fixed_time("2026-12-24T00:00:00Z")
    page.reload()
    expect(page.locator("#age")).to_contain_text("measured 74 days ago")
    page.page.clock.set_fixed_time("2026-10-11T00:00:00Z")
    page.reload()
    expect(page.locator("#age")).to_be_hidden()


def test_hostile_words_are_shown_and_do_nothing(look: Look, hostile: Path) -> None:
    for file in sorted(hostile.glob("*.html")):
        page = look(hostile, file.name)
        assert page.evaluate("window.owned") is None
        assert page.locator("article script, article img, article style, article [onmouseover], dialog img").count() == 0
        assert page.evaluate("[...document.links].every(link => /^(https?|file):/.test(link.protocol))")
        assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    page = look(hostile, "engine-hostile.html", java_script_enabled=False)
    text = page.inner_text("body")
    assert made.HOSTILE[0] in text
    assert "{{ 7*7 }}" in text
    assert not set("\x1b\x00\u202e\u2066\x07") & set(text)
    assert len(text) < 100_000


def test_a_large_table_links_to_its_evidence_elsewhere(look: Look, tmp_path: Path) -> None:
    from runtimeprobe.publish import site, writing
    from runtimeprobe.publish.edition import Edition
    from runtimeprobe.results import Verdict

    cells = [made.cell(Verdict.IGNORED, engine=f"e{number % 4}", route=f"route.{number}") for number in range(240)]
    writing.publish(tmp_path, {"html": list(site.outputs(Edition(made.matrix(0, *cells))))})
    page = look(tmp_path)
    assert page.locator("article.cell").count() == 0
    page.locator("a.c").nth(3).click()
    page.page.wait_for_url("**/engine-e0.html#**")
    expect(page.locator("dialog h3")).to_contain_text("e0 1.0: route.12")
    slug = "linux-x86_64/llama.cpp/e2/route.2/gemma-4-e2b/twin/F16"
    page = look(tmp_path, f"index.html#{slug}")  # an old link to the first page
    page.page.wait_for_url("**/engine-e2.html#**")
    expect(page.locator("dialog h3")).to_contain_text("e2 1.0: route.2")
    assert json.loads((tmp_path / "data/latest.json").read_bytes())["schema_version"] == 1
