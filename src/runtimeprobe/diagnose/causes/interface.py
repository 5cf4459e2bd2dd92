"""The facts that checks are given, and the rows of the catalogue."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from runtimeprobe.diagnose.loops.detector import Confidence
from runtimeprobe.diagnose.results import Layer, Status

GEMMA = "gemma4."
MAX_LAYERS = 1024
NORMAL, UNKNOWN, CONTROL, USER_DEFINED = 1, 2, 3, 4  # llama.cpp's token types (include/llama.h)


@dataclass(frozen=True, slots=True)
class SpecialToken:
    """`type` as llama.cpp numbers it; None where the format does not say."""

    id: int
    type: int | None


@dataclass(frozen=True, slots=True)
class TensorFact:
    shape: tuple[int, ...]  # GGUF's order: the innermost dimension first
    type_name: str


@dataclass(frozen=True, slots=True)
class Renders:
    """What the chat template makes of the conversations in rendering.py. `error`: why there is none, in the template's own words.

    A render is None where the template refused that conversation; `refusals` says why, by the render's name.
    """

    plain: str | None = None  # one user turn, nothing said about thinking
    no_think: str | None = None
    think: str | None = None
    turns: str | None = None  # user, model, user
    tool: str | None = None  # a tool call and its result as OpenAI's API has them
    rethought: str | None = None  # earlier turns with thoughts, one of them with a tool call, then a new question
    refusals: dict[str, str] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True, slots=True)
class ProjectorFacts:
    name: str
    projection_dims: tuple[int, ...]
    claims_audio: bool
    audio_tensors: int
    audio_type: str
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What one model file says, with every read already done.

    metadata: GGUF's keys; arrays with a value per layer as lists, vocabularies left out. special: the known special tokens by their text.
    named: what stands at the numbers that metadata calls bos, eos, ..., by key. unmade: tokens no merge makes, of `made` that need one;
    None where the vocabulary is too large to walk. values: what each layer's attn_v is made of: "zero", "key" (a copy of attn_k) or "own".
    """

    format: str  # "gguf" or "folder"
    name: str = ""
    architecture: str = ""
    model: str = ""  # "gemma-4-31b", "" where it is no published size
    metadata: dict[str, Any] = field(default_factory=dict)
    vocabulary: int = 0
    published_vocabulary: bool = False
    merges: int | None = None
    unmade: tuple[str, ...] | None = None
    special: dict[str, SpecialToken] | None = None
    named: dict[str, str] = field(default_factory=dict)
    tensors: dict[str, TensorFact] = field(default_factory=dict)
    missing_bytes: int = 0
    bits_per_weight: float | None = None  # of the matrices inside the layers
    levels: int | None = None  # different weights among 32 neighbours of a matrix that says it has 16 bits
    bytes_by_type: dict[str, int] = field(default_factory=dict)
    quantization: str = ""
    rope_freqs: tuple[float, ...] | None = None
    layer_scales: dict[int, float] = field(default_factory=dict)
    values: dict[int, str] = field(default_factory=dict)
    template: str | None = None
    template_family: str = ""
    template_published: str = ""
    renders: Renders = Renders(error="there is no chat template")
    metadata_checks: tuple[tuple[str, str, str], ...] = ()  # key, seen, expected of every key that is not what its size should say
    projector: ProjectorFacts | None = None

    def number(self, key: str, layer: int = 0) -> int | None:
        """A whole number of the architecture's section, one for all layers or one per layer."""
        value = self.metadata.get(GEMMA + key)
        if isinstance(value, list):
            value = value[layer] if layer < len(value) else None
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    @property
    def layers(self) -> int:
        """0 where the file does not say, or says what no model has."""
        count = self.number("block_count") or 0
        return count if 0 < count <= MAX_LAYERS else 0

    @property
    def cached_layers(self) -> int:
        """The layers with keys and values of their own; the others share."""
        shared = self.number("attention.shared_kv_layers") or 0
        return min(max(self.layers - shared, 0), self.layers)

    @property
    def sliding(self) -> list[bool]:
        pattern = self.metadata.get(GEMMA + "attention.sliding_window_pattern")
        return [bool(item) for item in pattern] if isinstance(pattern, list) else []

    def slides(self, layer: int) -> bool | None:
        """Whether a layer slides, by the length of its query norm, which is that of its heads; else by the pattern."""
        norm = self.tensors.get(f"blk.{layer}.attn_q_norm.weight")
        wide, narrow = self.number("attention.key_length"), self.number("attention.key_length_swa")
        if norm is not None and len(norm.shape) == 1 and wide != narrow and norm.shape[0] in {wide, narrow}:
            return norm.shape[0] == narrow
        return self.sliding[layer] if layer < len(self.sliding) else None

    @property
    def per_layer_embeddings(self) -> bool:
        """E2B and E4B have them; 12B, 26B-A4B and 31B do not."""
        return bool(self.number("embedding_length_per_layer_input"))


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What is known of the runtime and of how it runs the model. Empty, None: not known.

    build: llama.cpp's build number. device: "CPU", "CUDA0 ...", "Vulkan", "Metal". flags: command-line options and environment variables
    that are set, with their values ("" for a switch). sampling: what is sent, by the names of contract.Sampling; defaults: what the runtime
    fills in. thinking: whether the prompt turns it on, as it takes effect. prompt_ids: the prompt as the runtime tokenized it.
    """

    engine: str = ""
    version: str = ""
    build: int | None = None
    device: str = ""
    devices: int | None = None
    toolkit: str = ""  # the CUDA toolkit it was built with, "13.2.1"
    flags: dict[str, str] = field(default_factory=dict)
    kv_type_k: str = ""
    kv_type_v: str = ""
    flash_attention: bool | None = None
    draft_model: bool | None = None
    context: int | None = None  # tokens
    context_shift: bool | None = None
    prompt_tokens: int | None = None
    max_tokens: int | None = None
    parallel: int | None = None
    prompt_cache: bool | None = None
    sampling: dict[str, float] | None = None
    defaults: dict[str, float] | None = None
    thinking: bool | None = None
    tools_or_format: bool | None = None
    prompt_ids: tuple[int, ...] | None = None
    log: tuple[str, ...] = ()

    def logged(self, words: str) -> str:
        """The first line of the log that has `words`."""
        return next((line.strip() for line in self.log if words in line), "")


@dataclass(frozen=True, slots=True)
class Look:
    """What a check found. `expected` and `confidence` replace the row's own where this case needs others."""

    status: Status
    seen: str
    expected: str = ""
    confidence: Confidence | None = None


def found(seen: str, *, expected: str = "", confidence: Confidence | None = None) -> Look:
    return Look(Status.FOUND, seen, expected, confidence)


def clear(seen: str) -> Look:
    return Look(Status.CLEAR, seen)


def unknown(why: str) -> Look:
    return Look(Status.NOT_CHECKED, why)


Check = Callable[[FileFacts | None, RunFacts | None], Look]


@dataclass(frozen=True, slots=True)
class Cause:
    """A row of the catalogue. The id's letter is the layer it is listed under in docs/causes.md; `source` is where it was reported."""

    id: str
    title: str
    layer: Layer
    confidence: Confidence
    check: Check
    expected: str
    fix: str
    source: str


def of_file(check: Callable[[FileFacts], Look]) -> Check:
    """A check that needs the model file, and knows what Gemma 4's should say."""

    def checked(file: FileFacts | None, _: RunFacts | None) -> Look:
        if file is None:
            return unknown("the model file is not at hand")
        if file.architecture != "gemma4":
            return unknown(f"the file's architecture is {file.architecture or 'not named'}, and the rule is Gemma 4's")
        return check(file)

    return checked


def of_run(check: Callable[[RunFacts], Look]) -> Check:
    """A check that needs to know the runtime."""

    def checked(_: FileFacts | None, run: RunFacts | None) -> Look:
        return unknown("nothing is known about the runtime") if run is None else check(run)

    return checked


def only_running(why: str) -> Check:
    """A cause that leaves no trace before the model runs."""
    return lambda _file, _run: unknown(why)


def listed(items: list[int]) -> str:
    """Layer numbers in a few words."""
    shown = ", ".join(str(item) for item in items[:6])
    return shown if len(items) <= 6 else f"{shown}, ... ({len(items)} in all)"
