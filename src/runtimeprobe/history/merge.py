"""Shards of a run to one matrix. Pure, associative, in any order, and the same twice is the same once.

What a shard that never arrived was to measure is known from the others, and becomes a skipped cell. Such a cell is a function of the
plan, so it can be told from every other and goes when the shard arrives after all.
"""

from collections.abc import Iterable, Sequence

import msgspec

from runtimeprobe import shards
from runtimeprobe.history.files import StoreError
from runtimeprobe.history.model import Key
from runtimeprobe.results import Cell, Host, Matrix, Planned, Shard, Struct, Verdict

# A measured cell stands above one that failed by our own fault, and that above one that was not evaluated.
STANDING = {Verdict.SKIPPED: 0, Verdict.ERROR: 1}
MEASURED = 2
FIX = "look at the log of that part of the run, and run it again"


class Conflict(StoreError):
    """Two files that cannot be of one run; names both."""


class Part(Struct, frozen=True, kw_only=True):
    """A matrix and where it came from."""

    name: str
    matrix: Matrix


def merge(parts: Sequence[Part]) -> Matrix:
    """Raises Conflict. `parts`: at least one."""
    first = min(parts, key=lambda part: part.matrix.hearing_test)
    for part in parts:
        if part.matrix.hearing_test != first.matrix.hearing_test:
            raise Conflict(
                f"{first.name} and {part.name} were made with different hearing tests ({first.matrix.hearing_test}, "
                f"{part.matrix.hearing_test}): their cells cannot stand in one table"
            )
    matrices = [part.matrix for part in parts]
    hosts = tuple(sorted({host for matrix in matrices for host in matrix.hosts or (matrix.host,)}, key=written))
    plan = joined_shards(matrices)
    cells = joined_cells(parts)
    arrived = {place(cell.platform, shards.planned(cell)) for cell in cells}
    missing = {lost(shard, item) for shard in plan for item in shard.planned if place(shard.platform, item) not in arrived}
    return Matrix(
        created=min(matrix.created for matrix in matrices),
        host=hosts[0],
        hearing_test=first.matrix.hearing_test,
        cells=tuple(sorted((*cells, *missing), key=order)),
        formats=tuple(sorted({item for matrix in matrices for item in matrix.formats}, key=written)),
        problems=tuple(sorted({line for matrix in matrices for line in matrix.problems})),
        complete=all(matrix.complete for matrix in matrices),
        partial=any(matrix.partial for matrix in matrices),
        hosts=hosts,
        shards=plan,
    )


def written(item: Host | Cell | object) -> bytes:
    return msgspec.json.encode(item)


def order(cell: Cell) -> tuple[tuple[str, ...], str, bytes]:
    return Key.of(cell).parts, cell.engine_version, written(cell)


def place(platform: str, item: Planned) -> tuple[str, Planned]:
    """Which cell that is, whatever version its engine turns out to be."""
    return platform, msgspec.structs.replace(item, engine_version="")


def identity(cell: Cell) -> tuple[str, Planned]:
    """Cells that must not differ."""
    return cell.platform, shards.planned(cell)


def joined_shards(matrices: Iterable[Matrix]) -> tuple[Shard, ...]:
    found: dict[tuple[str, int, int], Shard] = {}
    for shard in (shard for matrix in matrices for shard in matrix.shards):
        name = (shard.platform, shard.number, shard.of)
        other = found.get(name, shard)
        found[name] = msgspec.structs.replace(
            shard, delivered=shard.delivered or other.delivered, planned=tuple(sorted({*shard.planned, *other.planned}))
        )
    return tuple(sorted(found.values()))


def joined_cells(parts: Iterable[Part]) -> tuple[Cell, ...]:
    """Without the cells that stand for lost ones, and without those that say of something measured that it was not."""
    found: dict[tuple[str, Planned], tuple[str, Cell]] = {}
    for part in parts:
        stand_ins = {lost(shard, item) for shard in part.matrix.shards for item in shard.planned}
        for cell in part.matrix.cells:
            if cell in stand_ins:
                continue
            name, other = found.get(identity(cell), (part.name, cell))
            found[identity(cell)] = told(part.name, cell, name, other)
    cells = [cell for _, cell in found.values()]
    measured = {place(cell.platform, shards.planned(cell)) for cell in cells if cell.verdict not in STANDING}
    return tuple(cell for cell in cells if cell.verdict not in STANDING or place(cell.platform, shards.planned(cell)) not in measured)


def told(name: str, cell: Cell, other_name: str, other: Cell) -> tuple[str, Cell]:
    """The cell that counts, of two for one place. Of two that were not measured any will do, if it is always the same."""
    standing, other_standing = STANDING.get(cell.verdict, MEASURED), STANDING.get(other.verdict, MEASURED)
    if standing == other_standing == MEASURED and cell != other:
        raise Conflict(
            f"{other_name} and {name} hold different results for {cell.engine} {cell.engine_version}, {cell.route}, {cell.model} "
            f"({cell.weights}) on {cell.platform}: {other.verdict} and {cell.verdict}; they are no shards of one run"
        )
    mine, others = (standing, written(cell)), (other_standing, written(other))
    return (name, cell) if mine > others else (other_name, other)


def lost(shard: Shard, item: Planned) -> Cell:
    """The cell for what was planned and is not here."""
    part = f"part {shard.number} of {shard.of} on {shard.platform}"
    reason = f"{part} came without this cell" if shard.delivered else f"the results of {part} are missing"
    return stand_in(shard.platform, item, reason)


def stand_in(platform: str, item: Planned, reason: str) -> Cell:
    return Cell(
        platform=platform,
        runtime=item.runtime,
        engine=item.engine,
        engine_version=item.engine_version,
        route=item.route,
        model=item.model,
        weights=item.weights,
        quantization=item.quantization,
        projector_quantization=item.projector_quantization,
        digest=item.digest,
        projector_digest=item.projector_digest,
        verdict=Verdict.SKIPPED,
        reason=reason,
        fix=FIX,
    )


def delivered(matrix: Matrix) -> int:
    """How many parts of a run are in it."""
    return sum(shard.delivered for shard in matrix.shards) or 1


def short(matrix: Matrix, missing: int, before: Matrix | None) -> Matrix:
    """When `missing` parts are not here at all: says so, and names the cells of platforms that only an earlier run knows.

    Of that run nothing but the names is taken.
    """
    unknown = missing - sum(not shard.delivered for shard in matrix.shards)
    lines = [f"{missing} parts of this run are missing"]
    here = {cell.platform for cell in matrix.cells}
    absent: dict[tuple[str, Planned], Cell] = {}
    if unknown > 0 and before is not None:
        for cell in before.cells:
            if cell.platform not in here:
                item = place("", shards.planned(cell))[1]
                absent[cell.platform, item] = stand_in(cell.platform, item, f"no part of this run on {cell.platform} delivered results")
    return msgspec.structs.replace(
        matrix,
        cells=tuple(sorted((*matrix.cells, *absent.values()), key=order)),
        problems=tuple(sorted({*matrix.problems, *lines})),
    )
