"""Which causes are likely, from what the file and the runtime show and from what the changes did. Pure.

Where nothing goes wrong, a fault of the file, or of what the user chose, is still named if it is sure enough: it will go wrong elsewhere.
What a runtime does by itself is then no cause of anything.
"""

from collections.abc import Mapping, Sequence

from runtimeprobe.diagnose.changes import WEIGHT
from runtimeprobe.diagnose.results import Cause, Effect, Finding, Pull, Status

IN_THE_FILE = ("file", "template", "tokenizer")
CURED, HELPED, NO_EFFECT = 6.0, 2.0, -4.0
UNSEEN = 0.5  # of the credit for a cure, where nothing else points at the cause
CERTAIN = ("high", "medium")


def ranked(
    findings: Sequence[Finding], pulls: Sequence[tuple[Pull, Sequence[str]]], *, bad: bool, chosen: bool = False, titles: Mapping[str, str]
) -> tuple[Cause, ...]:
    """Most likely first. `pulls`: each with the causes its change aims at.

    bad: whether anything went wrong as it is. chosen: whether the user said how it is run.
    """
    found = {finding.id: finding for finding in findings if finding.status is Status.FOUND}
    if not bad:
        named = [item for item in found.values() if item.confidence in CERTAIN and (chosen or item.layer in IN_THE_FILE)]
        return tuple(
            Cause(id=item.id, title=item.title, evidence=(saw(item),), against=("nothing went wrong here",)) for item in by_weight(named)
        )
    scores = {name: float(WEIGHT[finding.confidence]) for name, finding in found.items()}
    evidence = {name: [saw(finding)] for name, finding in found.items()}
    against: dict[str, list[str]] = {}
    for item, aims in pulls:
        seen = [name for name in aims if name in found]
        said = f"{item.lever}: {item.before} -> {item.after}, {item.runs - item.loops} of {item.runs} runs without a loop"
        if item.effect in {Effect.CURES, Effect.HELPS}:
            gain = CURED if item.effect is Effect.CURES else HELPED
            for name in seen or aims[:1]:
                scores[name] = scores.get(name, 0.0) + gain * (1.0 if seen else UNSEEN)
                evidence.setdefault(name, []).append(said)
        elif item.effect is Effect.NONE and not item.note:
            for name in seen:
                scores[name] += NO_EFFECT * (1.0 if len(aims) == 1 else UNSEEN)
                against.setdefault(name, []).append(f"{said}: no effect")
    # A fault that is certainly there stays named though mending it was not enough; a faint hint only where there is nothing better.
    sure = [name for name in scores if scores[name] >= WEIGHT["medium"] or (name in found and found[name].confidence in CERTAIN)]
    likely = sorted(sure or [name for name in scores if scores[name] > 0], key=lambda name: -scores[name])
    return tuple(
        Cause(id=name, title=titles.get(name, name), evidence=tuple(evidence[name]), against=tuple(against.get(name, ())))
        for name in likely
    )


def by_weight(findings: Sequence[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda item: -WEIGHT[item.confidence])


def saw(finding: Finding) -> str:
    return f"{finding.seen} (expected: {finding.expected})" if finding.expected else finding.seen
