"""Jobs to the matrix of a workflow, within what GitHub accepts. Pure."""

import re
from collections.abc import Sequence

import msgspec

from runtimeprobe.nightly.planning import Entry

# docs.github.com/en/actions/reference/limits (jobs of a matrix, size of a job's outputs)
MOST_JOBS = 256
MOST_BYTES = 1024 * 1024
MOST_MINUTES = 360
# An artifact's name may not hold " : < > | * ? \ / or line ends (actions/toolkit, path-and-artifact-name-validation.ts); ours hold less.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9._-]+")


class NotAccepted(Exception):
    """Why GitHub would not take it."""


def matrix(jobs: Sequence[Entry]) -> str:
    """One line for `strategy.matrix: ${{ fromJSON(...) }}`. Raises NotAccepted."""
    check(jobs)
    text = msgspec.json.encode({"include": jobs}).decode()
    if len(text.encode("utf-16-le")) > MOST_BYTES:
        raise NotAccepted(f"the plan has {len(text)} characters, and outputs of a job have room for {MOST_BYTES // 2}")
    return text


def check(jobs: Sequence[Entry]) -> None:
    if not jobs:
        raise NotAccepted("the plan is empty, and a matrix needs at least one job")
    if len(jobs) > MOST_JOBS:
        raise NotAccepted(f"the plan has {len(jobs)} jobs, and a matrix has room for {MOST_JOBS}; ask for fewer shards")
    names = [job.id for job in jobs]
    for job in jobs:
        if not NAME.fullmatch(job.id):
            raise NotAccepted(f"{job.id!r} cannot name an artifact: letters, digits, dots, dashes and underscores can, 100 of them")
        if names.count(job.id) > 1:
            raise NotAccepted(f"two jobs are named {job.id!r}")
        if not 1 <= job.timeout <= MOST_MINUTES:
            raise NotAccepted(f"{job.id}: a job may take 1 to {MOST_MINUTES} minutes, not {job.timeout}")
        for name in filter(None, (job.release, job.repository)):
            if not REPOSITORY.fullmatch(name):
                raise NotAccepted(f"{job.id}: {name!r} is no repository such as owner/name")
