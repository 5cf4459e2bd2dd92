"""Replies read strictly: what an answer is made of, and everything that is none. Over HTTP, from a server that says exactly this."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from runtimeprobe.contract import AdapterError, Ask, BadReply, Rejected, Reply, Sampling
from runtimeprobe_ollama import knobs, replies, routes
from runtimeprobe_ollama.server import Server

CHAT, OPENAI = "/api/chat", "/v1/chat/completions"
PATHS = {routes.CHAT: CHAT, routes.GENERATE: "/api/generate", routes.OPENAI: OPENAI, routes.TRANSCRIPTIONS: "/v1/audio/transcriptions"}
END: dict[str, Any] = {"done": True, "done_reason": "stop", "prompt_eval_count": 52, "eval_count": 8}


def piece(content: str = "", thinking: str = "", **more: Any) -> dict[str, Any]:
    return {"model": "m", "message": {"role": "assistant", "content": content, "thinking": thinking}, "done": False, **more}


def chunk(content: str = "", *, finish: str | None = None, **more: Any) -> dict[str, Any]:
    return {"model": "m", "choices": [{"index": 0, "delta": {"content": content}, "finish_reason": finish}], **more}


def lines(*values: Any) -> str:
    return "".join(json.dumps(value) + "\n" for value in values)


def events(*values: Any) -> str:
    return "".join(f"data: {value if isinstance(value, str) else json.dumps(value)}\n\n" for value in values)


def ask(httpserver: HTTPServer, body: str, *, route: str = routes.CHAT, kind: str = "", asked: Ask | None = None) -> Reply:
    kind = kind or ("text/event-stream" if route == routes.OPENAI else "application/x-ndjson")
    httpserver.expect_request(PATHS[route]).respond_with_data(body, content_type=kind)
    asked = asked or Ask(route, "Transcribe.", sampling=Sampling(), thinking=False)
    server = Server(f"http://{httpserver.host}:{httpserver.port}")
    try:
        return replies.ask(server, "m", routes.request(asked, "m", knobs.for_ask(asked, {}), {"num_ctx": 4096}, set()), asked)
    finally:
        server.close()


def test_pieces_become_one_reply(httpserver: HTTPServer) -> None:
    reply = ask(httpserver, lines(piece(thinking="Listen."), piece("three"), piece(" nine", **END)))
    assert (reply.text, reply.thinking, reply.finish_reason) == ("three nine", "Listen.", "stop")
    assert (reply.prompt_tokens, reply.completion_tokens) == (52, 8)
    assert reply.first_token_seconds is not None
    assert 0 < reply.first_token_seconds <= reply.seconds


def test_generate_has_its_text_elsewhere(httpserver: HTTPServer) -> None:
    body = lines({"model": "m", "response": "three", "done": False}, {"model": "m", "response": " nine", **END})
    assert ask(httpserver, body, route=routes.GENERATE).text == "three nine"


def test_openai_counts_come_after_the_end(httpserver: HTTPServer) -> None:
    usage = {"prompt_tokens": 57, "completion_tokens": 8, "total_tokens": 65}
    body = events(chunk("three nine"), chunk(finish="stop"), {"model": "m", "choices": [], "usage": usage}, "[DONE]")
    reply = ask(httpserver, body, route=routes.OPENAI)
    assert (reply.text, reply.finish_reason, reply.prompt_tokens, reply.completion_tokens) == ("three nine", "stop", 57, 8)


def test_a_transcription_is_a_text_and_nothing_more(httpserver: HTTPServer) -> None:
    reply = ask(httpserver, '{"text": "three nine"}', route=routes.TRANSCRIPTIONS, kind="application/json")
    assert (reply.text, reply.prompt_tokens) == ("three nine", None)


def test_thoughts_that_used_up_the_budget_are_told_with_how_it_ended(httpserver: HTTPServer) -> None:
    reply = ask(httpserver, lines(piece(thinking="Hm."), piece(done=True, done_reason="length")))
    assert (reply.text, reply.thinking, reply.finish_reason) == ("", "Hm.", "length")


def test_whoever_listens_may_end_it(httpserver: HTTPServer) -> None:
    asked = Ask(routes.CHAT, "Transcribe.", listen=lambda piece, _: piece == "b")
    reply = ask(httpserver, lines(piece("a"), piece("b"), piece("c"), piece(**END)), asked=asked)
    assert (reply.text, reply.finish_reason) == ("ab", "loop")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "ends without done:true"),
        (lines(piece("three")), "ends without done:true"),
        (lines(piece("three")) + '{"model": "m", "mess', "not JSON"),
        (lines([1]), "no JSON object"),
        (lines({"model": "m", "done": True}), "no piece of an answer"),
        (lines({"model": "m", "message": [], "done": True}), "no piece of an answer"),
        (lines(piece() | {"message": {"content": 7}}), "something else where text belongs"),
        (lines(piece("a", model="other")), "'other' answered, and m was asked"),
        (lines(piece("a") | {"model": 7}), "'7' answered, and m was asked"),
        (lines(piece(done=True, done_reason="load")), "looked at neither text nor sound"),
        ('{"model": "m", "model": "n", "message": {}, "done": true}\n', "twice in one object"),
        ("a" * 5_000_000, "longer than"),
    ],
)
def test_what_is_no_answer_is_a_bad_reply(httpserver: HTTPServer, body: str, words: str) -> None:
    with pytest.raises(BadReply, match=words):
        ask(httpserver, body)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (events(chunk("three"), "[DONE]"), "ends without finish_reason"),
        (events(chunk("three"), chunk("")), "/v1 leaves out what went wrong"),
        (events({"model": "m"}), "no choices"),
        (events({"model": "m", "choices": [{}]}), "no delta"),
        (events("{"), "not JSON"),
        (events(chunk("a", model="other")), "'other' answered"),
    ],
)
def test_the_same_on_v1(httpserver: HTTPServer, body: str, words: str) -> None:
    with pytest.raises(BadReply, match=words):
        ask(httpserver, body, route=routes.OPENAI)


@pytest.mark.parametrize("body", ['{"text": 7}', "{}", "[]", "text"])
def test_a_transcription_without_text_is_a_bad_reply(httpserver: HTTPServer, body: str) -> None:
    with pytest.raises(BadReply):
        ask(httpserver, body, route=routes.TRANSCRIPTIONS, kind="application/json")


@pytest.mark.parametrize(("count", "kind"), [(30, BadReply), (31, AdapterError)])
def test_the_old_loop_guard_is_told_from_an_answer_that_broke_off(httpserver: HTTPServer, count: int, kind: type[AdapterError]) -> None:
    with pytest.raises(kind) as caught:
        ask(httpserver, lines(*[piece(" nine")] * count))
    assert type(caught.value) is kind
    assert ("loop guard" in str(caught.value)) == (count > 30)


@pytest.mark.parametrize("before", [(), (piece("three"),)])
def test_an_error_in_mid_stream_is_an_error_though_the_status_is_200(httpserver: HTTPServer, before: tuple[Any, ...]) -> None:
    with pytest.raises(Rejected, match="does not support multimodal"):
        ask(httpserver, lines(*before, {"error": "model does not support multimodal requests"}))


def test_an_error_in_place_of_the_stream_of_v1(httpserver: HTTPServer) -> None:
    with pytest.raises(Rejected):
        ask(httpserver, '{"error": {"message": "audio input is not supported"}}', route=routes.OPENAI, kind="application/json")


def test_json_in_place_of_the_stream_of_v1(httpserver: HTTPServer) -> None:
    with pytest.raises(BadReply, match="no stream"):
        ask(httpserver, '{"choices": []}', route=routes.OPENAI, kind="application/json")


def test_one_page_of_html_is_asked_past_and_two_are_not(httpserver: HTTPServer) -> None:
    page = Response("<html>", 500, content_type="text/html")
    httpserver.expect_ordered_request(CHAT).respond_with_response(page)
    httpserver.expect_ordered_request(CHAT).respond_with_data(lines(piece("three", **END)), content_type="application/x-ndjson")
    for _ in range(2):
        httpserver.expect_ordered_request(CHAT).respond_with_response(page)
    server = Server(f"http://{httpserver.host}:{httpserver.port}")
    asked = Ask(routes.CHAT, "Transcribe.")
    request = routes.request(asked, "m", knobs.for_ask(asked, {}), {}, set())
    reply = replies.ask(server, "m", request, asked)
    assert reply.raw["repeated"] == ["/api/chat answered HTTP 500 with a page of HTML and was asked once more"]
    with pytest.raises(AdapterError, match="Something in front of Ollama answered /api/chat with HTTP 500"):
        replies.ask(server, "m", request, asked)
    server.close()


def test_no_credentials_go_out(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ollama package would send ollama.com's key to whatever server it is pointed at."""
    monkeypatch.setenv("OLLAMA_API_KEY", "secret")
    seen: list[str] = []

    def tags(request: Request) -> Response:
        seen.append(str(request.headers))
        return Response('{"models": []}', content_type="application/json")

    httpserver.expect_request("/api/tags").respond_with_handler(tags)
    server = Server(f"http://{httpserver.host}:{httpserver.port}")
    assert server.tags() == []
    server.close()
    assert seen
    assert "secret" not in seen[0]


@pytest.mark.parametrize("body", ["{}", "[]", "{", '{"models": 7}', '{"models": [{"size": "many"}]}', '{"models": [7]}'])
def test_a_list_of_another_shape_is_a_bad_reply(httpserver: HTTPServer, body: str) -> None:
    httpserver.expect_request("/api/tags").respond_with_data(body, content_type="application/json")
    server = Server(f"http://{httpserver.host}:{httpserver.port}")
    with pytest.raises(BadReply):
        server.tags()
    server.close()


def sent(
    route: str,
    *,
    sampling: Sampling | None = None,
    thinking: bool | None = None,
    clip: Path | None = None,
    levers: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    asked = Ask(route, "Transcribe.", clip=str(clip or ""), max_tokens=48, sampling=sampling, thinking=thinking)
    return routes.request(asked, "m", knobs.for_ask(asked, levers), {"num_ctx": 4096}, set(levers)).body


def test_every_sampling_value_is_sent_and_thinking_off() -> None:
    body = sent(routes.CHAT, sampling=Sampling(), thinking=False)
    assert body["think"] is False
    assert body["options"] == {
        "num_ctx": 4096, "num_predict": 48, "temperature": 0.0, "top_k": 1, "top_p": 1.0, "min_p": 0.0, "repeat_penalty": 1.0,
        "presence_penalty": 0.0, "frequency_penalty": 0.0, "seed": 7,
    }  # fmt: skip


@pytest.mark.parametrize("route", [routes.CHAT, routes.GENERATE])
def test_nothing_is_said_of_sampling_and_thinking_when_the_defaults_are_asked_for(route: str) -> None:
    body = sent(route)
    assert body["options"] == {"num_ctx": 4096, "num_predict": 48}
    assert "think" not in body


def test_v1_is_sent_what_it_takes() -> None:
    body = sent(routes.OPENAI, sampling=Sampling(), thinking=False)
    assert body["reasoning_effort"] == "none"
    assert {key for key in body if key in Sampling.__dataclass_fields__} == {
        "temperature", "top_p", "seed", "presence_penalty", "frequency_penalty",
    }  # fmt: skip
    assert sent(routes.OPENAI).keys() == {"model", "messages", "max_tokens", "stream", "stream_options"}


def test_without_sound_v1_gets_an_empty_turn_in_its_place(tmp_path: Path) -> None:
    clip = tmp_path / "clip.wav"
    clip.write_bytes(b"RIFF")
    kinds = [[part["type"] for part in sent(routes.OPENAI, clip=path)["messages"][0]["content"]] for path in (None, clip)]
    assert kinds == [["text", "text"], ["input_audio", "text"]]


def test_sound_goes_where_images_go(tmp_path: Path) -> None:
    clip = tmp_path / "clip.wav"
    clip.write_bytes(b"RIFF")
    assert sent(routes.CHAT, clip=clip)["messages"][0]["images"] == ["UklGRg=="]
    assert sent(routes.GENERATE, clip=clip)["images"] == ["UklGRg=="]
    assert "images" not in sent(routes.GENERATE)


def test_levers_hold_where_the_ask_says_nothing_itself() -> None:
    levers = {"temperature": "0.7", "repeat_last_n": "256", "thinking": "off", "format": "json"}
    body = sent(routes.CHAT, levers=levers)
    assert body["options"] == {"num_ctx": 4096, "num_predict": 48, "temperature": 0.7, "repeat_last_n": 256}
    assert (body["think"], body["format"]) == (False, "json")
    assert sent(routes.CHAT, sampling=Sampling(), thinking=True, levers=levers)["options"]["temperature"] == 0.0


@pytest.mark.parametrize(("route", "lever"), [(routes.OPENAI, "min_p"), (routes.TRANSCRIPTIONS, "seed"), (routes.OPENAI, "context")])
def test_a_lever_that_a_route_cannot_carry_is_an_error_and_no_silent_default(route: str, lever: str) -> None:
    with pytest.raises(AdapterError, match=f"{route} cannot carry {lever}"):
        sent(route, levers={lever: "1"})
