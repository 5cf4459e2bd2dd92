"""No engine that lies or breaks gets a verdict it does not deserve: the whole pipeline, on a real engine."""

import pytest

from runtimeprobe.results import Verdict
from tests.sabotage.cases import CASES
from tests.sabotage.run import measure, twin


@pytest.mark.parametrize("name", CASES)
def test_sabotage_gets_the_verdict_and_reason_it_deserves(name: str) -> None:
    case, cell = CASES[name], measure(name, twin())
    told = f"{cell.verdict}: {cell.reason} / {cell.answers} / {cell.evidence}"
    assert cell.verdict is case.verdict, told
    assert case.reason in cell.reason, told
    assert case.note in "; ".join(cell.notes), told


def test_there_are_enough_cases_and_every_verdict_is_provoked() -> None:
    assert len(CASES) >= 60
    assert {case.verdict for case in CASES.values()} == set(Verdict)
