"""What an adapter implements and returns: the whole plugin surface, on the standard library alone.

An adapter is a class with the methods of `Adapter`, named in the entry-point group `runtimeprobe.adapters`. It runs in a
child process of its own, so it may crash. It reports facts, or raises one of the errors below with the runtime's own words; it
never judges, and it is never told what a clip says.

    AdapterError                 anything the runtime did wrong: the cell says `failed`
    +-- Rejected                 it refuses sound and says so: `rejected`
    |   +-- RouteMissing         this engine or build has no such route at all
    +-- Unavailable              could not be tried, so nothing is known: `skipped`
    |   +-- EngineMissing        not installed, or no server answers
    |   +-- ModelMissing         the model is not here, or not in a format this engine reads
    |   +-- RuntimeTooOld        this version predates the model's architecture
    |   `-- OutOfMemory          the machine has too little memory for it
    +-- BadReply                 it answered, but not with what its own documentation says
    +-- LoadFailed               it could not load the model
    `-- EngineDied               its process ended by itself, apart from ours: `crashed`
"""

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

CONTRACT_VERSION = 1


class AdapterError(Exception):
    """What went wrong (`str(error)`), the runtime's own words, and what the user can do next."""

    def __init__(self, message: str, *, words: str = "", fix: str = "") -> None:
        super().__init__(message)
        self.words = words
        self.fix = fix


class Rejected(AdapterError):
    """The runtime refuses sound with an explicit error."""


class RouteMissing(Rejected):
    """The engine has no such way in."""


class Unavailable(AdapterError):
    """Nothing was tried, so nothing may be said about the runtime."""


class EngineMissing(Unavailable):
    """The engine is not installed, or no server answers."""


class ModelMissing(Unavailable):
    """The engine cannot find the model."""


class RuntimeTooOld(Unavailable):
    """This version of the engine does not know the model's architecture."""


class OutOfMemory(Unavailable):
    """The machine has too little memory."""


class BadReply(AdapterError):
    """The reply is not what the runtime's documentation promises."""


class LoadFailed(AdapterError):
    """The engine could not load the model."""


class EngineDied(AdapterError):
    """The runtime's own process is gone: killed, crashed, or ended in the middle of its work."""


class Claim(enum.StrEnum):
    """What a runtime says of its own audio support, for one model."""

    YES = "yes"
    NO = "no"
    UNDECLARED = "undeclared"


@dataclass(frozen=True, slots=True)
class Options:
    """What the user said about where to look. Remote hosts are refused unless `allow_remote`.

    endpoints: addresses of servers, of whatever runtime. An adapter takes the first one that is its own; where none is, it looks where it
    would look anyway.
    own_server: the program on PATH is meant: a server that answers already is another one, and is not asked.
    """

    endpoints: tuple[str, ...] = ()
    allow_remote: bool = False
    start_servers: bool = True
    own_server: bool = False


@dataclass(frozen=True, slots=True)
class Engine:
    """One concrete program that can be probed. `build` and `device` may be "" until a model is loaded."""

    name: str
    version: str
    build: str = ""
    device: str = ""
    endpoint: str = ""
    note: str = ""  # anything a reader must know, such as "proven only against an emulator"


@dataclass(frozen=True, slots=True)
class Absent:
    """An engine that cannot be probed here: why, and the command that would change it."""

    name: str
    reason: str
    fix: str


@dataclass(frozen=True, slots=True)
class Releases:
    """How the releases of an engine are had, so that each can be measured by itself.

    package: its distribution in a Python package index; "" if it is in none.
    beside: requirements installed with it on this platform, such as "mlx[cpu]".
    program: the name of its executable, where it is one that the adapter looks for on PATH; "" if the adapter imports the engine.
    compiled: a release is built from source, which takes minutes.
    upstream_build: a regular expression on the version, with one group: the number of the upstream's build it holds.
    compare: the address that shows what changed between two of them, with {before} and {after}: builds, or versions without builds.
    traced: the adapter has `trace` for this engine.
    """

    package: str = ""
    beside: tuple[str, ...] = ()
    program: str = ""
    compiled: bool = False
    upstream_build: str = ""
    compare: str = ""
    traced: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """One public way in for sound.

    needs_clip: the route cannot be asked without sound (transcription), so silence stands in for the control.
    reports_tokens: whether replies carry prompt token counts.
    """

    name: str
    needs_clip: bool = False
    reports_tokens: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True)
class Lever:
    """A piece of configuration the adapter can change: `default` is the runtime's own, `values` what may be tried."""

    name: str
    default: str
    values: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Model files found on this machine. A path is "" where that format is not here."""

    model: str  # "gemma-4-e2b"
    weights: str  # "twin" or "real"
    text_gguf: str = ""
    projector_gguf: str = ""
    hf_folder: str = ""


@dataclass(frozen=True, slots=True)
class Model:
    """A model as one engine would load it. Sizes in bytes, digests as `sha256:...` or ""."""

    model: str
    weights: str
    name: str  # what the engine calls it: a path, a tag, a key
    projector: str = ""
    quantization: str = ""
    projector_quantization: str = ""
    digest: str = ""
    projector_digest: str = ""
    size_bytes: int = 0
    claim: Claim = Claim.UNDECLARED


@dataclass(frozen=True, slots=True)
class AbsentModel:
    """A model that the engine cannot load now: why, and the command that would change it."""

    model: str
    weights: str
    reason: str
    fix: str


@dataclass(frozen=True, slots=True)
class Config:
    """How to load. `levers` holds changed levers by name; everything else is the engine's default."""

    context_tokens: int = 4096
    threads: int = 0  # 0: the engine's default
    levers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the engine says once the model is in memory. "" where it does not say."""

    claim: Claim = Claim.UNDECLARED
    build: str = ""
    device: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    note: str = ""  # anything a reader of the cells must know, such as a claim that the files do not bear out


@dataclass(frozen=True, slots=True)
class Sampling:
    """Every sampling value an ask sends. The defaults are greedy."""

    temperature: float = 0.0
    top_k: int = 1
    top_p: float = 1.0
    min_p: float = 0.0
    repeat_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    seed: int = 7


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. `clip` is a path to a sound file, or "" for text alone.

    sampling None and thinking None: send nothing about it, so that the engine's own defaults apply; a seed alone may still be given.
    listen: told each piece of the answer as it comes, and whether it is thought; True means: enough. Then stop the engine and reply with
    what there is, finish_reason "loop".
    """

    route: str
    prompt: str
    clip: str = ""
    max_tokens: int = 64
    sampling: Sampling | None = None
    thinking: bool | None = None
    seed: int | None = None
    listen: Callable[[str, bool], bool] | None = None

    def enough(self, piece: str, *, thought: bool = False) -> bool:
        """Passes a piece on. An adapter that cannot stream calls it never, and its asks run to their end."""
        return self.listen is not None and self.listen(piece, thought)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. Counts are None where the engine does not report them; times in seconds."""

    text: str
    thinking: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    finish_reason: str = ""
    seconds: float = 0.0
    first_token_seconds: float | None = None
    raw: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """The numbers at one step between a clip and its answer, of the first pass: `values` are some of them, evenly spaced."""

    name: str  # "front end", "encoder", "projector", "decoder"
    shape: tuple[int, ...]
    values: tuple[float, ...]


class Adapter(Protocol):
    """One runtime. Constructed without arguments; heavy imports happen in `load`, never at import or in `discover`."""

    runtime: str

    def discover(self, options: Options) -> Sequence[Engine | Absent]:
        """Engines of this runtime here, and why the others are not. Cheap: reads metadata, imports no engine. Always called first."""

    def routes(self, engine: str) -> Sequence[Route]:
        """The engine's ways in for sound; one route named "none" if it has no way at all."""

    def models(self, engine: str, candidates: Sequence[Candidate]) -> Sequence[Model | AbsentModel]:
        """What the engine can load now: those of `candidates` it has a format for, and what its server holds; and why not the others."""

    def levers(self, engine: str) -> Sequence[Lever]:
        """What `Config.levers` may hold for this engine."""

    def load(self, engine: str, model: Model, config: Config) -> Loaded:
        """Loads `model`, after unloading any other. Raises LoadFailed, Rejected, OutOfMemory, RuntimeTooOld."""

    def ask(self, ask: Ask) -> Reply:
        """One request to the loaded model."""

    def unload(self) -> None:
        """Frees the model and stops every server the adapter started. Safe to call twice."""


class Released(Adapter, Protocol):
    """An adapter whose engines can be measured release by release: one method more, which an adapter may lack."""

    def releases(self, engine: str) -> Releases:
        """How releases of the engine are had. Also asked of an engine that is not here."""


class Traced(Adapter, Protocol):
    """An adapter that can look inside its engine: one method more, which an adapter may lack."""

    def trace(self, ask: Ask) -> Sequence[Step]:
        """Asks, and gives the numbers at each step on the way, first step first; none where this route does not let them be seen."""
