"""What a server may send back, and how much of it is read."""

import json

import pytest
from pytest_httpserver import HTTPServer

from runtimeprobe_mlx import wire


def events(server: HTTPServer, body: bytes) -> list[dict[str, object]]:
    server.expect_request("/x").respond_with_data(body, content_type="text/event-stream")
    with wire.request((server.host, server.port), "/x", b"{}", "application/json") as response:
        return list(wire.events(response))


def test_events_end_at_done(httpserver: HTTPServer) -> None:
    body = b': comment\n\ndata: {"a": 1}\n\nevent: x\ndata: {"a": 2}\n\ndata: [DONE]\n\ndata: {"a": 3}\n\n'
    assert events(httpserver, body) == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize("body", [b"data: {nope\n\n", b'data: "' + b"x" * (wire.MAX_LINE_BYTES + 1) + b'"\n\n'])
def test_events_that_are_no_json_are_an_error(httpserver: HTTPServer, body: bytes) -> None:
    with pytest.raises(wire.WireError, match="no JSON"):
        events(httpserver, body)


def test_a_stream_without_end_is_cut(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_LINES", 50)
    with pytest.raises(wire.WireError, match="more than 50 lines"):
        events(httpserver, b"data: {}\n" * 100)


def test_a_body_larger_than_any_answer_is_not_kept(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_BODY_BYTES", 1000)
    httpserver.expect_request("/x").respond_with_data(b"y" * 1001)
    with (
        wire.request((httpserver.host, httpserver.port), "/x", b"", "text/plain") as response,
        pytest.raises(wire.WireError, match="larger than 1000"),
    ):
        wire.whole(response)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"detail": "no such model"}, "no such model"),
        ({"error": "busy"}, "busy"),
        ({"detail": [{"loc": ["body"]}]}, '[{"loc": ["body"]}]'),
        (["odd"], '["odd"]'),
    ],
)
def test_the_detail_of_an_error_is_found(body: object, detail: str) -> None:
    assert wire.Answer(400, json.dumps(body).encode()).detail() == detail


def test_an_error_that_is_no_json_is_quoted() -> None:
    assert wire.Answer(502, b"<html>Bad \xff gateway").detail() == "<html>Bad \ufffd gateway"


def test_a_form_carries_fields_and_the_file_byte_for_byte(httpserver: HTTPServer) -> None:
    data = bytes(range(256))
    body, content_type = wire.multipart({"model": "m"}, "file", "clip.wav", data)
    httpserver.expect_request("/x").respond_with_data("ok")
    with wire.request((httpserver.host, httpserver.port), "/x", body, content_type) as response:
        assert wire.whole(response).body == b"ok"
    sent = httpserver.log[0][0]
    assert sent.form["model"] == "m"
    with sent.files["file"].stream as file:
        assert file.read() == data
