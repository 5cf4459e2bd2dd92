"""`python -m tests.emulators.lmstudio --behaviour NAME --models-folder DIR`: says its address, and stays."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

from tests.emulators.lmstudio import compat, native, words
from tests.emulators.lmstudio.behaviours import BEHAVIOURS
from tests.emulators.lmstudio.server import LmStudio
from tests.emulators.lmstudio.store import Store
from tests.emulators.serving import Exchange, arguments, run, serve

Route = Callable[[LmStudio, Exchange], None]


def greeting(_app: LmStudio, exchange: Exchange) -> None:
    """source: checkHttpServer in src/createClient.ts of lmstudio-ai/lms, which asks without a token."""
    exchange.json(200, {"lmstudio": True})


def unload_by_command(app: LmStudio, exchange: Exchange) -> None:
    """The emulator's own: `lms` talks to the app by another protocol."""
    exchange.json(200, {"unloaded": app.store.unload(json.loads(exchange.body())["identifier"])})


OLD: dict[tuple[str, str], Route] = {
    ("GET", "/lmstudio-greeting"): greeting,
    ("GET", "/api/v0/models"): native.models_v0,
    ("POST", "/api/v0/chat/completions"): native.chat_v0,
    ("GET", "/v1/models"): compat.models,
    ("POST", "/v1/chat/completions"): compat.chat,
    ("POST", "/v1/responses"): compat.responses,
    ("POST", "/emulator/unload"): unload_by_command,
}
V1: dict[tuple[str, str], Route] = {
    ("GET", "/api/v1/models"): native.models,
    ("POST", "/api/v1/models/load"): native.load,
    ("POST", "/api/v1/models/unload"): native.unload,
    ("POST", "/api/v1/chat"): native.chat,
}
FUTURE: dict[tuple[str, str], Route] = {("POST", "/v1/audio/transcriptions"): compat.transcriptions}


def main() -> None:
    parser = arguments("LM Studio as its sources describe it, with a real engine behind.", list(BEHAVIOURS))
    parser.add_argument("--models-folder", type=Path, required=True)
    parser.add_argument("--token", default="")
    given = parser.parse_args()
    behaviour = BEHAVIOURS[given.behaviour]
    app = LmStudio(Store(given.models_folder, behaviour), behaviour, given.token)
    routes = OLD | (V1 if behaviour.v1 else {}) | (FUTURE if behaviour.sound != "rejected" else {})

    def application(exchange: Exchange) -> None:
        app.be_silent(exchange)
        route = routes.get((exchange.command, exchange.route))
        if route in (greeting, unload_by_command):
            route(app, exchange)
        elif app.may_ask(exchange) and not app.stumble(exchange):
            if route is None:
                exchange.body()
                message = words.UNKNOWN_ROUTE.format(method=exchange.command, route=exchange.route)
                exchange.json(200, {"error": message}, X_Powered_By="Express")
            else:
                route(app, exchange)

    server = serve(application, given.port)
    try:
        run(server, end_with_stdin=given.end_with_stdin)
    finally:
        for name in list(app.store.instances):
            app.store.unload(name)
    sys.exit(0)


if __name__ == "__main__":
    main()
