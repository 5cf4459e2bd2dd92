"""The table to jobs. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from runtimeprobe.nightly.table import Job, Real, Runner, Table
from runtimeprobe.results import Struct
from runtimeprobe.weights.known import Gguf, Mlx, known

GB = 10**9
# What the system of a runner keeps for itself, and what must stay free on its disk.
SYSTEM_BYTES = 1_500_000_000
SPARE_BYTES = 1 * GB
CONTEXT_BYTES = 800_000_000  # context and buffers, where only the size of the files is known
CACHE_BYTES = 10 * GB  # of all caches of a repository: docs.github.com/en/actions/reference/workflows-and-actions/dependency-caching


class Entry(Struct, frozen=True, kw_only=True):
    """One job of the workflow, as its `matrix` context: text and numbers alone. Lists are text, one item a line.

    id: names its artifact. files: of `repository`, "" for all that an engine reads. pull: what a server calls the model.
    """

    id: str
    title: str
    runner: str
    platform: str
    runtime: str
    weights: str
    model: str = ""
    shard: str = "1/1"
    requirements: str = ""
    release: str = ""
    asset: str = ""
    leave_out: str = ""
    server: str = ""
    repository: str = ""
    files: str = ""
    bytes: int = 0
    cache: bool = False
    pull: str = ""
    timeout: int


class TooLarge(Struct, frozen=True, kw_only=True):
    """A job that is not: these weights do not fit there."""

    job: str
    runner: str
    model: str
    reason: str


class Source(Struct, frozen=True, kw_only=True):
    """Where published weights come from."""

    repository: str = ""
    files: tuple[str, ...] = ()
    bytes: int
    pull: str = ""


def jobs(table: Table, weights: Sequence[str], shards: int = 0) -> tuple[tuple[Entry, ...], tuple[TooLarge, ...]]:
    """All jobs for these weights, and what does not fit. `shards`: of each job, instead of what the table says."""
    found: list[Entry] = []
    without: list[TooLarge] = []
    for job in table.job:
        for label in job.runners:
            runner = table.runners[label]
            if "twin" in weights:
                found += parts(entry(job, label, runner, "twin", job.timeout_minutes), shards or job.shards)
            if "real" not in weights or job.real is None:
                continue
            plain = entry(job, label, runner, "real", job.real.timeout_minutes)
            for model in job.real.models:
                source = fitting(job, job.real, runner, model)
                if isinstance(source, str):
                    without.append(TooLarge(job=job.name, runner=label, model=model, reason=source))
                else:
                    found += parts(real(plain, model, source), shards or job.real.shards)
    return cached(found), tuple(without)


def entry(job: Job, label: str, runner: Runner, weights: str, timeout: int) -> Entry:
    release = job.release if job.release and runner.platform in job.release.assets else None
    return Entry(
        id=f"{job.name}-{runner.platform}-{weights}",
        title=f"{job.name}, {runner.platform}, {weights}",
        runner=label,
        platform=runner.platform,
        runtime=job.runtime,
        weights=weights,
        requirements="\n".join((*job.requirements_on.get(runner.platform, ()), *job.requirements)),
        release=release.repository if release else "",
        asset=release.assets[runner.platform] if release else "",
        leave_out="\n".join(release.leave_out) if release else "",
        server=job.server,
        timeout=timeout,
    )


def real(job: Entry, model: str, source: Source) -> Entry:
    return msgspec.structs.replace(
        job,
        id=f"{job.id}-{model}",
        title=f"{job.title}, {model}",
        model=model,
        repository=source.repository,
        files="\n".join(source.files),
        bytes=source.bytes,
        pull=source.pull,
    )


def parts(job: Entry, count: int) -> list[Entry]:
    """The job in so many shards."""
    if count == 1:
        return [job]
    return [
        msgspec.structs.replace(
            job, id=f"{job.id}-{number}-of-{count}", title=f"{job.title}, {number} of {count}", shard=f"{number}/{count}"
        )
        for number in range(1, count + 1)
    ]


def fitting(job: Job, weights: Real, runner: Runner, model: str) -> Source | str:
    """The first choice of the known weights that fits in memory and on the disk of this runner; or why none does."""
    memory = int(runner.memory_gb * GB) - SYSTEM_BYTES
    disk = int((runner.disk_gb - job.disk_gb) * GB) - SPARE_BYTES
    choices = sources(weights, model)
    fits = [source for source, needed in choices if needed <= memory and source.bytes <= disk]
    if fits:
        return fits[0]
    smallest, needed = min(choices, key=lambda choice: choice[1])
    if needed > memory:
        return f"needs {needed / GB:.1f} GB of memory, {memory / GB:.1f} GB are left"
    return f"takes {smallest.bytes / GB:.1f} GB of disk, {disk / GB:.1f} GB are left"


def sources(weights: Real, model: str) -> list[tuple[Source, int]]:
    """What the known weights have in this column, with the memory each needs; preferred first."""
    column: str | tuple[Gguf | Mlx, ...] = getattr(known()[model], weights.column)
    if isinstance(column, str):
        size = weights.bytes[model]
        return [(Source(bytes=size, pull=column), size + CONTEXT_BYTES)]
    return [
        (
            Source(repository=row.repository, files=(row.text, row.projector) if isinstance(row, Gguf) else (), bytes=row.bytes),
            row.memory_bytes,
        )
        for row in column
    ]


def cached(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Marks the weights that GitHub's cache has room for: those that most jobs would download come first."""
    listed = tuple(entries)
    sizes = {shared(one): one.bytes for one in listed if one.repository}
    users = Counter(shared(one) for one in listed)
    room, kept = CACHE_BYTES, set()
    for name, size in sorted(sizes.items(), key=lambda item: (-users[item[0]], item[1], item[0])):
        if size <= room:
            room -= size
            kept.add(name)
    return tuple(msgspec.structs.replace(one, cache=bool(one.repository) and shared(one) in kept) for one in listed)


def shared(job: Entry) -> tuple[str, str, str]:
    """Caches are kept apart by the system that packed them."""
    return job.platform.partition("-")[0], job.repository, job.files
