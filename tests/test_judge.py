"""Every verdict, and every way to get it wrong. The judge is pure, so each case is a table row."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtimeprobe import judge
from runtimeprobe.audio.scoring import word_error_rate
from runtimeprobe.diagnose.loops import find_loop
from runtimeprobe.judge import Clip, Failure, Observation, Outcome, Said
from runtimeprobe.results import Attempt, Verdict

A = Clip(transcript="three nine", seconds=1.2, expected_tokens=30)
B = Clip(transcript="four zero six one", seconds=2.8, expected_tokens=70)


def said(text: str, tokens: int | None = None, *, thinking: str = "", finish_reason: str = "") -> Said:
    return Said(text=text, prompt_tokens=tokens, thinking=thinking, finish_reason=finish_reason)


def seen(a: Outcome, b: Outcome, silence: Outcome, control: Outcome, threshold: float = 0.0) -> Observation:
    return Observation(a=a, b=b, silence=silence, control=control, clip_a=A, clip_b=B, threshold=threshold)


def judged(observation: Observation) -> Attempt:
    return judge.attempt(observation, word_error_rate, find_loop)


RIGHT = (said("three nine", 52), said("four zero six one", 92), said("nothing", 52), said("nothing", 20))
CASES: dict[str, tuple[tuple[Outcome, Outcome, Outcome, Outcome], Verdict, str]] = {
    "both right, counts right": (RIGHT, Verdict.HEARD, "grew by the sound's tokens"),
    "right in figures and with punctuation": (
        (said("3 9.", 52), said("Four, zero, six, ONE!", 92), said("", 52), said("", 20)),
        Verdict.HEARD,
        "transcribed right",
    ),
    "right without counts": (
        (said("three nine"), said("four zero six one"), said("nothing"), said("nothing")),
        Verdict.HEARD,
        "no token counts",
    ),
    "right, counts leave the sound out": (
        (said("three nine", 20), said("four zero six one", 20), said("nothing", 20), said("nothing", 20)),
        Verdict.HEARD,
        "leave the sound out",
    ),
    "right on a route that needs a clip": (
        (said("three nine", 52), said("four zero six one", 92), said("nothing", 52), None),
        Verdict.HEARD,
        "grew by",
    ),
    "one wrong word": (
        (said("three nine", 52), said("four zero six nine", 92), said("nothing", 52), said("nothing", 20)),
        Verdict.GARBLED,
        "clip B is transcribed wrong",
    ),
    "clips swapped": (
        (said("four zero six one", 52), said("three nine", 92), said("nothing", 52), said("nothing", 20)),
        Verdict.GARBLED,
        "both are transcribed wrong",
    ),
    "half of the tokens": (
        (said("three", 36), said("four zero", 56), said("nothing", 36), said("nothing", 20)),
        Verdict.GARBLED,
        "not as many tokens",
    ),
    "loops after the right answer": (
        (said("three nine " * 12, 52), said("four zero six one", 92), said("nothing", 52), said("nothing", 20)),
        Verdict.GARBLED,
        "loops",
    ),
    "words depend on the clip, counts leave the sound out": (
        (said("three", 20), said("four", 20), said("nothing", 20), said("nothing", 20)),
        Verdict.GARBLED,
        "counts leave the sound out",
    ),
    "tokens consumed, always the same answer": (
        (said("nothing", 52), said("nothing", 92), said("nothing", 52), said("nothing", 20)),
        Verdict.DEAF,
        "does not depend on the clip",
    ),
    "length alone reaches the answer": (
        (said("one", 52), said("one one", 92), said("one", 52), said("nothing", 20)),
        Verdict.DEAF,
        "does not depend",
    ),
    "length alone reaches the answer, and the counts say nothing does": (
        (said("one", 20), said("one one", 20), said("one", 20), said("nothing", 20)),
        Verdict.DEAF,
        "no more than the clips' lengths",
    ),
    "one fixed transcript that is right for clip A": (
        (said("three nine", 52), said("three nine", 92), said("three nine", 52), said("three nine", 20)),
        Verdict.DEAF,
        "same answer with the words and without",
    ),
    "remembers the first clip": (
        (said("three nine", 52), said("three nine", 92), said("three nine", 52), said("nothing", 20)),
        Verdict.DEAF,
        "does not depend",
    ),
    "refuses in free text after consuming": (
        (said("I cannot process audio.", 52), said("I cannot process audio.", 92), said("I cannot process audio.", 52), said("Hello", 20)),
        Verdict.DEAF,
        "does not depend",
    ),
    "dropped in silence": (
        (
            said("Please share the audio.", 20),
            said("Please share the audio.", 20),
            said("Please share the audio.", 20),
            said("Send it.", 20),
        ),
        Verdict.IGNORED,
        "never reached the model",
    ),
    "replaced by a marker word": (
        (said("nothing", 22), said("nothing", 22), said("nothing", 22), said("nothing", 20)),
        Verdict.IGNORED,
        "never reached the model",
    ),
    "no counts, no dependence": (
        (said("nothing"), said("nothing"), said("nothing"), said("nothing")),
        Verdict.DEAF,
        "cannot be told",
    ),
    "thinks until the budget is gone": (
        (
            said("", 52, thinking="Let me see", finish_reason="length"),
            said("", 92, thinking="Let me see", finish_reason="length"),
            said("", 52, thinking="Let me see", finish_reason="length"),
            said("", 20, thinking="Let me see", finish_reason="length"),
        ),
        Verdict.FAILED,
        "thinking used up",
    ),
    "refused": (
        (Failure(verdict=Verdict.REJECTED, reason="no audio here"), None, None, said("nothing", 20)),
        Verdict.REJECTED,
        "no audio here",
    ),
    "dies with sound": (
        (Failure(verdict=Verdict.CRASHED, reason="SIGSEGV"), None, None, said("nothing", 20)),
        Verdict.CRASHED,
        "SIGSEGV",
    ),
    "dies with clip B alone": (
        (said("three nine", 52), Failure(verdict=Verdict.CRASHED, reason="SIGSEGV"), None, said("nothing", 20)),
        Verdict.CRASHED,
        "clip B: SIGSEGV",
    ),
    "fails without sound too": (
        (Failure(verdict=Verdict.REJECTED, reason="400"), None, None, Failure(verdict=Verdict.FAILED, reason="500")),
        Verdict.FAILED,
        "without sound too: 500",
    ),
    "slow": ((Failure(verdict=Verdict.TIMEOUT, reason="60 s"), None, None, said("", 20)), Verdict.TIMEOUT, "60 s"),
    "our own fault": ((Failure(verdict=Verdict.ERROR, reason="bug"), None, None, said("", 20)), Verdict.ERROR, "bug"),
    "silence fails, words right": (
        (said("three nine", 52), said("four zero six one", 92), Failure(verdict=Verdict.FAILED, reason="no speech"), said("nothing", 20)),
        Verdict.HEARD,
        "transcribed right",
    ),
    "the control knows the answer": (
        (said("three nine", 52), said("four zero six one", 92), said("nothing", 52), said("three nine", 20)),
        Verdict.GARBLED,
        "without sound",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_verdict_and_reason(name: str) -> None:
    outcomes, verdict, reason = CASES[name]
    result = judged(seen(*outcomes))
    assert result.verdict is verdict, result
    assert reason in result.reason


def test_every_verdict_of_an_attempt_is_in_the_table() -> None:
    assert {verdict for _, verdict, _ in CASES.values()} == set(Verdict) - {Verdict.SKIPPED}


def test_a_threshold_lets_real_models_miss_a_word() -> None:
    outcomes = (said("three nine", 52), said("four zero six nine", 92), said("", 52), said("", 20))
    assert judged(seen(*outcomes, threshold=0.34)).verdict is Verdict.HEARD
    assert judged(seen(*outcomes, threshold=0.2)).verdict is Verdict.GARBLED


def test_evidence_holds_the_numbers() -> None:
    evidence = judged(seen(*RIGHT)).evidence
    assert (evidence.control_tokens, evidence.a_tokens, evidence.b_tokens) == (20, 52, 92)
    assert (evidence.expected_a, evidence.expected_b) == (30, 70)
    assert evidence.tokens_per_second_of_audio == 25.0
    assert (evidence.wer_a, evidence.wer_b, evidence.depends_on_clip, evidence.loop) == (0.0, 0.0, True, None)


def result(verdict: Verdict) -> Attempt:
    return Attempt(verdict=verdict, reason=f"was {verdict}", evidence=judged(seen(*RIGHT)).evidence, answers=judged(seen(*RIGHT)).answers)


def test_the_majority_decides_and_the_rest_is_told() -> None:
    verdict, reason, rate = judge.cell([result(Verdict.HEARD), result(Verdict.CRASHED), result(Verdict.HEARD)])
    assert (verdict, rate) == (Verdict.HEARD, 0.667)
    assert "attempts disagree (heard 2, crashed 1)" in reason


def test_a_tie_is_the_worse_verdict() -> None:
    assert judge.cell([result(Verdict.HEARD), result(Verdict.DEAF)])[0] is Verdict.DEAF


HEARD = ["three", "nine", "four", "zero", "six", "one", "nothing", "I cannot", "\u202e", ""]
WORDS = st.lists(st.sampled_from(HEARD), max_size=6).map(" ".join)
COUNTS = st.none() | st.integers(-5, 200)
ANSWERS = st.builds(said, WORDS, COUNTS)


@settings(deadline=None, max_examples=1000)
@given(a=ANSWERS, b=ANSWERS, silence=st.none() | ANSWERS, control=st.none() | ANSWERS)
def test_heard_needs_both_transcripts_whatever_the_counts_say(a: Said, b: Said, silence: Said | None, control: Said | None) -> None:
    attempt = judged(seen(a, b, silence, control))
    if attempt.verdict is Verdict.HEARD:
        assert word_error_rate(A.transcript, a.text) == 0
        assert word_error_rate(B.transcript, b.text) == 0
        assert control is None or word_error_rate(A.transcript, control.text) > 0
    if attempt.verdict is Verdict.IGNORED:
        assert a.prompt_tokens is not None
        assert a.text == b.text
