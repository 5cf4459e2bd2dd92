"""What the table has and tonight did not measure, as skipped cells. Pure.

A job whose machine died leaves nothing behind, and published weights are measured once a week. Without a cell both would fall out of the
published table; with one it says so, and shows when they were measured last. Of earlier runs nothing but the names is taken.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from runtimeprobe import shards
from runtimeprobe.history.merge import stand_in
from runtimeprobe.nightly.planning import Entry
from runtimeprobe.results import Cell, Matrix

LOST = "its job on {runner} delivered no results"
NOT_TONIGHT = "not measured this night: published weights are measured once a week"


class Include(msgspec.Struct, frozen=True):
    """What `plan --github` prints."""

    include: tuple[Entry, ...]


def matrix(tonight: Sequence[Entry], every: Sequence[Entry], arrived: Mapping[str, Matrix], before: Matrix | None) -> Matrix | None:
    """`every`: all jobs of the table. `arrived`: tonight's results, by job. None if nothing is absent, or nothing known."""
    if not arrived or before is None:
        return None
    cells = tuple(cell for old in before.cells if (cell := stood_in(old, tonight, every, arrived)) is not None)
    if not cells:
        return None
    sample = next(iter(arrived.values()))  # tonight's time, method and a machine
    return msgspec.structs.replace(sample, cells=cells, formats=(), problems=(), shards=(), hosts=(), complete=True, partial=False)


def stood_in(old: Cell, tonight: Iterable[Entry], every: Iterable[Entry], arrived: Mapping[str, Matrix]) -> Cell | None:
    """The skipped cell in the place of an old one; None if tonight's results answer for it, or the table no longer has it."""
    jobs = [job for job in tonight if covers(job, old)]
    if any(job.id in arrived for job in jobs):
        return None
    if jobs:
        return stand_in(old.platform, shards.planned(old), LOST.format(runner=jobs[0].runner))
    if any(covers(job, old) for job in every):
        return msgspec.structs.replace(stand_in(old.platform, shards.planned(old), NOT_TONIGHT), fix="")
    return None


def covers(job: Entry, cell: Cell) -> bool:
    return (job.platform, job.runtime, job.weights) == (cell.platform, cell.runtime, cell.weights) and job.model in ("", cell.model)
