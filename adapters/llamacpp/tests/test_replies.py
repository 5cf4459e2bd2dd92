"""A server that answers nonsense. Only the nonsense is made up: the client, the parser and the adapter are the real ones."""

import json
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from runtimeprobe.contract import AdapterError, Ask, BadReply, Claim, Config, Model, OutOfMemory, Rejected, RouteMissing
from runtimeprobe_llamacpp import LlamaCpp, chat

MODEL = Model("gemma-4-e2b", "real", "gemma-4-E2B-it-Q8_0.gguf")
CHAT, ASR = "/v1/chat/completions", "/v1/audio/transcriptions"


@pytest.fixture
def adapter(httpserver: HTTPServer) -> LlamaCpp:
    from runtimeprobe.contract import Options

    httpserver.expect_request("/health").respond_with_json({"status": "ok"})
    httpserver.expect_request("/v1/models").respond_with_json({"data": [{"id": MODEL.name}]})
    httpserver.expect_request("/props").respond_with_json({"build_info": "b4242-abcdef", "modalities": {"audio": True}})
    adapter = LlamaCpp()
    adapter.discover(Options(endpoints=(httpserver.url_for(""),)))
    loaded = adapter.load("llama-server", MODEL, Config())
    assert (loaded.build, loaded.claim, loaded.device) == ("b4242", Claim.YES, "")
    return adapter


def ask() -> Ask:
    return Ask("chat.input_audio", "Transcribe.")


def test_a_server_names_its_model_by_its_alias_where_no_file_tells(adapter: LlamaCpp) -> None:
    (served,) = adapter.models("llama-server", [])
    assert (served.model, served.weights) == ("gemma-4-e2b", "real")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("<html>hello</html>", "not JSON"),
        ("[1, 2]", "no JSON object"),
        ("{}", "no choices"),
        ('{"choices": 7}', "no choices"),
        ('{"choices": ["text"]}', "no object"),
        ('{"choices": [{"message": {"content": ["three"]}}]}', "where text belongs"),
        (b"\xff\xfe", "not UTF-8"),
        ("[" * 100_000, "not JSON"),
        ("", "not JSON"),
    ],
)
def test_a_reply_of_the_wrong_shape_is_a_bad_reply(httpserver: HTTPServer, adapter: LlamaCpp, body: str | bytes, says: str) -> None:
    httpserver.expect_request(CHAT).respond_with_data(body, content_type="application/json")
    with pytest.raises(BadReply, match=says) as caught:
        adapter.ask(ask())
    assert len(caught.value.words) <= 2000


@pytest.mark.parametrize(
    ("events", "says"),
    [
        ("", "empty"),
        ("data: [DONE]\n\n", "empty"),
        ('data: {"choices": [{"delta": {"content": "thr\n\n', "not JSON"),
        ("data: " + "x" * (5 << 20), "endless line"),
    ],
)
def test_a_stream_of_the_wrong_shape_is_a_bad_reply(httpserver: HTTPServer, adapter: LlamaCpp, events: str, says: str) -> None:
    httpserver.expect_request(CHAT).respond_with_data(events, content_type="text/event-stream")
    with pytest.raises(BadReply, match=says):
        adapter.ask(ask())


def test_a_reply_without_counts_reports_none(httpserver: HTTPServer, adapter: LlamaCpp) -> None:
    httpserver.expect_request(CHAT).respond_with_json(
        {"choices": [{"message": {"content": "three", "reasoning_content": "a digit"}}], "usage": {"prompt_tokens": "9"}}
    )
    reply = adapter.ask(ask())
    assert (reply.text, reply.thinking, reply.prompt_tokens, reply.completion_tokens) == ("three", "a digit", None, None)


def test_an_error_in_the_middle_of_a_stream_is_that_error(httpserver: HTTPServer, adapter: LlamaCpp) -> None:
    error = {"error": {"code": 500, "message": "failed to allocate buffer", "type": "server_error"}}
    events = f'data: {{"choices": [{{"delta": {{"content": "th"}}}}]}}\n\ndata: {json.dumps(error)}\n\n'
    httpserver.expect_request(CHAT).respond_with_data(events, content_type="text/event-stream")
    with pytest.raises(OutOfMemory, match="failed to allocate buffer"):
        adapter.ask(ask())


def test_a_reply_without_end_is_cut_off(httpserver: HTTPServer, adapter: LlamaCpp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat, "MAX_REPLY_BYTES", 100_000)
    httpserver.expect_request(CHAT).respond_with_data("data: " + "x" * 200_000, content_type="application/json")
    with pytest.raises(BadReply, match="longer than 100000 bytes"):
        adapter.ask(ask())


def test_a_redirect_is_not_followed(httpserver: HTTPServer, adapter: LlamaCpp) -> None:
    httpserver.expect_request(CHAT).respond_with_data("", status=307, headers={"Location": "http://192.0.2.1/"})
    with pytest.raises(BadReply, match="redirect") as caught:
        adapter.ask(ask())
    assert "192.0.2.1" in caught.value.words


def test_a_build_without_the_route_is_told_by_its_404(httpserver: HTTPServer, adapter: LlamaCpp, clip_a: str) -> None:
    httpserver.expect_request(ASR).respond_with_json(
        {"error": {"code": 404, "message": "File Not Found", "type": "not_found_error"}}, status=404
    )
    with pytest.raises(RouteMissing, match="/v1/audio/transcriptions"):
        adapter.ask(Ask("audio.transcriptions", "Transcribe.", clip_a))


def test_the_form_carries_the_clip_and_only_what_the_route_reads(httpserver: HTTPServer, adapter: LlamaCpp, clip_a: str) -> None:
    httpserver.expect_request(ASR, method="POST").respond_with_json({"text": "three", "usage": {"input_tokens": 9, "output_tokens": 1}})
    reply = adapter.ask(Ask("audio.transcriptions", "Transcribe.", clip_a, thinking=False))
    assert (reply.text, reply.prompt_tokens, reply.completion_tokens) == ("three", 9, 1)
    request = httpserver.log[-1][0]
    assert dict(request.form) == {
        "response_format": "json",
        "max_tokens": "64",
        "stream": "true",
        "prompt": "Transcribe.",
        "reasoning_effort": "none",
    }
    with request.files["file"].stream as sent:
        assert sent.read() == Path(clip_a).read_bytes()


def test_not_supported_is_a_rejection_and_any_other_status_is_not(httpserver: HTTPServer, adapter: LlamaCpp) -> None:
    httpserver.expect_oneshot_request(CHAT).respond_with_json(
        {"error": {"code": 501, "message": "no", "type": "not_supported_error"}}, status=501
    )
    with pytest.raises(Rejected):
        adapter.ask(ask())
    httpserver.expect_oneshot_request(CHAT).respond_with_data("bad gateway", status=502)
    with pytest.raises(AdapterError, match="status 502: bad gateway") as caught:
        adapter.ask(ask())
    assert type(caught.value) is AdapterError


def test_an_ask_without_sampling_says_nothing_about_sampling_thinking_or_cache(httpserver: HTTPServer, adapter: LlamaCpp) -> None:
    httpserver.expect_request(CHAT).respond_with_json({"choices": [{"message": {"content": "three"}}]})
    adapter.ask(ask())
    assert set(json.loads(httpserver.log[-1][0].data)) == {"messages", "max_tokens", "stream", "stream_options"}
