"""The adapter's surface: which server, which model, one ask after the other, and nothing left behind."""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtimeprobe.contract import (
    Absent,
    AbsentModel,
    AdapterError,
    Ask,
    Candidate,
    Config,
    Engine,
    EngineMissing,
    Lever,
    Loaded,
    LoadFailed,
    Model,
    ModelMissing,
    Options,
    Releases,
    Reply,
    Route,
    RouteMissing,
)
from runtimeprobe_ollama import find, knobs, routes

if TYPE_CHECKING:
    from runtimeprobe_ollama.server import Server


@dataclass(frozen=True, slots=True)
class Current:
    """What is loaded, and how."""

    server: "Server"
    name: str
    runner: dict[str, Any]
    levers: Mapping[str, str]
    on_every_route: bool  # the runner's options are the model's own parameters, so /v1 has them too


class Ollama:
    """Ollama's server."""

    runtime = "Ollama"

    def __init__(self) -> None:
        self._engine: Engine | None = None
        self._current: Current | None = None
        self._undo = contextlib.ExitStack()

    def discover(self, options: Options) -> Sequence[Engine | Absent]:
        found = find.discover(options)
        self._engine = found if isinstance(found, Engine) else None
        return [found]

    def routes(self, engine: str) -> Sequence[Route]:  # noqa: ARG002
        return routes.ROUTES

    def releases(self, engine: str) -> Releases:  # noqa: ARG002
        return Releases(program=find.ENGINE, compare="https://github.com/ollama/ollama/compare/v{before}...v{after}")

    def models(self, engine: str, candidates: Sequence[Candidate]) -> Sequence[Model | AbsentModel]:  # noqa: ARG002
        from runtimeprobe_ollama import models, twins

        guests = [twins.described(item) for item in candidates if item.weights == "twin" and item.text_gguf]
        with contextlib.ExitStack() as stack:
            try:
                server = self._server(stack)
            except (EngineMissing, LoadFailed):  # what is wrong with it, loading will say
                return guests
            return [*models.held(server), *guests]

    def levers(self, engine: str) -> Sequence[Lever]:  # noqa: ARG002
        return [knob.lever for knob in knobs.KNOBS]

    def load(self, engine: str, model: Model, config: Config) -> Loaded:  # noqa: ARG002
        from runtimeprobe_ollama import twins

        self.unload()
        knobs.check(config.levers)
        runner = knobs.for_runner(config)
        twin = model.weights == "twin"
        try:
            server = self._server(self._undo, guests_only=twin)
            name = model.name
            if twin:
                twins.sweep(server)
                # As parameters of the model they also hold on /v1, where no request can name them.
                guest = twins.Guest(server, model, runner)
                self._undo.callback(guest.leave)
                name = guest.name
            self._undo.enter_context(_unloading(server, name))
            loaded = _load(server, name, runner)
        except BaseException:
            self.unload()
            raise
        self._current = Current(server, name, runner, config.levers, on_every_route=twin)
        return loaded

    def ask(self, ask: Ask) -> Reply:
        from runtimeprobe_ollama import replies

        current = self._current
        if current is None:
            raise AdapterError("No model is loaded.", fix="Call load first.")
        known = [route.name for route in routes.ROUTES]
        if ask.route not in known:
            raise RouteMissing(f"Ollama has no route {ask.route}.", fix=f"Its routes: {', '.join(known)}.")
        if ask.clip and not Path(ask.clip).is_file():
            raise AdapterError(f"There is no clip at {ask.clip}.", fix="Give the path of a sound file.")
        wanted = knobs.for_ask(ask, current.levers)
        changed = {name for name in current.levers if not (current.on_every_route and knobs.BY_NAME[name].runner)}
        request = routes.request(ask, current.name, wanted, current.runner, changed)
        try:
            return replies.ask(current.server, current.name, request, ask)
        except EngineMissing:  # nothing was sent, for nobody was there
            if not current.server.comes_back():
                raise
        return replies.ask(current.server, current.name, request, ask)

    def unload(self) -> None:
        undo, self._undo, self._current = self._undo, contextlib.ExitStack(), None
        undo.close()

    def _server(self, stack: contextlib.ExitStack, *, guests_only: bool = False) -> "Server":
        """The server that was found, or one of ours that ends with `stack`."""
        if self._engine is None:
            raise EngineMissing("No Ollama was found.", fix="Start it: `ollama serve`.")
        from runtimeprobe_ollama.server import Server

        address = self._engine.endpoint
        if not address:
            from runtimeprobe.kit.afterwards import Afterwards, Remove
            from runtimeprobe_ollama.process import Process

            store = ""
            if guests_only:  # the user's own models need not know of our guests
                keeper = Afterwards()
                stack.callback(keeper.close)
                store = tempfile.mkdtemp(prefix="runtimeprobe-ollama-")
                keeper.add(Remove(store))
            process = Process(store)
            stack.callback(process.stop)
            address = process.address
        server = Server(address)
        stack.callback(server.close)
        return server


@contextlib.contextmanager
def _unloading(server: "Server", name: str) -> Iterator[None]:
    yield
    with contextlib.suppress(AdapterError):
        server.unload(name)


def _load(server: "Server", name: str, runner: Mapping[str, Any]) -> Loaded:
    from runtimeprobe_ollama import models

    shown = server.show(name)
    if shown.get("remote_host"):
        raise ModelMissing(f"{name} runs on {str(shown['remote_host'])[:80]}, not on this machine.", fix="Use a model that is here.")
    server.load(name, runner)
    listed = next((tag for tag in server.tags() if tag.get("model") == name), {})
    running = server.running(name)
    if running is None or (listed.get("digest") and running.get("digest") != listed["digest"]):
        raise LoadFailed(f"Ollama says it loaded {name}, and /api/ps does not show it.", words=str(running)[:300])
    details = models.details(shown)
    details |= {"digest": running.get("digest"), "context_length": running.get("context_length")}
    if server.transport.repeated:
        details["repeated"] = list(server.transport.repeated)
    return Loaded(models.claim(shown), device=_device(running), details=details, note=models.doubt(shown))


def _device(running: Mapping[str, Any]) -> str:
    """`ollama ps` computes the same from the same two numbers (cmd/cmd.go ListRunningHandler)."""
    size, on_accelerator = int(running.get("size") or 0), int(running.get("size_vram") or 0)
    if not size or on_accelerator <= 0:
        return "CPU"
    share = round(100 * on_accelerator / size)
    return "GPU" if share >= 100 else f"{100 - share}%/{share}% CPU/GPU"
