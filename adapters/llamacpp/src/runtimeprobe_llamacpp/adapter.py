"""The adapter: picks the engine, checks the files, merges levers into asks. The engines do the rest."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from runtimeprobe.contract import (
    Absent,
    AdapterError,
    Ask,
    Candidate,
    Config,
    Engine,
    EngineMissing,
    Lever,
    Loaded,
    Model,
    ModelMissing,
    Options,
    Releases,
    Reply,
    Route,
    RouteMissing,
)
from runtimeprobe.kit import gguf
from runtimeprobe_llamacpp import files, knobs
from runtimeprobe_llamacpp.backend import Backend, Request
from runtimeprobe_llamacpp.embedded import Xllamacpp
from runtimeprobe_llamacpp.python_binding import LlamaCppPython
from runtimeprobe_llamacpp.server import LlamaServer


class LlamaCpp:
    """llama.cpp through the programs that embed it."""

    runtime = "llama.cpp"

    def __init__(self) -> None:
        backends: tuple[Backend, ...] = (Xllamacpp(), LlamaCppPython(), LlamaServer())
        self._backends: Mapping[str, Backend] = MappingProxyType({backend.name: backend for backend in backends})
        self._current: Backend | None = None
        self._levers: Mapping[str, str] = {}

    def discover(self, options: Options) -> Sequence[Engine | Absent]:
        return [backend.discover(options) for backend in self._backends.values()]

    def routes(self, engine: str) -> Sequence[Route]:
        return self._backend(engine).routes

    def releases(self, engine: str) -> Releases:
        return self._backend(engine).releases

    def models(self, engine: str, candidates: Sequence[Candidate]) -> Sequence[Model]:
        served = self._backend(engine).served(candidates)
        if served is not None:
            return served
        return [files.describe(candidate) for candidate in candidates if candidate.text_gguf]

    def levers(self, engine: str) -> Sequence[Lever]:
        return [knob.lever for knob in (*self._backend(engine).knobs, *knobs.PER_ASK)]

    def load(self, engine: str, model: Model, config: Config) -> Loaded:
        backend = self._backend(engine)
        self.unload()
        knobs.check(engine, (*backend.knobs, *knobs.PER_ASK), config.levers)
        if backend.served(()) is None:
            _check_files(model)
        # Set before loading: whatever a failing load has started is stopped by the same unload.
        self._current = backend
        self._levers = config.levers
        try:
            return backend.load(model, config)
        except BaseException:
            self.unload()
            raise

    def ask(self, ask: Ask) -> Reply:
        backend = self._current
        if backend is None:
            raise AdapterError("No model is loaded.", fix="Call load first.")
        if ask.route not in {route.name for route in backend.routes}:
            known = ", ".join(route.name for route in backend.routes)
            raise RouteMissing(f"{backend.name} has no route {ask.route}.", fix=f"Its routes: {known}.")
        if ask.clip and not Path(ask.clip).is_file():
            raise AdapterError(f"There is no clip at {ask.clip}.", fix="Give the path of a sound file.")
        sampling, thinking = knobs.for_ask(ask, self._levers)
        return backend.ask(Request(ask, sampling, thinking))

    def unload(self) -> None:
        current, self._current = self._current, None
        if current is not None:
            current.unload()

    def _backend(self, engine: str) -> Backend:
        try:
            return self._backends[engine]
        except KeyError:
            known = ", ".join(self._backends)
            raise EngineMissing(f"llama.cpp has no engine named {engine}.", fix=f"Its engines: {known}.") from None


def _check_files(model: Model) -> None:
    """What is certain to fail is said in our words before native code reads it."""
    for path in filter(None, (model.name, model.projector)):
        if not Path(path).is_file():
            raise ModelMissing(f"There is no file {path}.", fix="Check the path, or run `runtimeprobe doctor`.")
        gguf.read_keys(path)
