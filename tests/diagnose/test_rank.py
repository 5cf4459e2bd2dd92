"""Which causes are named, in which order, and when none is."""

from runtimeprobe.diagnose.loops.detector import Confidence
from runtimeprobe.diagnose.rank import ranked
from runtimeprobe.diagnose.results import Effect, Finding, Layer, Pull, Status


def found(name: str, layer: Layer = "file", confidence: Confidence = "high") -> Finding:
    return Finding(
        id=name, title=name, layer=layer, status=Status.FOUND, confidence=confidence, seen="seen", expected="", fix="", source=""
    )


def pull(effect: Effect, lever: str = "lever") -> Pull:
    bad = 0 if effect is Effect.CURES else 4
    return Pull(lever=lever, before="a", after="b", runs=4, loops=bad, effect=effect, low=0, high=1)


def names(*args: object, bad: bool = True) -> list[str]:
    findings, pulls = args
    return [cause.id for cause in ranked(findings, pulls, bad=bad, titles={})]  # type: ignore[arg-type]


def test_what_was_found_and_cured_comes_first() -> None:
    assert names([found("G1"), found("C1")], [(pull(Effect.CURES), ("C1", "C2"))])[0] == "C1"


def test_what_was_changed_without_effect_falls_behind() -> None:
    assert names([found("C1"), found("G1", confidence="medium")], [(pull(Effect.NONE), ("C1",))]) == ["G1", "C1"]


def test_a_cure_of_something_unseen_names_the_first_it_aims_at() -> None:
    assert names([], [(pull(Effect.CURES), ("L1", "S1"))]) == ["L1"]


def test_nothing_found_and_nothing_cured_names_nothing() -> None:
    assert names([], [(pull(Effect.NONE), ("L1",))]) == []


def test_where_nothing_goes_wrong_only_what_is_sure_enough_is_named() -> None:
    findings = [found("S3", "sampling", "low"), found("G1"), found("C3", "template", "low")]
    assert names(findings, [], bad=False) == ["G1"]


def test_where_nothing_goes_wrong_a_setting_is_named_only_if_the_user_chose_it() -> None:
    found_so = [found("S1", "sampling", "medium")]
    assert ranked(found_so, [], bad=False, titles={}) == ()
    assert [cause.id for cause in ranked(found_so, [], bad=False, chosen=True, titles={})] == ["S1"]
