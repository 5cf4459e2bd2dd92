"""Requests to LM Studio's server. The shape of the JSON decides, never the status: an unknown route answers 200 with an error in it."""

import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from runtimeprobe.contract import AdapterError, BadReply
from runtimeprobe.kit.reply import parse
from runtimeprobe_lmstudio import errors

if TYPE_CHECKING:
    import httpx

DONE = "[DONE]"
AGAIN_S = 0.5
Event = tuple[str, dict[str, Any]]


class Server:
    """One server. `address` from kit.address.checked. Close it."""

    def __init__(self, address: str, token: str = "", *, read_s: float | None = None) -> None:
        from runtimeprobe.kit import http

        self.address = address
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = http.client(address, headers=headers, read_s=http.READ_S if read_s is None else read_s)

    def close(self) -> None:
        self._client.close()

    def get(self, path: str) -> dict[str, Any]:
        """The JSON object at `path`. A page of HTML from a server that stumbled is asked for once more."""
        for attempt in (1, 2):
            response = self._client.get(path)
            if attempt == 1 and response.status_code >= 500 and not response.content.lstrip().startswith(b"{"):
                time.sleep(AGAIN_S)
                continue
            return page(path, response)
        raise AssertionError

    def post(self, path: str, body: Mapping[str, Any], otherwise: type[AdapterError] = AdapterError) -> dict[str, Any]:
        return page(path, self._client.post(path, json=body), otherwise)

    def upload(self, path: str, fields: Mapping[str, str], name: str, data: bytes) -> dict[str, Any]:
        return page(path, self._client.post(path, data=fields, files={"file": (name, data, "application/octet-stream")}))

    @contextlib.contextmanager
    def events(self, path: str, body: Mapping[str, Any]) -> Iterator[Iterator[Event]]:
        """The events of one streamed reply; closed with the block, which stops the engine too."""
        with self._client.stream("POST", path, json=body) as response:
            if response.headers.get("content-type", "").startswith("text/event-stream"):
                yield _events(response)
                return
            response.read()
            page(path, response)
            raise BadReply("LM Studio answered with one page where a stream belongs.", words=response.text[: errors.MAX_WORDS])


def page(path: str, response: "httpx.Response", otherwise: type[AdapterError] = AdapterError) -> dict[str, Any]:
    """A whole reply. Raises what it reports, or BadReply for a status that promises a reason and gives none."""

    status = response.status_code
    try:
        data = parse(response.content)
    except BadReply as error:
        if status == 200:
            raise
        raise BadReply(f"LM Studio answered {path} with status {status} and no JSON.", words=error.words) from error
    errors.raise_reported(data, f"answered {path} with an error", otherwise)
    if status >= 400:
        raise BadReply(f"LM Studio answered {path} with status {status} and no reason.", words=response.text[: errors.MAX_WORDS])
    return data


def _events(response: "httpx.Response") -> Iterator[Event]:
    from runtimeprobe.kit import http

    for name, text in http.events(response):
        if text == DONE:
            yield DONE, {}
            continue
        data = parse(text)
        errors.raise_reported(data, "broke off its reply with an error")
        kind = data.get("type")
        yield name or (kind if isinstance(kind, str) else ""), data
