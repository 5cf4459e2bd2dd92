"""One Ollama server: its models, and what is asked of it beside answers.

The `ollama` package where it gives all there is; httpx where it drops what is needed (version, and projector_info of show, are not in it).
"""

import contextlib
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import ollama

from runtimeprobe.contract import AdapterError, BadReply, LoadFailed
from runtimeprobe.kit import http
from runtimeprobe.kit.reply import parse
from runtimeprobe_ollama import errors
from runtimeprobe_ollama.transport import Transport

LOOK_S = 1.0  # for a server to say who it is
SHORT_S = 15.0  # of silence, for everything but loading and answers
UNLOAD_S = 5.0
RETURN_S = 5.0  # the unit that Ollama installs restarts it after 3 s (scripts/install.sh)
POLL_S = 0.1


class Server:
    """`address`: from kit.address.checked."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.transport = Transport(address)
        self._given_up = False
        limits = httpx.Timeout(http.READ_S, connect=http.CONNECT_S)
        headers = {"Accept-Encoding": "identity"}  # see kit.http.client
        self.http = httpx.Client(base_url=address, transport=self.transport, timeout=limits, headers=headers)
        self._package = ollama.Client(
            host=address, transport=self.transport, timeout=limits, headers={"accept-encoding": "identity"}, follow_redirects=False
        )

    def close(self) -> None:
        self.http.close()
        self._package.close()  # type: ignore[no-untyped-call]

    def version(self) -> str:
        """Raises an AdapterError for what does not answer as Ollama does."""
        version = self._get("/api/version", LOOK_S).get("version")
        if not isinstance(version, str) or not version:
            raise BadReply("/api/version names no version")
        return version[:64]

    def comes_back(self) -> bool:
        """Whether a server that is gone answers again before long. Asked once more in vain, it is not waited for again."""
        end = time.monotonic() + RETURN_S
        while not self._given_up:
            with contextlib.suppress(AdapterError):
                self.version()
                return True
            self._given_up = time.monotonic() > end
            time.sleep(POLL_S)
        return False

    def tags(self) -> list[Mapping[str, Any]]:
        with self._told("/api/tags"):
            return [model.model_dump() for model in self._package.list().models]

    def show(self, name: str) -> dict[str, Any]:
        response = self.http.post("/api/show", json={"model": name}, timeout=SHORT_S)
        return self._object(response)

    def running(self, name: str) -> Mapping[str, Any] | None:
        """What /api/ps says of a model."""
        with self._told("/api/ps"):
            for model in self._package.ps().models:
                if model.model and same(model.model, name):
                    return model.model_dump()
        return None

    def load(self, name: str, options: Mapping[str, Any], keep_alive: str = "30m") -> None:
        """A chat without messages loads (docs/api.md, "Load a model")."""
        body = {"model": name, "messages": [], "options": options, "keep_alive": keep_alive, "stream": False}
        reply = self._object(self.http.post("/api/chat", json=body))
        if reply.get("done_reason") != "load" or not same(str(reply.get("model")), name):
            raise LoadFailed(f"Ollama answered a request to load {name} with something else.", words=str(reply)[: errors.MAX_WORDS])

    def unload(self, name: str) -> None:
        body = {"model": name, "messages": [], "keep_alive": 0, "stream": False}
        self._object(self.http.post("/api/chat", json=body, timeout=UNLOAD_S))

    def upload(self, digest: str, path: str) -> None:
        if self.http.head(f"/api/blobs/{digest}", timeout=SHORT_S).status_code == 200:
            return
        with self._told("/api/blobs"):
            sent = self._package.create_blob(Path(path))
        if sent != digest:
            raise LoadFailed(f"{path} changed while it was read.")

    def create(self, name: str, files: Mapping[str, str], parameters: Mapping[str, Any]) -> None:
        last = ""
        with self._told("/api/create"):
            for progress in self._package.create(model=name, files=dict(files), parameters=dict(parameters), stream=True):
                last = progress.status or ""
        if last != "success":
            raise LoadFailed(f"Ollama's /api/create ended with {last[:80]!r} instead of success.")

    def delete(self, name: str) -> None:
        with self._told("/api/delete"):
            self._package.delete(name)

    def _get(self, path: str, limit_s: float) -> dict[str, Any]:
        """Within `limit_s` as a whole, also from a server that says a byte now and then."""
        end = time.monotonic() + limit_s
        data = b""
        with self.http.stream("GET", path, timeout=limit_s) as response:
            for chunk in response.iter_bytes():
                data += chunk
                if time.monotonic() > end:
                    raise BadReply(f"no whole answer within {limit_s:g} s")
        if response.status_code != 200:
            raise errors.from_status(response.status_code, data.decode("utf-8", "replace"), path)
        return parse(data)

    def _object(self, response: httpx.Response) -> dict[str, Any]:
        """Never the status alone: an error may come with 200."""
        path = response.request.url.path
        if response.status_code != 200:
            raise errors.from_status(response.status_code, response.text, path)
        data = parse(response.content)
        if errors.reported(data) is not None:
            raise errors.from_words(errors.innermost(data), f"answered {path} with an error")
        return data

    @contextlib.contextmanager
    def _told(self, path: str) -> Iterator[None]:
        """The package's errors as the contract's."""
        try:
            yield
        except ollama.ResponseError as error:
            raise errors.from_status(error.status_code if error.status_code > 0 else 200, _json(error.error), path) from error
        except (ValueError, TypeError) as error:  # no JSON, or JSON of another shape (pydantic's ValidationError is a ValueError)
            raise BadReply(
                f"Ollama's answer to {path} is not what its documentation says.", words=str(error)[: errors.MAX_WORDS]
            ) from error


def _json(words: str) -> str:
    """ResponseError keeps either the body or what stood under `error` in it."""
    return words if words.lstrip().startswith(("{", "<")) else json.dumps({"error": words})


def same(first: str, second: str) -> bool:
    """Whether two names are one model's: Ollama adds `:latest` (types/model/name.go DefaultName)."""
    return _whole(first) == _whole(second)


def _whole(name: str) -> str:
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"
