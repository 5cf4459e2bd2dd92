"""What `runtimeprobe diagnose` finds out: the JSON others rely on (schema_version 1), as typed structs.

Ids of findings and causes are those of the catalogue in docs/causes.md: a letter for the layer and a number.
"""

import enum
from typing import Literal

import msgspec

from runtimeprobe.diagnose.loops.detector import Confidence
from runtimeprobe.results import Struct

SCHEMA_VERSION = 1

Layer = Literal["file", "template", "tokenizer", "runtime", "backend", "sampling", "cache", "weights"]


class Status(enum.StrEnum):
    """`not_checked` is not `clear`: what could not be looked at is said."""

    FOUND = "found"
    CLEAR = "clear"
    NOT_CHECKED = "not_checked"


class Finding(Struct, frozen=True, kw_only=True):
    """One cause of the catalogue, held against this file and this runtime without running it."""

    id: str
    title: str
    layer: Layer
    status: Status
    confidence: Confidence
    seen: str
    expected: str
    fix: str
    source: str


class ModelFacts(Struct, frozen=True, kw_only=True):
    family: str = ""
    size: str = ""
    quantization: str = ""
    digest: str = ""


class RuntimeFacts(Struct, frozen=True, kw_only=True):
    engine: str = ""
    version: str = ""
    build: str = ""
    device: str = ""


class Example(Struct, frozen=True, kw_only=True):
    """One looping answer. `start` and `period` in characters of `text`, which is cut after a few periods."""

    prompt: str
    seed: int
    text: str
    start: int
    period: int


class Baseline(Struct, frozen=True, kw_only=True):
    """The model as it is. `rate` with its 95% interval `low` to `high`; `kind` is the commonest class of loop, "" for none.

    `wrong`: runs whose answer was checkably not what was asked for; `checked`: runs where that could be told; `failures`: runs without one.
    """

    runs: int
    loops: int
    rate: float
    low: float
    high: float
    kind: str = msgspec.field(default="", name="class")
    wrong: int = 0
    checked: int = 0
    failures: int = 0
    examples: tuple[Example, ...] = ()


class Effect(enum.StrEnum):
    CURES = "cures"
    HELPS = "helps"
    NONE = "none"
    WORSENS = "worsens"


class Pull(Struct, frozen=True, kw_only=True):
    """One lever (or two, joined by " + ") moved from one value to another, and what that did to the rate of loops."""

    lever: str
    before: str = msgspec.field(name="from")
    after: str = msgspec.field(name="to")
    runs: int
    loops: int
    effect: Effect
    low: float
    high: float
    wrong: int = 0
    note: str = ""


class Cure(Struct, frozen=True, kw_only=True):
    """The smallest change that was reliable when it was run again. `upper_bound`: of the rate of loops, at 95%."""

    config: dict[str, str]
    written_as: dict[str, str] = msgspec.field(name="as")
    runs: int
    loops: int
    wrong: int
    upper_bound: float


class Cost(Struct, frozen=True, kw_only=True):
    seconds: float = 0.0
    tokens: int = 0
    runs: int = 0


class Cause(Struct, frozen=True, kw_only=True):
    """Why a cause of the catalogue is believed, and what speaks against it, in short sentences."""

    id: str
    title: str
    evidence: tuple[str, ...] = ()
    against: tuple[str, ...] = ()


class Diagnosis(Struct, frozen=True, kw_only=True):
    """`causes`: most likely first; empty when it does not loop and nothing is found. `complete` is false after Ctrl-C or a spent budget.

    goes_wrong: it loops, fails, or is wrong more often than drawing tokens at random makes it. failure: why it does not load.
    """

    schema_version: int = SCHEMA_VERSION
    target: str
    model: ModelFacts = ModelFacts()
    runtime: RuntimeFacts = RuntimeFacts()
    baseline: Baseline | None = None
    findings: tuple[Finding, ...] = ()
    ablation: tuple[Pull, ...] = ()
    causes: tuple[str, ...] = ()
    reasons: tuple[Cause, ...] = ()
    cure: Cure | None = None
    cost: Cost = Cost()
    goes_wrong: bool = False
    complete: bool = True
    failure: str = ""
