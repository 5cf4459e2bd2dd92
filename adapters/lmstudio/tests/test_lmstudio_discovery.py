"""Who is taken for LM Studio, who is told the token, and what is said where nobody answers."""

import socket
import sys
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from runtimeprobe.contract import Absent, Ask, Config, Engine, EngineMissing, Model, Options
from runtimeprobe_lmstudio import LmStudio, adapter, token

TOKEN = "sk-lm-Ab3dEf6h:Kj8mNp2qRs5tUv7wXy9z"
UNKNOWN = {"error": "Unexpected endpoint or method. (GET /x)"}


@pytest.fixture(autouse=True)
def nobody_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No LM Studio of this machine's is asked, or woken, by these tests."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setattr(adapter, "ADDRESS", f"http://127.0.0.1:{probe.getsockname()[1]}")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(token.VARIABLE, raising=False)


def found(*endpoints: str, allow_remote: bool = False) -> Engine | Absent:
    (one,) = LmStudio().discover(Options(endpoints=endpoints, allow_remote=allow_remote))
    assert one.name == "lmstudio"
    return one


def absent(*endpoints: str) -> Absent:
    one = found(*endpoints)
    assert isinstance(one, Absent)
    return one


def test_the_default_address_is_the_documented_one() -> None:
    assert Path(adapter.__file__).read_text(encoding="utf-8").count('ADDRESS = "http://127.0.0.1:1234"') == 1


@pytest.mark.parametrize(
    ("system", "command"), [("Linux", "curl -fsSL https://lmstudio.ai/install.sh | bash"), ("Windows", "irm https://")]
)
def test_nothing_listening_names_the_address_and_the_official_install_command(
    monkeypatch: pytest.MonkeyPatch, system: str, command: str
) -> None:
    monkeypatch.setattr("platform.system", lambda: system)
    one = absent()
    assert one.reason.startswith(f"No server answers at {adapter.ADDRESS}: ")
    assert one.fix.startswith(command)
    assert one.fix.endswith("lms server start")


def test_where_lms_is_it_is_named_and_not_run(tmp_path: Path) -> None:
    """Most of its commands wake the user's own app."""
    command = tmp_path / "lms"
    command.write_text(f"#!/bin/sh\n/bin/echo ran > {tmp_path}/ran\n")
    command.chmod(0o755)
    assert absent().fix == "lms daemon up && lms server start"
    assert not (tmp_path / "ran").exists()


def test_its_greeting_is_recognised_and_the_first_of_its_endpoints_is_taken(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/lmstudio-greeting").respond_with_json({"lmstudio": True})
    httpserver.expect_request("/api/v1/models").respond_with_json({"models": []})
    address = httpserver.url_for("").rstrip("/")
    one = found("http://127.0.0.1:1", address, "http://127.0.0.1:2")
    assert isinstance(one, Engine)
    assert (one.endpoint, one.version) == (address, "unknown")
    assert "emulator" in one.note


def test_a_list_of_models_is_recognised_where_the_greeting_is_unknown(httpserver: HTTPServer) -> None:
    """An unknown path answers 200 with an error, so the status tells nothing."""
    httpserver.expect_request("/lmstudio-greeting").respond_with_json(UNKNOWN)
    httpserver.expect_request("/api/v1/models").respond_with_json(UNKNOWN)
    httpserver.expect_request("/api/v0/models").respond_with_json({"data": [], "object": "list"})
    assert isinstance(found(httpserver.url_for("")), Engine)


@pytest.mark.parametrize("body", ["[]", "{}", '{"data": 3}', "<html>", "[" * 100_000, '{"lmstudio": false}', '{"lmstudio": "yes"}'])
def test_nonsense_is_not_taken_for_lm_studio(httpserver: HTTPServer, body: str) -> None:
    httpserver.expect_request("/lmstudio-greeting").respond_with_data(body)
    httpserver.expect_request("/api/v0/models").respond_with_data(body)
    assert absent(httpserver.url_for("")).reason.startswith(f"No server answers at {adapter.ADDRESS}")


def test_another_openai_server_is_not_taken_for_lm_studio_and_is_not_told_the_token(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(token.VARIABLE, TOKEN)
    told: list[str] = []

    def answer(request: Request) -> Response:
        told.append(request.headers.get("Authorization", ""))
        return Response("Not Found", status=404)

    httpserver.expect_request("/lmstudio-greeting").respond_with_handler(answer)
    httpserver.expect_request("/api/v0/models").respond_with_handler(answer)
    assert isinstance(found(httpserver.url_for("")), Absent)
    assert told == ["", ""]


def test_another_machine_is_not_asked_unless_that_is_allowed() -> None:
    one = absent("http://192.0.2.1:1234")
    assert "is not this machine" in one.reason
    assert "--allow-remote" in one.fix


def test_a_list_that_needs_a_token_says_which_variable_holds_it(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/lmstudio-greeting").respond_with_json({"lmstudio": True})
    error = {"error": {"message": "An API token is required", "type": "invalid_request", "code": "invalid_api_key"}}
    httpserver.expect_request("/api/v1/models").respond_with_json(error, status=401)
    assert absent(httpserver.url_for("")).fix.startswith("set LM_API_TOKEN")


def test_what_is_no_token_is_not_quoted(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(token.VARIABLE, "my secret\nis this")
    httpserver.expect_request("/lmstudio-greeting").respond_with_json({"lmstudio": True})
    one = absent(httpserver.url_for(""))
    assert "holds something that is no API token" in one.reason
    assert "secret" not in f"{one}"


def test_an_environment_without_httpx_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)
    monkeypatch.delitem(sys.modules, "runtimeprobe.kit.http", raising=False)
    monkeypatch.delattr("runtimeprobe.kit.http", raising=False)
    assert absent().fix == "pip install httpx"


def test_nothing_can_be_asked_before_it_is_found_and_loaded() -> None:
    lmstudio = LmStudio()
    with pytest.raises(EngineMissing):
        lmstudio.load("lmstudio", Model("gemma-4-e2b", "real", "google/gemma-4-e2b"), Config())
    with pytest.raises(Exception, match="No model is loaded"):
        lmstudio.ask(Ask("v1.chat.input_audio", "Transcribe."))
    lmstudio.unload()
    lmstudio.unload()
