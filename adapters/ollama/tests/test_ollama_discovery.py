"""What is said of Ollama: always why it was not probed, never that it can be."""

import socket
import threading
from collections.abc import Iterator

import pytest
from pytest_httpserver import HTTPServer

from runtimeprobe.contract import Absent, Ask, Config, EngineMissing, Model, Options
from runtimeprobe_ollama import Ollama, address


def absent(options: Options | None = None) -> Absent:
    (found,) = Ollama().discover(options or Options())
    assert isinstance(found, Absent)
    assert found.name == "ollama"
    return found


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def mute_port() -> Iterator[int]:
    """Accepts connections and says one byte every now and then, for ever."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stop = threading.Event()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
                while not stop.wait(0.2):
                    connection.sendall(b" ")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        stop.set()
        thread.join()


def test_nothing_listening_names_the_address_and_the_official_install_command(monkeypatch: pytest.MonkeyPatch, closed_port: int) -> None:
    monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{closed_port}")
    monkeypatch.setattr("platform.system", lambda: "Linux")
    found = absent()
    assert found.reason.startswith(f"nothing answers at http://127.0.0.1:{closed_port}: ")
    assert found.fix == "curl -fsSL https://ollama.com/install.sh | sh; then: ollama serve"


def test_the_install_command_is_that_of_the_operating_system(monkeypatch: pytest.MonkeyPatch, closed_port: int) -> None:
    monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{closed_port}")
    monkeypatch.setattr("platform.system", lambda: "Windows")
    assert absent().fix.startswith("irm https://ollama.com/install.ps1 | iex")


def test_a_server_that_answers_is_named_with_its_version(monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/version").respond_with_json({"version": "0.33.0"})
    monkeypatch.setenv("OLLAMA_HOST", httpserver.url_for(""))
    where = f"http://{httpserver.host}:{httpserver.port}"
    assert absent().reason == f"answers at {where}, version 0.33.0, but this release of runtimeprobe cannot probe it yet"


@pytest.mark.parametrize("body", ["[]", "{}", '{"version": 3}', "<html>", "[" * 100_000, '{"version": "' + "9" * 2_000_000 + '"}'])
def test_something_else_on_the_port_is_not_taken_for_ollama(monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer, body: str) -> None:
    httpserver.expect_request("/api/version").respond_with_data(body)
    monkeypatch.setenv("OLLAMA_HOST", httpserver.url_for(""))
    assert "is not Ollama" in absent().reason


def test_a_redirect_is_not_followed(monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/version").respond_with_data("", status=302, headers={"Location": "/elsewhere"})
    httpserver.expect_request("/elsewhere").respond_with_json({"version": "1"})
    monkeypatch.setenv("OLLAMA_HOST", httpserver.url_for(""))
    assert "answers HTTP 302" in absent().reason


def test_a_server_that_trickles_is_given_up(monkeypatch: pytest.MonkeyPatch, mute_port: int) -> None:
    monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{mute_port}")
    assert "no whole answer within 1 s" in absent().reason


def test_another_machine_is_not_asked_unless_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "192.0.2.1:11434")  # TEST-NET-1, RFC 5737: nobody's
    monkeypatch.setattr("runtimeprobe_ollama.http.get_json", lambda *_: pytest.fail("it was asked"))
    assert absent().reason == "OLLAMA_HOST names http://192.0.2.1:11434, which is not this machine: not asked"


def test_another_machine_is_asked_when_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, ...]] = []

    def get(*given: object) -> dict[str, str]:
        asked.append(given)
        return {"version": "0.33.0"}

    monkeypatch.setenv("OLLAMA_HOST", "192.0.2.1:11434")
    monkeypatch.setattr("runtimeprobe_ollama.http.get_json", get)
    assert "answers at http://192.0.2.1:11434" in absent(Options(allow_remote=True)).reason
    assert asked == [("http", "192.0.2.1", 11434, "/api/version")]


@pytest.mark.parametrize(
    ("text", "url", "loopback"),
    [
        ("", "http://127.0.0.1:11434", True),
        ("0.0.0.0", "http://127.0.0.1:11434", True),  # noqa: S104
        ("[::]:1", "http://127.0.0.1:1", True),
        (":99", "http://127.0.0.1:99", True),
        ("localhost", "http://localhost:11434", True),
        ("::1", "http://[::1]:11434", True),
        ("[::1]:9", "http://[::1]:9", True),
        ("http://[::1]", "http://[::1]:80", True),
        (' "1.2.3.4:5" ', "http://1.2.3.4:5", False),
        ("https://example.com:7/path", "https://example.com:7", False),
        ("https://example.com", "https://example.com:443", False),
        ("example.com:70000", "http://example.com:11434", False),
    ],
)
def test_the_address_is_read_as_ollama_reads_it(text: str, url: str, loopback: bool) -> None:
    found = address.parse(text)
    assert (str(found), found.loopback) == (url, loopback)


def test_nothing_can_be_loaded_or_asked() -> None:
    adapter = Ollama()
    assert (adapter.routes("ollama"), adapter.models("ollama", []), adapter.levers("ollama")) == ((), (), ())
    with pytest.raises(EngineMissing):
        adapter.load("ollama", Model("gemma-4-e2b", "real", "gemma4:e2b"), Config())
    with pytest.raises(EngineMissing):
        adapter.ask(Ask("api.chat.images", "Transcribe."))
    adapter.unload()
