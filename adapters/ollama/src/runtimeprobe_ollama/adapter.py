"""The adapter's surface. It never returns an `Engine`, so that nothing is said of Ollama which was not measured."""

import os
import platform
from collections.abc import Sequence

from runtimeprobe.contract import Absent, Ask, Candidate, Config, Engine, EngineMissing, Lever, Loaded, Model, Options, Reply, Route
from runtimeprobe_ollama import address, http

ENGINE = "ollama"
# https://ollama.com/download
INSTALL = {"Windows": "irm https://ollama.com/install.ps1 | iex"}
INSTALL_ELSEWHERE = "curl -fsSL https://ollama.com/install.sh | sh"
UPGRADE = "pip install --upgrade runtimeprobe runtimeprobe-ollama"


def install_command() -> str:
    return INSTALL.get(platform.system(), INSTALL_ELSEWHERE)


class Ollama:
    """Ollama's server."""

    runtime = "Ollama"

    def discover(self, options: Options) -> Sequence[Engine | Absent]:
        where = address.parse(os.environ.get("OLLAMA_HOST", ""))
        if not where.loopback and not options.allow_remote:
            reason = f"OLLAMA_HOST names {where}, which is not this machine: not asked"
            return [Absent(ENGINE, reason, "unset OLLAMA_HOST, or pass --allow-remote")]
        try:
            answer = http.get_json(where.scheme, where.host, where.port, "/api/version")
        except http.NoAnswerError as error:
            return [Absent(ENGINE, f"nothing answers at {where}: {error}", f"{install_command()}; then: ollama serve")]
        except http.StrangeAnswerError as error:
            return [Absent(ENGINE, f"what answers at {where} is not Ollama: {error}", "point OLLAMA_HOST to Ollama")]
        version = answer.get("version")
        if not isinstance(version, str):
            return [Absent(ENGINE, f"what answers at {where} is not Ollama: /api/version names no version", "point OLLAMA_HOST to Ollama")]
        reason = f"answers at {where}, version {version[:64]}, but this release of runtimeprobe cannot probe it yet"
        return [Absent(ENGINE, reason, UPGRADE)]

    def routes(self, engine: str) -> Sequence[Route]:  # noqa: ARG002
        return ()

    def models(self, engine: str, candidates: Sequence[Candidate]) -> Sequence[Model]:  # noqa: ARG002
        return ()

    def levers(self, engine: str) -> Sequence[Lever]:  # noqa: ARG002
        return ()

    def load(self, engine: str, model: Model, config: Config) -> Loaded:  # noqa: ARG002
        raise EngineMissing("this release of runtimeprobe cannot probe Ollama yet", fix=UPGRADE)

    def ask(self, ask: Ask) -> Reply:  # noqa: ARG002
        raise EngineMissing("this release of runtimeprobe cannot probe Ollama yet", fix=UPGRADE)

    def unload(self) -> None:
        """Nothing was loaded."""
