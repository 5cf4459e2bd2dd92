"""The confusion table: every sabotage case through the whole pipeline, expected verdict against measured."""

from tests.sabotage.cases import CASES
from tests.sabotage.run import all_cells, confusion

from runtimeprobe.results import Verdict


def run() -> str:
    pairs, lines = [], []
    for name, cell in all_cells():
        expected = CASES[name].verdict
        pairs.append((expected, cell.verdict))
        if cell.verdict is not expected:
            lines.append(f"- {name}: expected {expected}, measured {cell.verdict} ({cell.reason})")
    false_heard = sum(1 for expected, got in pairs if got is Verdict.HEARD and expected is not Verdict.HEARD)
    false_ignored = sum(1 for expected, got in pairs if got is Verdict.IGNORED and expected is not Verdict.IGNORED)
    summary = f"{len(pairs)} cases on a real engine: {false_heard} false `heard`, {false_ignored} false `ignored`."
    return "\n".join([summary, "", confusion(pairs), *lines])
