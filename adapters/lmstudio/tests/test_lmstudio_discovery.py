"""What is said of LM Studio: always why it was not probed, never that it can be."""

import socket

import pytest
from pytest_httpserver import HTTPServer

from runtimeprobe.contract import Absent, Ask, Config, EngineMissing, Model, Options
from runtimeprobe_lmstudio import LmStudio


def absent(adapter: LmStudio) -> Absent:
    (found,) = adapter.discover(Options())
    assert isinstance(found, Absent)
    assert found.name == "lmstudio"
    return found


def at(server: HTTPServer) -> LmStudio:
    return LmStudio(server.host, server.port)


def test_the_default_address_is_asked() -> None:
    adapter = LmStudio()
    assert (adapter.host, adapter.port) == ("127.0.0.1", 1234)


@pytest.mark.parametrize(
    ("system", "command"), [("Linux", "curl -fsSL https://lmstudio.ai/install.sh | bash"), ("Windows", "irm https://")]
)
def test_nothing_listening_names_the_address_and_the_official_install_command(
    monkeypatch: pytest.MonkeyPatch, system: str, command: str
) -> None:
    monkeypatch.setattr("platform.system", lambda: system)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    found = absent(LmStudio(port=port))
    assert found.reason.startswith(f"nothing answers at http://127.0.0.1:{port}: ")
    assert found.fix.startswith(command)
    assert found.fix.endswith("lms server start")


def test_its_greeting_is_recognised(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/lmstudio-greeting").respond_with_json({"lmstudio": True})
    assert "cannot probe it yet" in absent(at(httpserver)).reason


def test_a_list_of_models_is_recognised_where_the_greeting_is_unknown(httpserver: HTTPServer) -> None:
    # An unknown path answers 200 with an error.
    httpserver.expect_request("/lmstudio-greeting").respond_with_json({"error": "Unexpected endpoint or method. (GET /lmstudio-greeting)"})
    httpserver.expect_request("/api/v0/models").respond_with_json({"data": [], "object": "list"})
    assert "cannot probe it yet" in absent(at(httpserver)).reason


def test_another_openai_server_on_the_port_is_not_taken_for_lm_studio(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/v1/models").respond_with_json({"data": [{"id": "gemma"}], "object": "list"})
    httpserver.expect_request("/lmstudio-greeting").respond_with_data("Not Found", status=404)
    httpserver.expect_request("/api/v0/models").respond_with_data("Not Found", status=404)
    assert "is not LM Studio: /api/v0/models answers HTTP 404" in absent(at(httpserver)).reason


@pytest.mark.parametrize("body", ["[]", "{}", '{"data": 3}', "<html>", "[" * 100_000])
def test_nonsense_on_the_port_is_not_taken_for_lm_studio(httpserver: HTTPServer, body: str) -> None:
    httpserver.expect_request("/lmstudio-greeting").respond_with_data(body)
    httpserver.expect_request("/api/v0/models").respond_with_data(body)
    assert "is not LM Studio" in absent(at(httpserver)).reason


def test_nothing_can_be_loaded_or_asked() -> None:
    adapter = LmStudio()
    assert (adapter.routes("lmstudio"), adapter.models("lmstudio", []), adapter.levers("lmstudio")) == ((), (), ())
    with pytest.raises(EngineMissing):
        adapter.load("lmstudio", Model("gemma-4-e2b", "real", "google/gemma-4-e2b"), Config())
    with pytest.raises(EngineMissing):
        adapter.ask(Ask("chat.input_audio", "Transcribe."))
    adapter.unload()
