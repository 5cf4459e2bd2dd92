"""What may be tried: changes of configuration or of the file's metadata, and the causes each would cure. Pure.

A change is worth trying for a cause if, the cause being true, it would stop the symptom. The order comes from what was found in the file
and from the kind of loop; what merely hides a loop (penalties) comes last.
"""

from collections.abc import Iterable, Mapping, Sequence

from runtimeprobe.contract import Lever, Sampling
from runtimeprobe.diagnose.results import Finding, Status
from runtimeprobe.results import Struct

# Google's advice for every size (ai.google.dev/gemma/docs/core/model_card_4, "Best practices"), as in general.sampling.* of its files.
RECOMMENDED = Sampling(temperature=1.0, top_k=64, top_p=0.95)
WEIGHT = {"high": 6, "medium": 3, "low": 1}
KIND = 2  # what the kind of the loop weighs
VERBATIM = ("constant text", "word collapse", "line cycle", "paragraph cycle", "enumeration")
THINKING = ("endless thinking",)
SAMPLING = ("temperature", "top_k", "top_p", "min_p", "repeat_penalty", "presence_penalty", "frequency_penalty")


class Patch(Struct, frozen=True, kw_only=True):
    """One value of a GGUF file's metadata (or the tensor `rope_freqs.weight`) as it should be.

    `kind`: the type llama.cpp's --override-kv takes it as; "" for what it cannot take.
    """

    key: str
    value: str | int | float | bool | tuple[int, ...] | tuple[bool, ...] | tuple[float, ...]
    kind: str = ""


class Change(Struct, frozen=True, kw_only=True):
    """One thing made different.

    `levers` and `without_projector` need the model to be loaded anew, `patches` a copy of the file too, `sampling` and `thinking` neither.
    """

    lever: str
    before: str
    after: str
    aims: tuple[str, ...]
    levers: Mapping[str, str] = {}
    sampling: Sampling | None = None
    thinking: bool | None = None
    patches: tuple[Patch, ...] = ()
    without_projector: bool = False


class Row(Struct, frozen=True, kw_only=True):
    """A change of one of the adapter's levers: the value to try, the causes it aims at, and the kinds of loop that make it likelier."""

    lever: str
    value: str
    aims: tuple[str, ...]
    kinds: tuple[str, ...] = ()


# Ids: docs/causes.md.
ROWS = (
    Row(lever="stop", value="<turn|>", aims=("T6", "T10"), kinds=("line cycle", "paragraph cycle", "reserved tokens")),
    Row(lever="bos", value="on", aims=("T3",), kinds=("constant text", "word collapse")),
    Row(lever="bos", value="off", aims=("T4",)),
    Row(lever="context", value="8192", aims=("L1",), kinds=("paragraph cycle",)),
    Row(lever="context_shift", value="off", aims=("L1",), kinds=("paragraph cycle",)),
    Row(lever="kv_type_k", value="f16", aims=("V1",)),
    Row(lever="kv_type_v", value="f16", aims=("V1",)),
    Row(lever="flash_attention", value="off", aims=("K4", "K5")),
    Row(lever="parallel", value="1", aims=("V2",)),
    Row(lever="device", value="cpu", aims=("K1", "K2", "K3", "K8"), kinds=("reserved tokens",)),
    Row(lever="swa_full", value="on", aims=("V2",)),
)
PENALTY = Sampling(temperature=1.0, top_k=64, top_p=0.95, repeat_penalty=1.1)


def candidates(
    findings: Sequence[Finding],
    kind: str,
    levers: Iterable[Lever],
    given: Mapping[str, str],
    patches: Sequence[tuple[str, Patch]],
    template: str,
    *,
    projector: bool = False,
) -> tuple[Change, ...]:
    """All changes worth trying, most promising first.

    `kind`: of the loops seen. `given`: levers the user set. `patches`: (cause, what would mend it in the file). `projector`: one is loaded.
    """
    found = {finding.id: WEIGHT[finding.confidence] for finding in findings if finding.status is Status.FOUND}
    rows = [*_of_file(patches), *_of_asking(given), *_of_levers({lever.name: lever for lever in levers}, given, template)]
    if projector:
        rows.append((Change(lever="projector", before="loaded", after="none", aims=("G6",), without_projector=True), (), 0.0))
    scores = [sum(found.get(cause, 0) for cause in change.aims) + (KIND if kind in kinds else 0) - malus for change, kinds, malus in rows]
    return tuple(rows[place][0] for place in sorted(range(len(rows)), key=lambda place: (-scores[place], place)))


# A change, the kinds of loop that make it likelier, and what makes it less so.
Weighed = tuple[Change, Sequence[str], float]


def _of_file(patches: Sequence[tuple[str, Patch]]) -> Iterable[Weighed]:
    by_cause: dict[str, list[Patch]] = {}
    for cause, patch in patches:
        by_cause.setdefault(cause, []).append(patch)
    for cause, mended in by_cause.items():
        keys = ", ".join(patch.key for patch in mended)
        change = Change(lever="file", before=f"{keys} as it is", after=f"{keys} as it should be", aims=(cause,), patches=tuple(mended))
        yield change, (), 0.5


def _of_asking(given: Mapping[str, str]) -> Iterable[Weighed]:
    set_so = ", ".join(f"{name} {given[name]}" for name in SAMPLING if name in given)
    recommended = Change(
        lever="sampling", before=set_so or "the runtime's own", after="recommended", aims=("S1", "S2", "S3"), sampling=RECOMMENDED
    )
    yield recommended, VERBATIM if set_so else (), 0.0
    yield Change(lever="thinking", before=given.get("thinking", "as asked"), after="off", aims=("C5", "M3"), thinking=False), THINKING, 0.0
    yield Change(lever="repeat_penalty", before="1.0", after="1.1", aims=("M2",), sampling=PENALTY), ("enumeration",), 3.0


def _of_levers(known: Mapping[str, Lever], given: Mapping[str, str], template: str) -> Iterable[Weighed]:
    if "template" in known and template:
        aims = ("C1", "C2", "C3", "C4", "C5", "C6", "T4")
        change = Change(lever="template", before="the file's", after="Gemma 4's", aims=aims, levers={"template": template})
        yield change, ("line cycle", "paragraph cycle"), 0.0
    for row in ROWS:
        lever = known.get(row.lever)
        before = given.get(row.lever, lever.default if lever else "")
        if lever and before != row.value and (not lever.values or row.value in lever.values):
            change = Change(lever=row.lever, before=before, after=row.value, aims=row.aims, levers={row.lever: row.value})
            yield change, row.kinds, 0.0 if row.lever in given else 1.0


def sampled(given: Mapping[str, str]) -> bool:
    return any(name in given for name in SAMPLING)


def both(first: Change, second: Change) -> Change:
    """Two changes at once."""
    return Change(
        lever=f"{first.lever} + {second.lever}",
        before=f"{first.before} + {second.before}",
        after=f"{first.after} + {second.after}",
        aims=tuple(dict.fromkeys(first.aims + second.aims)),
        levers={**first.levers, **second.levers},
        sampling=first.sampling or second.sampling,
        thinking=second.thinking if first.thinking is None else first.thinking,
        patches=(*first.patches, *second.patches),
        without_projector=first.without_projector or second.without_projector,
    )
