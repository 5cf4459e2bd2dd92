"""What the tool measures, as typed immutable structs: the JSON of schema_version 1, and its JSON Schema.

Field names, verdicts and stage names are a public contract (docs/schema.md). Times in seconds, sizes in bytes.
"""

import enum
from typing import Any

import msgspec

from runtimeprobe.contract import Claim

SCHEMA_VERSION = 1


class Verdict(enum.StrEnum):
    """Best to worst. `skipped` and `error` say nothing about the runtime."""

    HEARD = "heard"
    GARBLED = "garbled"
    DEAF = "deaf"
    IGNORED = "ignored"
    REJECTED = "rejected"
    FAILED = "failed"
    CRASHED = "crashed"
    TIMEOUT = "timeout"
    SKIPPED = "skipped"
    ERROR = "error"


ORDER = tuple(Verdict)
NOT_EVALUATED = (Verdict.SKIPPED, Verdict.ERROR)


class Struct(msgspec.Struct, frozen=True, kw_only=True):
    """Base of everything below."""


class Stage(Struct, frozen=True, kw_only=True):
    status: str = "skip"  # pass | fail | skip
    seconds: float | None = None
    error: str | None = None


class Stages(Struct, frozen=True, kw_only=True):
    load: Stage = Stage()
    ingest: Stage = Stage()
    infer: Stage = Stage()
    output: Stage = Stage()


class Evidence(Struct, frozen=True, kw_only=True):
    """Numbers behind a verdict. None: the engine did not say, or the ask was not made."""

    control_tokens: int | None = None
    a_tokens: int | None = None
    b_tokens: int | None = None
    expected_a: int | None = None
    expected_b: int | None = None
    tokens_per_second_of_audio: float | None = None
    token_evidence: str = "unknown"  # consumed | partial | absent | unknown
    wer_a: float | None = None
    wer_b: float | None = None
    wer_control: float | None = None
    depends_on_clip: bool | None = None
    loop: str | None = None


class Answers(Struct, frozen=True, kw_only=True):
    """What was answered, verbatim and bounded; None where the ask failed or was not made."""

    control: str | None = None
    a: str | None = None
    b: str | None = None
    silence: str | None = None
    defaults: str | None = None


class Attempt(Struct, frozen=True, kw_only=True):
    verdict: Verdict
    reason: str
    evidence: Evidence
    answers: Answers


class Timing(Struct, frozen=True, kw_only=True):
    ttft_s: float | None = None
    tokens_per_s: float | None = None
    audio_rtf: float | None = None  # seconds of work per second of sound; under 1 is faster than real time
    peak_rss_bytes: int | None = None


class Cell(Struct, frozen=True, kw_only=True):
    platform: str = ""  # of the machine it was measured on, as host.platform_name() calls it
    runtime: str
    engine: str
    engine_version: str = ""
    build: str = ""
    device: str = ""
    route: str
    model: str
    weights: str
    quantization: str = ""
    projector_quantization: str = ""
    digest: str = ""
    projector_digest: str = ""
    claim: Claim = Claim.UNDECLARED
    verdict: Verdict
    reason: str
    fix: str = ""  # what the reader can do about a skipped or failed cell
    notes: tuple[str, ...] = ()  # such as: the engine's own defaults lose the answer
    stages: Stages = Stages()
    evidence: Evidence = Evidence()
    answers: Answers = Answers()
    attempts: tuple[Attempt, ...] = ()
    pass_rate: float | None = None
    timing: Timing = Timing()
    stderr: str = ""  # the engine's last words, when it died or failed
    reproduce: str = ""
    issues: tuple[str, ...] = ()  # addresses of known upstream issues
    seconds: float | None = None  # that measuring it took, loading included: what shards are cut by


class Host(Struct, frozen=True, kw_only=True):
    os: str
    arch: str
    cpu: str
    gpu: str
    memory_bytes: int
    python: str


class Planned(Struct, frozen=True, kw_only=True, order=True):
    """A cell that a shard was to measure."""

    runtime: str
    engine: str
    engine_version: str = ""
    route: str
    model: str
    weights: str
    quantization: str = ""
    projector_quantization: str = ""
    digest: str = ""
    projector_digest: str = ""


class Shard(Struct, frozen=True, kw_only=True, order=True):
    """One part of a run. Every shard knows the whole plan, so that one which never arrives is missed cell by cell."""

    platform: str
    number: int  # from 1
    of: int
    delivered: bool  # its results are in this matrix
    planned: tuple[Planned, ...] = ()


class FormatResult(Struct, frozen=True, kw_only=True):
    """One container or length fed to one heard route (`matrix --formats`)."""

    engine: str
    route: str
    model: str
    clip: str
    container: str
    seconds: float
    verdict: Verdict
    reason: str
    answer: str | None = None
    prompt_tokens: int | None = None


class Matrix(Struct, frozen=True, kw_only=True):
    schema_version: int = SCHEMA_VERSION
    created: str
    host: Host
    hearing_test: str  # version of the method: clips, normalizer, thresholds
    cells: tuple[Cell, ...] = ()
    formats: tuple[FormatResult, ...] = ()
    problems: tuple[str, ...] = ()  # broken adapters and the like, one line each
    complete: bool = True  # False: the run was interrupted
    partial: bool = False  # only some routes were asked for: that one is not among the cells says nothing
    hosts: tuple[Host, ...] = ()  # of a merged run: the machines of all its shards
    shards: tuple[Shard, ...] = ()  # of a run in parts: all of them, and which are here


def json_schema() -> dict[str, Any]:
    """The JSON Schema of `Matrix`."""
    return msgspec.json.schema(Matrix)


def encode(matrix: Matrix) -> bytes:
    return msgspec.json.format(msgspec.json.encode(matrix), indent=1) + b"\n"


def decode(data: bytes) -> Matrix:
    """Raises msgspec.ValidationError with the path of the first field that is wrong."""
    return msgspec.json.decode(data, type=Matrix)
