"""A picture of a site's first page: `python -m tests.publish.browser.shot SITE docs/site.png` (after `make browser`)."""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.publish.browser import fetch

WIDTH, HEIGHT = 1200, 900
ARGUMENTS = ("--no-sandbox", "--no-zygote", "--disable-gpu", "--font-render-hinting=none")  # it runs as root in a container too


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit("usage: python -m tests.publish.browser.shot SITE FILE.png")
    program = fetch.chromium()
    if program is None:
        sys.exit("no Chromium here: make browser")
    address = f"{Path(sys.argv[1]).resolve().as_uri()}/index.html"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS), env=dict(fetch.environment()))
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.goto(address)
        page.screenshot(path=sys.argv[2])
        browser.close()


if __name__ == "__main__":
    main()
