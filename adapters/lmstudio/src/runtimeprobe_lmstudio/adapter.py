"""The adapter's surface. It never returns an `Engine`, so that nothing is said of LM Studio which was not measured."""

import platform
from collections.abc import Sequence

from runtimeprobe.contract import Absent, Ask, Candidate, Config, Engine, EngineMissing, Lever, Loaded, Model, Options, Reply, Route
from runtimeprobe_lmstudio import http

ENGINE = "lmstudio"
HOST, PORT = "127.0.0.1", 1234  # https://lmstudio.ai/docs/developer/core/server
# https://lmstudio.ai/docs/developer
INSTALL = {"Windows": "irm https://lmstudio.ai/install.ps1 | iex"}
INSTALL_ELSEWHERE = "curl -fsSL https://lmstudio.ai/install.sh | bash"
UPGRADE = "pip install --upgrade runtimeprobe runtimeprobe-lmstudio"


def install_command() -> str:
    return INSTALL.get(platform.system(), INSTALL_ELSEWHERE)


def recognise(host: str, port: int) -> bool:
    """Whether it is LM Studio: other servers answer /v1/models on this port too, and its own answers 200 to paths it does not know."""
    try:
        if http.get_json("http", host, port, "/lmstudio-greeting").get("lmstudio") is True:
            return True
    except http.StrangeAnswerError:
        pass
    models = http.get_json("http", host, port, "/api/v0/models").get("data")
    return isinstance(models, list)


class LmStudio:
    """LM Studio's server, in the app or headless."""

    runtime = "LM Studio"

    def __init__(self, host: str = HOST, port: int = PORT) -> None:
        self.host, self.port = host, port

    def discover(self, options: Options) -> Sequence[Engine | Absent]:  # noqa: ARG002 (only the loopback address is asked)
        where = f"http://{self.host}:{self.port}"
        try:
            found = recognise(self.host, self.port)
        except http.NoAnswerError as error:
            fix = f"{install_command()}; then: lms daemon up && lms server start"
            return [Absent(ENGINE, f"nothing answers at {where}: {error}", fix)]
        except http.StrangeAnswerError as error:
            return [Absent(ENGINE, f"what answers at {where} is not LM Studio: {error}", f"lms server start --port {PORT}")]
        if not found:
            return [Absent(ENGINE, f"what answers at {where} is not LM Studio: no list of models", f"lms server start --port {PORT}")]
        # Its HTTP interface does not tell the app's version.
        return [Absent(ENGINE, f"answers at {where}, version not told, but this release of runtimeprobe cannot probe it yet", UPGRADE)]

    def routes(self, engine: str) -> Sequence[Route]:  # noqa: ARG002
        return ()

    def models(self, engine: str, candidates: Sequence[Candidate]) -> Sequence[Model]:  # noqa: ARG002
        return ()

    def levers(self, engine: str) -> Sequence[Lever]:  # noqa: ARG002
        return ()

    def load(self, engine: str, model: Model, config: Config) -> Loaded:  # noqa: ARG002
        raise EngineMissing("this release of runtimeprobe cannot probe LM Studio yet", fix=UPGRADE)

    def ask(self, ask: Ask) -> Reply:  # noqa: ARG002
        raise EngineMissing("this release of runtimeprobe cannot probe LM Studio yet", fix=UPGRADE)

    def unload(self) -> None:
        """Nothing was loaded."""
