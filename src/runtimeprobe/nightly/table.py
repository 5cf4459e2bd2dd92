"""The table of jobs, typed and checked: .github/nightly.toml of the repository that the nightly run belongs to."""

import tomllib

import msgspec

from runtimeprobe.plan import AUDIO_MODELS

# Labels of GitHub's own runners that are no preview and about to stay: github.com/actions/runner-images, README.md (August 2026).
HOSTED = frozenset(
    {
        "ubuntu-22.04", "ubuntu-22.04-arm", "ubuntu-24.04", "ubuntu-24.04-arm", "ubuntu-latest",
        "macos-15", "macos-15-intel", "macos-26", "macos-26-intel", "macos-latest",
        "windows-2022", "windows-2025", "windows-11-arm", "windows-latest",
    }
)  # fmt: skip


class BadTable(Exception):
    """What is wrong in the table, and where."""


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of everything below: a field that is misspelt is an error."""


class Runner(Row, frozen=True, kw_only=True):
    """A kind of machine. Gigabytes are 10^9 bytes. `own`: not one of GitHub's."""

    platform: str
    cores: int
    memory_gb: float
    disk_gb: float
    own: bool = False


class Release(Row, frozen=True, kw_only=True):
    """A program from the newest release of a GitHub repository: an asset (a pattern) per platform; `leave_out`: patterns of files in it."""

    repository: str
    assets: dict[str, str]
    leave_out: tuple[str, ...] = ()


class Real(Row, frozen=True, kw_only=True):
    """Published weights: a column of weights/known.toml, and the bytes of each model where that column says none."""

    column: str
    bytes: dict[str, int] = {}
    models: tuple[str, ...] = AUDIO_MODELS
    shards: int = 1
    timeout_minutes: int = 120


class Job(Row, frozen=True, kw_only=True):
    """One runtime on some runners. `server`: the step of the workflow that starts one. `disk_gb`: what its engines take."""

    name: str
    runtime: str
    runners: tuple[str, ...]
    requirements: tuple[str, ...] = ()
    requirements_on: dict[str, tuple[str, ...]] = {}
    release: Release | None = None
    server: str = ""
    disk_gb: float = 1.0
    shards: int = 1
    timeout_minutes: int = 30
    real: Real | None = None


class Table(Row, frozen=True, kw_only=True):
    runners: dict[str, Runner]
    job: tuple[Job, ...]


def read(text: str) -> Table:
    """Raises BadTable."""
    try:
        table = msgspec.convert(tomllib.loads(text), Table)
    except tomllib.TOMLDecodeError as error:
        raise BadTable(f"it is no TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise BadTable(str(error)) from None
    check(table)
    return table


def check(table: Table) -> None:
    """What types do not say."""
    for label, runner in table.runners.items():
        if label not in HOSTED and not runner.own:
            raise BadTable(f"GitHub has no runner {label!r}; if it is yours, say own = true")
    names = [job.name for job in table.job]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise BadTable(f"two jobs are named {twice!r}")
    for job in table.job:
        for label in job.runners:
            if label not in table.runners:
                raise BadTable(
                    f"job {job.name!r} runs on {label!r}, which is no runner of the table; there are: {', '.join(table.runners)}"
                )
        platforms = [table.runners[label].platform for label in job.runners]
        if len(set(platforms)) < len(platforms):
            raise BadTable(f"job {job.name!r} has two runners of one platform: their results would contradict each other")
        if min(job.shards, job.real.shards if job.real else 1) < 1:
            raise BadTable(f"job {job.name!r} needs at least one shard")
        if job.real:
            check_real(job.name, job.real)


def check_real(job: str, real: Real) -> None:
    from runtimeprobe.weights.known import Known, known

    if real.column not in Known.__struct_fields__:
        raise BadTable(f"job {job!r}: known weights have no column {real.column!r}")
    for model in real.models:
        if model not in known():
            raise BadTable(f"job {job!r}: no published model {model!r}; there are: {', '.join(known())}")
        if isinstance(getattr(known()[model], real.column), str) and model not in real.bytes:
            raise BadTable(f"job {job!r}: how many bytes {model} has is not said (bytes.{model} = ...)")
