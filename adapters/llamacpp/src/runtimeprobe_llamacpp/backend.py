"""What the three engines have in common: the interface the adapter drives them through."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from runtimeprobe.contract import Absent, Ask, Candidate, Config, Engine, Loaded, Model, Options, Releases, Reply, Route
from runtimeprobe_llamacpp.knobs import Knob

CHAT_AUDIO = "chat.input_audio"
CHAT_IMAGE = "chat.image_url"
TRANSCRIPTIONS = "audio.transcriptions"
COMPARE = "https://github.com/ggml-org/llama.cpp/compare/b{before}...b{after}"


@dataclass(frozen=True, slots=True)
class Request:
    """An ask with the levers of the load merged in: what is sent about sampling and thinking, and nothing else."""

    ask: Ask
    sampling: dict[str, Any] = field(default_factory=dict)
    thinking: bool | None = None


class Backend(Protocol):
    """One engine. `load` is never called twice without `unload` between; `unload` may be called at any time."""

    @property
    def name(self) -> str: ...

    @property
    def routes(self) -> tuple[Route, ...]: ...

    @property
    def knobs(self) -> tuple[Knob, ...]: ...

    @property
    def releases(self) -> Releases: ...

    def discover(self, options: Options) -> Engine | Absent: ...

    def served(self, candidates: Sequence[Candidate]) -> Sequence[Model] | None:
        """The models a running server holds; None where the engine loads files itself."""

    def load(self, model: Model, config: Config) -> Loaded: ...

    def ask(self, request: Request) -> Reply: ...

    def unload(self) -> None: ...
