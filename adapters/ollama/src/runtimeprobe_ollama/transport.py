"""The kit's transport, with two habits more: one page of HTML instead of an answer is asked past once, and no credentials go out."""

import httpx

from runtimeprobe.kit import http

# Asked twice, these do no more than asked once. An answer with a status of its own has not begun, so no token is lost or paid for twice.
REPEATABLE = (
    "/api/version",
    "/api/tags",
    "/api/ps",
    "/api/show",
    "/api/chat",
    "/api/generate",
    "/v1/chat/completions",
    "/v1/audio/transcriptions",
)


class Transport(http.Transport):
    """`repeated`: what had to be asked twice."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.repeated: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        # The ollama package sends OLLAMA_API_KEY, which is ollama.com's, to whatever server it is pointed at.
        request.headers.pop("Authorization", None)
        response = super().handle_request(request)
        html = response.headers.get("Content-Type", "").startswith("text/html")
        if response.status_code < 500 or not html or request.url.path not in REPEATABLE:
            return response
        response.read()
        response.close()
        self.repeated.append(f"{request.url.path} answered HTTP {response.status_code} with a page of HTML and was asked once more")
        return super().handle_request(request)
