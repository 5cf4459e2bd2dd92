"""What is not measured tonight is skipped with its reason, and does not fall out of the table."""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from runtimeprobe.history import merge
from runtimeprobe.history.model import Kind
from runtimeprobe.history.store import Store
from runtimeprobe.nightly import absent
from runtimeprobe.nightly.planning import Entry
from runtimeprobe.results import Cell, Matrix, Verdict
from tests.history.made import LINUX, MAC, cell, matrix

HEARD, SKIPPED = Verdict.HEARD, Verdict.SKIPPED


def job(name: str, **given: str) -> Entry:
    values = {"title": name, "runner": "box", "platform": LINUX, "runtime": "R", "weights": "twin", **given}
    return msgspec.convert({"id": name, "timeout": 5, **values}, Entry)


TWIN, REAL, ON_MAC = job("twin"), job("real", weights="real", model="gemma-4-e2b"), job("mac", platform=MAC)
TABLE = (TWIN, REAL, ON_MAC)
ALL = (cell(HEARD), cell(HEARD, weights="real"), cell(HEARD, platform=MAC))


def reasons(found: Matrix | None) -> dict[tuple[str, str], str]:
    return {(item.platform, item.weights): item.reason for item in found.cells} if found else {}


def test_what_arrived_is_not_absent() -> None:
    whole = {entry.id: matrix(2) for entry in TABLE}
    assert absent.matrix(TABLE, TABLE, whole, matrix(1, *ALL)) is None


def test_a_job_that_delivered_nothing_is_skipped_cell_by_cell() -> None:
    found = absent.matrix(TABLE, TABLE, {"twin": matrix(2), "real": matrix(2)}, matrix(1, *ALL))
    assert reasons(found) == {(MAC, "twin"): "its job on box delivered no results"}


def test_published_weights_stay_in_the_table_on_other_nights() -> None:
    found = absent.matrix((TWIN, ON_MAC), TABLE, {"twin": matrix(2), "mac": matrix(2)}, matrix(1, *ALL))
    assert reasons(found) == {(LINUX, "real"): absent.NOT_TONIGHT}


def test_what_the_table_no_longer_has_goes() -> None:
    assert absent.matrix((TWIN,), (TWIN,), {"twin": matrix(2)}, matrix(1, *ALL)) is None


def test_one_shard_that_arrived_answers_for_its_job() -> None:
    """What the other one was to measure the first one knows, and the merge says."""
    halves = (job("real-1", weights="real", shard="1/2"), job("real-2", weights="real", shard="2/2"))
    assert absent.matrix(halves, halves, {"real-1": matrix(2)}, matrix(1, cell(HEARD, weights="real"))) is None


def test_another_model_is_another_job() -> None:
    other = cell(HEARD, weights="real", model="gemma-4-e4b")
    assert absent.matrix((TWIN, REAL), (TWIN, REAL), {"twin": matrix(2), "real": matrix(2)}, matrix(1, *ALL[:2], other)) is None


def test_without_a_past_or_without_results_nothing_is_said() -> None:
    assert absent.matrix(TABLE, TABLE, {"twin": matrix(2)}, None) is None
    assert absent.matrix(TABLE, TABLE, {}, matrix(1, *ALL)) is None


@dataclass
class Nights:
    """A store that is filled night by night, with what is absent merged in."""

    store: Store

    def add(self, number: int, tonight: tuple[Entry, ...], **results: Cell) -> None:
        arrived = {name: matrix(number, result) for name, result in results.items()}
        found = absent.matrix(tonight, TABLE, arrived, self.store.latest_or_none())
        parts = [*arrived.values(), *([found] if found else [])]
        self.store.add(merge.merge([merge.Part(name=str(at), matrix=part) for at, part in enumerate(parts)]))


def test_over_a_week_nothing_is_lost_and_no_old_result_passes_for_a_new_one(tmp_path: Path) -> None:
    nights = Nights(Store(tmp_path))
    nights.add(0, TABLE, twin=ALL[0], real=ALL[1], mac=ALL[2])
    for number in range(1, 7):
        nights.add(number, (TWIN, ON_MAC), twin=ALL[0], **({} if number == 3 else {"mac": ALL[2]}))
    latest = nights.store.latest()
    assert {(item.platform, item.weights): item.verdict for item in latest.cells} == {
        (LINUX, "twin"): HEARD, (LINUX, "real"): SKIPPED, (MAC, "twin"): HEARD,
    }  # fmt: skip
    nights.add(7, TABLE, twin=ALL[0], real=cell(Verdict.GARBLED, weights="real", engine_version="1.1"), mac=ALL[2])
    history = nights.store.history(now=nights.store.latest().created)
    assert [change.kind for change in history.changes if change.kind is not Kind.NEW] == [Kind.REGRESSED]
