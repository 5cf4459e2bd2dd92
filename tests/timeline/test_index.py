"""Package indexes as they should not be: each is told apart, and none is read without end."""

import threading
import time

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from runtimeprobe.timeline import choosing, index
from runtimeprobe.timeline.environments import midnight_after
from runtimeprobe.timeline.installer import InstallFailed

MINE = "https://me:secret@example.org"
JSON = "application/vnd.pypi.simple.v1+json"


@pytest.fixture
def serve(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> HTTPServer:
    monkeypatch.setenv("UV_DEFAULT_INDEX", httpserver.url_for("/simple"))
    return httpserver


@pytest.mark.parametrize(
    ("body", "kind", "told"),
    [
        ("<html><body>Please log in</body></html>", "text/html", "lists no release of echo"),
        ("not json", JSON, "no list of files"),
        ('{"meta": {"api-version": "2.0"}, "name": "echo", "files": []}', JSON, "no list of files"),
        ('{"meta": {"api-version": "1.9"}, "name": "echo", "files": []}', JSON, "lists no release of echo"),
        ('{"meta": {"api-version": "1.1"}, "name": "echo", "files": [{"filename": "echo-1.0.tar.gz"}]}', JSON, "no list of files"),
        ("x" * 70_000_000, JSON, "more than 64 MiB"),
    ],
)
def test_what_is_no_list_is_said_to_be_none(serve: HTTPServer, body: str, kind: str, told: str) -> None:
    serve.expect_request("/simple/echo/").respond_with_data(body, content_type=kind)
    with pytest.raises(index.NoReleases, match=told):
        index.releases("echo")


def test_a_page_that_drips_ends(serve: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    done = threading.Event()

    def drip(_request: Request) -> Response:
        def bytes_of() -> object:
            while not done.wait(0.05):
                yield b" "

        return Response(bytes_of(), content_type=JSON)  # type: ignore[arg-type]

    serve.expect_request("/simple/echo/").respond_with_handler(drip)
    monkeypatch.setattr(index, "LIMIT_S", 1.0)
    began = time.monotonic()
    with pytest.raises(index.NoReleases, match="takes more than"):
        index.releases("echo")
    done.set()
    assert time.monotonic() - began < 10


def test_html_without_dates_needs_a_first_version(serve: HTTPServer) -> None:
    page = '<html><body><a href="/f/echo-1.0.tar.gz">echo-1.0.tar.gz</a><a href="/f/echo-1.1.tar.gz">echo-1.1.tar.gz</a></body></html>'
    serve.expect_request("/simple/echo/").respond_with_data(page, content_type="text/html")
    found = index.releases("echo")
    assert [release.version for release in found] == ["1.0", "1.1"]
    with pytest.raises(choosing.NoSuchRelease, match="tells no dates"):
        choosing.between(found, "", "")
    assert [release.version for release in choosing.between(found, "1.1", "")] == ["1.1"]


def test_a_name_before_the_address_and_a_password_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"mine={MINE}")
    assert index.chosen() == MINE
    assert index.address() == "example.org"
    assert index.for_uv() == ("--default-index", MINE)


def test_a_day_that_cannot_be_is_the_releases_own_failure() -> None:
    assert midnight_after("2026-04-30") == "2026-05-01T00:00:00Z"
    for text in ("9999-12-31", "soon"):
        with pytest.raises(InstallFailed, match=text):
            midnight_after(text)
