"""The browser, and a site to look at."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.publish import made
from tests.publish.browser import fetch
from tests.publish.browser.shot import ARGUMENTS

MISSING = "the site in a browser: no Chromium here. `make browser` fetches one, or set RUNTIMEPROBE_CHROMIUM to yours"


@pytest.fixture(scope="module")  # not longer: playwright keeps an event loop running, and other tests need their own
def browser() -> Iterator[Browser]:
    program = fetch.chromium()
    if program is None or fetch.axe() is None:
        pytest.skip(MISSING)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS), env=dict(fetch.environment()))
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small enough for all evidence on the first page."""
    return published(tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published(tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("store"), hostile=True)


def published(folder: Path, store: Path, *, hostile: bool = False) -> Path:
    from click.testing import CliRunner

    from runtimeprobe.cli import group

    done = CliRunner().invoke(group, ["publish", str(folder), "--store", str(made.store(store, hostile=hostile))])
    assert done.exit_code == 0, done.output
    return folder


class Watched:
    """A page of which every console line, policy violation and request is kept."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.said: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.page, name)


@pytest.fixture
def look(browser: Browser) -> Iterator[Callable[..., Watched]]:
    """Opens a page of a site. Whatever it says to the console, and any request that leaves its folder, fails the test."""
    contexts: list[BrowserContext] = []
    pages: list[Watched] = []

    def opened(folder: Path, address: str = "index.html", *, width: int = 1280, **options: Any) -> Watched:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        watched = Watched(context.new_page())
        pages.append(watched)
        watched.page.goto(f"{folder.as_uri()}/{address}")
        return watched

    yield opened
    for page in pages:
        assert page.said == []
        assert all(url.startswith("file://") for url in page.requests), page.requests
    for context in contexts:
        context.close()
