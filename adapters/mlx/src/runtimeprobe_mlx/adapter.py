"""The adapter: which engine, which model, and whether it is asked in this process or through the server."""

import contextlib
import gc
import os
from collections.abc import Sequence
from pathlib import Path

from runtimeprobe.contract import (
    Absent,
    AdapterError,
    Ask,
    Candidate,
    Claim,
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
    Step,
)
from runtimeprobe_mlx import device, engines, folder, tracing
from runtimeprobe_mlx.lm import InProcess as Lm
from runtimeprobe_mlx.served import Served
from runtimeprobe_mlx.vlm import InProcess as Vlm

BOTH_BYTES = 1 << 30  # above this only one copy of the model is held: in this process or in the server


class Mlx:
    """MLX. One model at a time; engines are imported by `load`."""

    runtime = "MLX"

    def __init__(self) -> None:
        self.engine = ""
        self.model: Model | None = None
        self.config = Config()
        self.here: Vlm | Lm | None = None
        self.served: Served | None = None

    def discover(self, options: Options) -> Sequence[Engine | Absent]:  # noqa: ARG002 (MLX has no endpoints)
        return [engines.discover_one(row) for row in engines.ENGINES.values()]

    def routes(self, engine: str) -> Sequence[Route]:
        return self.row(engine).routes

    def levers(self, engine: str) -> Sequence[Lever]:
        return self.row(engine).levers

    def releases(self, engine: str) -> Releases:
        return engines.releases(self.row(engine))

    def models(self, engine: str, candidates: Sequence[Candidate]) -> Sequence[Model]:
        found = []
        for candidate in candidates:
            if not candidate.hf_folder:
                continue
            facts = folder.facts(Path(candidate.hf_folder))
            found.append(
                Model(
                    candidate.model,
                    candidate.weights,
                    candidate.hf_folder,
                    quantization=facts.quantization,
                    projector_quantization=facts.audio_quantization if engine == engines.VLM else "",
                    digest=facts.digest,
                    size_bytes=facts.size_bytes,
                    claim=facts.claim if engine == engines.VLM else Claim.NO,
                )
            )
        return found

    def load(self, engine: str, model: Model, config: Config) -> Loaded:
        row = self.row(engine)
        self.unload()
        if not engines.version_of(row.name):
            raise EngineMissing(f"{row.name} is not installed", fix=engines.install_command(row.name))
        folder.check(Path(model.name))
        os.environ.setdefault("HF_HUB_OFFLINE", "1")  # the folder is all there is: no engine may look anything up elsewhere
        if config.levers.get("device"):
            device.choose(config.levers["device"])
        self.engine, self.model, self.config = engine, model, config
        self.here = self.load_here()
        return self.here.loaded()

    def load_here(self) -> Vlm | Lm:
        assert self.model
        return (Vlm if self.engine == engines.VLM else Lm)(self.model.name, self.config)

    def ask(self, ask: Ask) -> Reply:
        if not self.model:
            raise ModelMissing("no model is loaded", fix="call load first")
        if ask.route not in {route.name for route in self.row(self.engine).routes}:
            raise RouteMissing(f"{self.engine} has no route {ask.route}", fix="runtimeprobe doctor lists the routes")
        if ask.route in engines.SERVER_ROUTES:
            return self.through_server().ask(ask)
        if self.here is None:
            self.stop_server()
            self.here = self.load_here()
        return self.here.ask(ask)

    def trace(self, ask: Ask) -> Sequence[Step]:
        """The server is another process: only the model in this one can be looked into."""
        if ask.route in engines.SERVER_ROUTES or not isinstance(self.here, Vlm):
            return ()
        return tracing.trace(self.here, ask)

    def through_server(self) -> Served:
        assert self.model
        if self.served and self.served.server.process.poll() is not None:
            self.stop_server()
        if not self.served:
            if self.model.size_bytes > BOTH_BYTES:
                self.forget_here()
            self.served = Served(self.model.name, self.config)
        return self.served

    def unload(self) -> None:
        self.stop_server()
        self.forget_here()
        self.engine, self.model = "", None

    def stop_server(self) -> None:
        if self.served:
            self.served.stop()
        self.served = None

    def forget_here(self) -> None:
        """Drops the model and gives MLX's cached buffers back."""
        if self.here is None:
            return
        self.here = None
        gc.collect()
        with contextlib.suppress(ImportError, AttributeError):  # mx.clear_cache is newer than the oldest mlx-vlm that runs
            import mlx.core as mx

            mx.clear_cache()

    @staticmethod
    def row(engine: str) -> engines.Row:
        if engine not in engines.ENGINES:
            raise AdapterError(f"the MLX adapter has no engine {engine}", fix=f"one of: {', '.join(engines.ENGINES)}")
        return engines.ENGINES[engine]
