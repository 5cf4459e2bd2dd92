"""The hearing test: from what was asked and answered to a verdict with its reason. Pure: no file, clock, process or network.

One attempt asks, with one loaded model: a text control without sound, clip A, clip B (other words, other length), silence as long
as A. The verdict rests on three kinds of evidence: did the prompt grow by the sound's tokens, do the answers depend on the clip, are
the words right. Where an engine keeps one of them from us, the reason says so, and the weaker claim is made.
"""

from collections import Counter
from collections.abc import Callable, Sequence

from runtimeprobe.results import ORDER, Answers, Attempt, Evidence, Struct, Verdict

METHOD = "hearing-test/1"
TOLERANCE = 0.25  # of the expected soft tokens: runtimes pad and round the sound differently
MARKERS = 4  # tokens around the sound at most (begin and end of audio, a newline)
SLOPE = (20.0, 30.0)  # soft tokens per second of sound: 25 by design, one per 40 ms
THRESHOLDS = {"twin": 0.0, "real": 0.34}  # word error rate up to which words count as right

ErrorRate = Callable[[str, str], float]  # (transcript, answer) -> word error rate
Loop = Callable[[str], str | None]  # answer -> class of loop, if it loops


class Said(Struct, frozen=True, kw_only=True):
    """One reply, as far as the judge needs it."""

    text: str
    thinking: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    finish_reason: str = ""


class Failure(Struct, frozen=True, kw_only=True):
    """One ask that gave no reply: the verdict it stands for, and the words for it."""

    verdict: Verdict
    reason: str


class Clip(Struct, frozen=True, kw_only=True):
    """What the judge knows of a clip."""

    transcript: str
    seconds: float
    expected_tokens: int


Outcome = Said | Failure | None  # None: not asked


class Observation(Struct, frozen=True, kw_only=True):
    """All outcomes of one attempt. `control` is None on routes that cannot be asked without sound."""

    a: Outcome
    b: Outcome
    silence: Outcome
    control: Outcome
    clip_a: Clip
    clip_b: Clip
    threshold: float


def attempt(seen: Observation, error_rate: ErrorRate, find_loop: Loop) -> Attempt:
    """Judges one attempt."""
    answers = Answers(control=text(seen.control), a=text(seen.a), b=text(seen.b), silence=text(seen.silence))
    evidence = weigh(seen, error_rate, find_loop)
    verdict, reason = decide(seen, evidence)
    return Attempt(verdict=verdict, reason=reason, evidence=evidence, answers=answers)


def text(outcome: Outcome) -> str | None:
    return outcome.text if isinstance(outcome, Said) else None


def tokens(outcome: Outcome) -> int | None:
    return outcome.prompt_tokens if isinstance(outcome, Said) else None


def weigh(seen: Observation, error_rate: ErrorRate, find_loop: Loop) -> Evidence:
    """The numbers, before any verdict."""

    def rate(clip: Clip, outcome: Outcome) -> float | None:
        return round(error_rate(clip.transcript, outcome.text), 4) if isinstance(outcome, Said) else None

    control, a, b = tokens(seen.control), tokens(seen.a), tokens(seen.b)
    between = seen.clip_b.seconds - seen.clip_a.seconds
    loops = [find_loop(outcome.text) for outcome in (seen.a, seen.b, seen.silence, seen.control) if isinstance(outcome, Said)]
    wer_a, wer_b = rate(seen.clip_a, seen.a), rate(seen.clip_b, seen.b)
    return Evidence(
        control_tokens=control,
        a_tokens=a,
        b_tokens=b,
        expected_a=seen.clip_a.expected_tokens,
        expected_b=seen.clip_b.expected_tokens,
        tokens_per_second_of_audio=None if a is None or b is None or not between else round((b - a) / between, 2),
        token_evidence=token_evidence(seen, control, a, b),
        wer_a=wer_a,
        wer_b=wer_b,
        wer_control=rate(seen.clip_a, seen.control if seen.control is not None else seen.silence),
        depends_on_clip=depends(seen, wer_b),
        loop=next((loop for loop in loops if loop), None),
    )


def depends(seen: Observation, wer_b: float | None) -> bool | None:
    """Whether the answer depends on what is in the clip; None if too little was answered.

    Silence as long as clip A tells content from mere length, which an engine that loses the sound behind its encoder still passes on. The
    control is left out: an engine that swaps the clip for a remark answers the control otherwise, and is no less deaf.
    """
    a, b, silence = text(seen.a), text(seen.b), text(seen.silence)
    if a is None or (b is None and silence is None):
        return None
    if silence is None:
        return a != b
    return a != silence or (b != silence and wer_b is not None and wer_b <= seen.threshold)


def token_evidence(seen: Observation, control: int | None, a: int | None, b: int | None) -> str:
    """consumed, partial or absent by the engine's own counts; unknown where it gives none that say anything.

    Without a control (transcription routes) only the slope between the two clips can be read.
    """
    if a is None or b is None or min(a, b) <= 0:
        return "unknown"
    if control is not None:
        shares = [share(a - control, seen.clip_a.expected_tokens), share(b - control, seen.clip_b.expected_tokens)]
        return "consumed" if set(shares) == {"consumed"} else "absent" if set(shares) == {"absent"} else "partial"
    between = seen.clip_b.seconds - seen.clip_a.seconds
    slope = (b - a) / between if between else 0.0
    return "consumed" if SLOPE[0] <= slope <= SLOPE[1] else "absent" if a == b else "partial"


def share(grown: int, expected: int) -> str:
    if expected * (1 - TOLERANCE) <= grown <= expected * (1 + TOLERANCE) + MARKERS:
        return "consumed"
    return "absent" if grown <= MARKERS else "partial"


def decide(seen: Observation, evidence: Evidence) -> tuple[Verdict, str]:
    """The verdict of one attempt and the sentence that gives its reason."""
    for name, outcome in (("clip A", seen.a), ("clip B", seen.b)):
        if isinstance(outcome, Failure):
            return refused(name, outcome, seen)
    if not isinstance(seen.a, Said) or not isinstance(seen.b, Said):
        return Verdict.ERROR, "the clips were not both asked"
    right = [rate is not None and rate <= seen.threshold for rate in (evidence.wer_a, evidence.wer_b)]
    given_away = isinstance(seen.control, Said) and evidence.wer_control is not None and evidence.wer_control <= seen.threshold
    silent_right = isinstance(seen.silence, Said) and seen.silence.text == seen.a.text
    if all(right) and not given_away and not silent_right:
        return Verdict.HEARD, heard_reason(evidence)
    if all(right) and given_away:
        return Verdict.GARBLED, "clip A's words are answered without sound too: this model's answers prove nothing"
    if starved(seen.a) and starved(seen.b):
        return Verdict.FAILED, "thinking used up the whole token budget: no answer was given, so nothing can be said about hearing"
    if evidence.depends_on_clip and evidence.token_evidence != "absent":
        return Verdict.GARBLED, garbled_reason(evidence, right)
    if evidence.depends_on_clip and not same_words(seen):
        return Verdict.GARBLED, garbled_reason(evidence, right) + "; the engine's token counts leave the sound out"
    return unhearing(evidence, given_away, same_words(seen))


def refused(name: str, outcome: Failure, seen: Observation) -> tuple[Verdict, str]:
    if isinstance(seen.control, Failure):
        return seen.control.verdict if seen.control.verdict is not Verdict.REJECTED else Verdict.FAILED, (
            f"it fails without sound too: {seen.control.reason}"
        )
    return outcome.verdict, f"{name}: {outcome.reason}" if name != "clip A" else outcome.reason


def same_words(seen: Observation) -> bool:
    """Both clips got the same answer: only silence differs, which an engine may treat apart without hearing any words."""
    return text(seen.a) == text(seen.b)


def starved(outcome: Outcome) -> bool:
    return (
        isinstance(outcome, Said)
        and not outcome.text.strip()
        and bool(outcome.thinking.strip())
        and outcome.finish_reason in {"length", "loop"}
    )


def heard_reason(evidence: Evidence) -> str:
    counts = {
        "consumed": "and the prompt grew by the sound's tokens",
        "partial": "though the prompt's token count is not what this much sound should take",
        "absent": "though the engine's token counts leave the sound out",
        "unknown": "(the engine reports no token counts)",
    }
    return f"both clips transcribed right, {counts[evidence.token_evidence]}"


def garbled_reason(evidence: Evidence, right: Sequence[bool]) -> str:
    if evidence.loop:
        return f"the answer depends on the clip but loops ({evidence.loop})"
    which = "clip B is" if right[0] else "clip A is" if right[1] else "both are"
    rate = max(evidence.wer_a or 0.0, evidence.wer_b or 0.0)
    partial = "; the prompt grew, but by not as many tokens as this sound takes" if evidence.token_evidence == "partial" else ""
    return f"the answer depends on the clip, but {which} transcribed wrong (word error rate up to {rate:.2f}){partial}"


def unhearing(evidence: Evidence, given_away: bool, same_to_both: bool) -> tuple[Verdict, str]:
    """No answer depends on the clip: deaf or ignored. Two answers to two clips are no proof that nothing of them got through."""
    same = "the same answer with the words and without" if given_away else "the answer does not depend on the clip"
    if evidence.token_evidence == "absent" and not same_to_both:
        return Verdict.DEAF, "the answers differ by no more than the clips' lengths; the engine's token counts leave the sound out"
    if evidence.token_evidence == "absent":
        return Verdict.IGNORED, f"accepted without error, but the prompt did not grow: the sound never reached the model ({same})"
    if evidence.token_evidence == "unknown":
        return Verdict.DEAF, f"{same}; the engine reports no token counts, so whether the sound reached the model cannot be told"
    count = "" if evidence.token_evidence == "consumed" else ", not as many as this sound takes"
    return Verdict.DEAF, f"sound tokens reached the prompt{count}, yet {same}"


def cell(attempts: Sequence[Attempt]) -> tuple[Verdict, str, float]:
    """The majority's verdict (the worse one of a tie), its reason, and the share of attempts that agree with `heard`."""
    counts = Counter(item.verdict for item in attempts)
    most = max(counts.values())
    verdict = max((item for item, count in counts.items() if count == most), key=ORDER.index)
    reason = next(item.reason for item in attempts if item.verdict is verdict)
    if len(counts) > 1:
        others = ", ".join(f"{name.value} {count}" for name, count in counts.most_common())
        reason = f"{reason}; attempts disagree ({others})"
    return verdict, reason, round(counts[Verdict.HEARD] / len(attempts), 3)
