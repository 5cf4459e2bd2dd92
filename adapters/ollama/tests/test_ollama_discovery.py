"""Which server is taken for Ollama, and what is said where none is."""

import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from runtimeprobe.contract import Absent, Engine, Options
from runtimeprobe_ollama import Ollama, address, find
from runtimeprobe_ollama.server import Server


def discover(*endpoints: str, **more: bool) -> Engine | Absent:
    (found,) = Ollama().discover(Options(endpoints=endpoints, **more))
    assert found.name == "ollama"
    return found


def absent(*endpoints: str, **more: bool) -> Absent:
    found = discover(*endpoints, **more)
    assert isinstance(found, Absent)
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
                    try:
                        connection.sendall(b" ")
                    except OSError:
                        return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        stop.set()
        thread.join()


@pytest.fixture
def ollama_server(httpserver: HTTPServer) -> HTTPServer:
    httpserver.expect_request("/api/version").respond_with_json({"version": "0.33.0"})
    return httpserver


def where(server: HTTPServer) -> str:
    return f"http://{server.host}:{server.port}"


def test_nothing_listening_names_the_address_and_the_official_install_command(monkeypatch: pytest.MonkeyPatch, closed_port: int) -> None:
    monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{closed_port}")
    monkeypatch.setattr("platform.system", lambda: "Linux")
    found = absent()
    assert found.reason == f"nothing answers at http://127.0.0.1:{closed_port}: [Errno 111] Connection refused"
    assert found.fix == "curl -fsSL https://ollama.com/install.sh | sh; then: ollama serve"


def test_the_install_command_is_that_of_the_operating_system(monkeypatch: pytest.MonkeyPatch, closed_port: int) -> None:
    monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{closed_port}")
    monkeypatch.setattr("platform.system", lambda: "Windows")
    assert absent().fix.startswith("irm https://ollama.com/install.ps1 | iex")


def test_a_server_that_answers_is_an_engine_with_version_endpoint_and_the_word_of_caution(
    monkeypatch: pytest.MonkeyPatch, ollama_server: HTTPServer
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", where(ollama_server))
    assert discover() == Engine("ollama", "0.33.0", endpoint=where(ollama_server), note=find.NOTE)
    assert "only against an emulator" in find.NOTE


def test_the_first_endpoint_that_is_ollama_is_taken(ollama_server: HTTPServer) -> None:
    """LM Studio answers 200 with an error to routes that it does not have."""
    with HTTPServer() as lmstudio:
        lmstudio.expect_request("/api/version").respond_with_json({"error": "Unexpected endpoint or method. (GET /api/version)"})
        found = discover(where(lmstudio), where(ollama_server))
        assert isinstance(found, Engine)
        assert found.endpoint == where(ollama_server)
        assert where(lmstudio) not in absent(where(lmstudio)).reason


def test_an_endpoint_where_nothing_answers_is_named(closed_port: int) -> None:
    found = absent(f"http://127.0.0.1:{closed_port}")
    assert f"nothing answers at http://127.0.0.1:{closed_port}: " in found.reason
    assert "nothing answers at http://127.0.0.1:9: " in found.reason


@pytest.mark.parametrize(
    "body", ["[]", "{}", '{"version": 3}', '{"version": ""}', "<html>", "[" * 100_000, '{"version": "1", "version": "2"}']
)
def test_something_else_on_the_port_is_not_taken_for_ollama(monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer, body: str) -> None:
    httpserver.expect_request("/api/version").respond_with_data(body)
    monkeypatch.setenv("OLLAMA_HOST", httpserver.url_for(""))
    assert f"what answers at {where(httpserver)} is not Ollama" in absent().reason


def test_a_redirect_is_not_followed(monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/version").respond_with_data("", status=302, headers={"Location": "/elsewhere"})
    httpserver.expect_request("/elsewhere").respond_with_json({"version": "1"})
    monkeypatch.setenv("OLLAMA_HOST", httpserver.url_for(""))
    assert "a redirect, which is not followed" in absent().reason


def test_a_server_that_trickles_is_given_up(monkeypatch: pytest.MonkeyPatch, mute_port: int) -> None:
    monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{mute_port}")
    assert "no whole answer within 1 s" in absent().reason


def test_another_machine_is_not_asked_unless_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtimeprobe_ollama.server.Server.version", lambda _: pytest.fail("it was asked"))
    monkeypatch.setenv("OLLAMA_HOST", "192.0.2.1:11434")  # TEST-NET-1, RFC 5737: nobody's
    assert absent().reason == "OLLAMA_HOST names http://192.0.2.1:11434, which is not this machine: not asked"


def test_a_remote_endpoint_is_asked_only_when_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def version(server: Server) -> str:
        asked.append(server.address)
        return "0.33.0"

    with monkeypatch.context() as patch:
        patch.setattr("runtimeprobe_ollama.server.Server.version", version)
        found = discover("http://192.0.2.1:11434", allow_remote=True)
        assert isinstance(found, Engine)
        assert asked == ["http://192.0.2.1:11434"]
    assert "192.0.2.1 is not this machine. It was not asked." in absent("http://192.0.2.1:11434").reason


def test_an_environment_without_the_packages_says_which_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find, "NEEDS", ("httpx", "no_such_package"))
    assert absent() == Absent("ollama", "this Python environment lacks no_such_package", "pip install no_such_package")


def test_the_module_is_light_to_import() -> None:
    code = "import sys, runtimeprobe_ollama; print(sorted(name for name in ('httpx', 'ollama', 'pydantic') if name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def program(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    path = folder / "ollama"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def test_a_program_on_path_is_an_engine_whose_server_we_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """cmd/cmd.go versionHandler: what `ollama --version` says when no server runs."""
    program(tmp_path, monkeypatch, "echo 'Warning: could not connect to a running instance'; echo 'Warning: client version is 0.33.0'")
    assert shutil.which("ollama") == str(tmp_path / "ollama")
    assert discover() == Engine("ollama", "0.33.0", note=find.NOTE)


def test_no_start_forbids_to_start_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program(tmp_path, monkeypatch, "touch $0.was-run")
    found = absent(start_servers=False)
    assert "starting servers is switched off" in found.reason
    assert found.fix == "start it yourself: ollama serve"
    assert not (tmp_path / "ollama.was-run").exists()


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
