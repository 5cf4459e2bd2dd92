"""Loads into shards of even cost. Pure: the same loads and costs give the same shards on every machine."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from statistics import median
from typing import Protocol

from runtimeprobe.results import NOT_EVALUATED, Cell, Matrix, Planned, Struct

UNKNOWN_S = 1.0  # where no load was measured yet, all are alike
SPARE = 1.05  # how much longer the longest shard may take so that loads of one engine stay together

Cost = tuple[str, str, str, str]  # engine, model, weights, quantization


class Loaded(Protocol):
    """Of a model, what costs go by."""

    @property
    def model(self) -> str: ...
    @property
    def weights(self) -> str: ...
    @property
    def quantization(self) -> str: ...


class Piece(Struct, frozen=True, kw_only=True):
    """A load as far as cutting goes: what it would rather stay together with, and its seconds."""

    together: Hashable
    cost: float


def costs(matrix: Matrix, platform: str) -> dict[Cost, float]:
    """Seconds that each load took on machines of this platform: all routes, loading included."""
    found: dict[Cost, float] = {}
    for cell in matrix.cells:
        if cell.platform == platform and cell.seconds and cell.verdict not in NOT_EVALUATED:
            key = (cell.engine, cell.model, cell.weights, cell.quantization)
            found[key] = found.get(key, 0.0) + cell.seconds
    return found


def cost(engine: str, model: Loaded, known: Mapping[Cost, float]) -> float:
    """A load that was never measured is taken for a usual one."""
    usual = median(known.values()) if known else UNKNOWN_S
    return known.get((engine, model.model, model.weights, model.quantization), usual)


def planned(cell: Cell) -> Planned:
    """The plan's word for a cell."""
    return Planned(
        runtime=cell.runtime,
        engine=cell.engine,
        engine_version=cell.engine_version,
        route=cell.route,
        model=cell.model,
        weights=cell.weights,
        quantization=cell.quantization,
        projector_quantization=cell.projector_quantization,
        digest=cell.digest,
        projector_digest=cell.projector_digest,
    )


def cut(pieces: Sequence[Piece], count: int) -> tuple[tuple[int, ...], ...]:
    """Positions of the pieces of each of `count` shards, in their order.

    Longest first onto the least loaded shard, which is at most a third above the best there is (Graham, 1969). Pieces that would rather
    stay together are one lump as long as that costs no more than `SPARE`; else the largest lump of the longest shard is broken.
    """
    best = longest(pieces, laid([[position] for position in range(len(pieces))], pieces, count))
    lumps = grouped(pieces)
    while True:
        shards = laid(lumps, pieces, count)
        if longest(pieces, shards) <= best * SPARE:
            return shards
        fullest = set(max(shards, key=lambda shard: total(pieces, shard)))
        broken = max(
            (lump for lump in lumps if fullest.issuperset(lump) and len(lump) > 1), key=lambda lump: total(pieces, lump), default=None
        )
        broken = broken or next(lump for lump in lumps if len(lump) > 1)
        lumps = [*(lump for lump in lumps if lump is not broken), *([position] for position in broken)]


def grouped(pieces: Sequence[Piece]) -> list[list[int]]:
    lumps: dict[Hashable, list[int]] = {}
    for position, piece in enumerate(pieces):
        lumps.setdefault(piece.together, []).append(position)
    return list(lumps.values())


def laid(lumps: Iterable[list[int]], pieces: Sequence[Piece], count: int) -> tuple[tuple[int, ...], ...]:
    import heapq

    shards: list[list[int]] = [[] for _ in range(count)]
    heap = [(0.0, number) for number in range(count)]
    for lump in sorted(lumps, key=lambda lump: (-total(pieces, lump), lump)):
        load, number = heapq.heappop(heap)
        shards[number] += lump
        heapq.heappush(heap, (load + total(pieces, lump), number))
    return tuple(tuple(sorted(shard)) for shard in shards)


def total(pieces: Sequence[Piece], positions: Iterable[int]) -> float:
    return sum(pieces[position].cost for position in positions)


def longest(pieces: Sequence[Piece], shards: Iterable[Sequence[int]]) -> float:
    return max((total(pieces, shard) for shard in shards), default=0.0)
