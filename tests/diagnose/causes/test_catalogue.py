"""The table of causes as a whole: complete, in order, and equal to its page."""

import re
from pathlib import Path

from runtimeprobe.diagnose.causes.catalogue import CATALOGUE, FAMILIES, examine, page
from runtimeprobe.diagnose.causes.interface import FileFacts, RunFacts
from runtimeprobe.diagnose.results import Status

DOCS = Path(__file__).resolve().parents[3] / "docs"
# Every row of the catalogue that was collected from reports; the others are ours.
REPORTED = (
    "T1 T2 T3 T4 T5 C1 C2 C3 C4 G1 G2 G3 K1 K2 K3 K4 K5 K6 K8 V1 V2 M1 M2 M3 M4 X1 X2".split()  # noqa: SIM905
)


def test_the_page_is_the_table() -> None:
    assert (DOCS / "causes.md").read_text(encoding="utf-8") == page(), "python -m runtimeprobe.diagnose.causes.catalogue > docs/causes.md"


def test_every_reported_cause_has_a_row() -> None:
    assert set(REPORTED) <= {cause.id for cause in CATALOGUE}


def test_ids_are_unique_and_of_their_family() -> None:
    ids = [cause.id for cause in CATALOGUE]
    assert len(ids) == len(set(ids))
    for letter, (_, rows) in FAMILIES.items():
        numbers = [int(cause.id.removeprefix(letter)) for cause in rows]
        assert numbers == sorted(numbers)


def test_a_row_says_everything() -> None:
    for cause in CATALOGUE:
        assert all((cause.title, cause.expected, cause.fix, cause.source)), cause.id
        assert re.fullmatch(r"[A-Z]\d+", cause.id)


def test_knowing_nothing_finds_nothing_and_says_what_is_missing() -> None:
    findings = examine(None, None)
    assert [finding.id for finding in findings] == [cause.id for cause in CATALOGUE]
    assert {finding.status for finding in findings} == {Status.NOT_CHECKED}
    assert all(finding.seen for finding in findings)


def test_an_empty_file_and_an_empty_run_raise_nothing() -> None:
    for file in (FileFacts("gguf"), FileFacts("gguf", architecture="gemma4"), FileFacts("folder", architecture="gemma4")):
        assert len(examine(file, RunFacts())) == len(CATALOGUE)
