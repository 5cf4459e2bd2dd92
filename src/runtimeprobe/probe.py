"""Probes one engine: loads a model, asks through every route, and hands what came back to the judge.

The conductor between worker and judge. A child that dies is replaced and the rest is still measured.
"""

from collections.abc import Callable, Iterator
from statistics import median

import msgspec

from runtimeprobe import judge
from runtimeprobe.audio.clips import HearingSet
from runtimeprobe.contract import Ask, Claim, Loaded, Route, Sampling
from runtimeprobe.plan import Load
from runtimeprobe.results import Attempt, Cell, Stage, Stages, Struct, Timing, Verdict
from runtimeprobe.session import Session, Settings, Timed, failure
from runtimeprobe.worker.process import Failed, WorkerError

PROMPTS = {
    "twin": "Transcribe.",
    # The instruction of Gemma's own documentation for speech recognition (ai.google.dev/gemma/docs/capabilities/audio).
    "real": "Transcribe the following speech segment in English into English text. Only output the transcription, with no newlines.",
}
MAX_TOKENS = {"twin": 48, "real": 128}
DEFAULTS_MAX_TOKENS = 512  # room to think and still answer

Report = Callable[[str], None]


class Tools(Struct, frozen=True, kw_only=True):
    """What probing needs from elsewhere: clip sets by attempt, scoring, loop detection, progress."""

    clips: Callable[[int], HearingSet]
    error_rate: judge.ErrorRate
    find_loop: judge.Loop
    report: Report


def cells(session: Session, settings: Settings, tools: Tools) -> Iterator[Cell]:
    """One cell per route of the session's load, as each is done."""
    load = session.load
    try:
        session.start()
    except WorkerError as error:
        for route in load.routes:
            yield unloaded(load, settings, route, error)
        return
    for route in load.routes:
        tools.report(f"{load.found.engine.name} {route.name} {load.model.model}")
        yield measure(session, route, settings, tools)


def unloaded(load: Load, settings: Settings, route: Route, error: WorkerError) -> Cell:
    failed = failure(error)
    return msgspec.structs.replace(
        blank(load, settings, route),
        verdict=failed.verdict,
        reason=f"the model does not load: {failed.reason}",
        fix=error.fix if isinstance(error, Failed) else "",
        stages=Stages(load=Stage(status="fail", error=failed.reason)),
        stderr=error.stderr,
    )


def blank(load: Load, settings: Settings, route: Route) -> Cell:
    engine, model = load.found.engine, load.model
    return Cell(
        runtime=load.found.runtime,
        engine=engine.name,
        engine_version=engine.version,
        build=engine.build,
        device=engine.device,
        route=route.name,
        model=model.model,
        weights=model.weights,
        quantization=model.quantization,
        projector_quantization=model.projector_quantization,
        digest=model.digest,
        projector_digest=model.projector_digest,
        claim=model.claim,
        verdict=Verdict.ERROR,
        reason="not measured",
        notes=tuple(filter(None, (engine.note, route.note))),
        reproduce=reproduce(load, route, settings),
    )


def reproduce(load: Load, route: Route, settings: Settings) -> str:
    import shlex
    import sys

    words = ["runtimeprobe", "matrix", "--engine", load.found.engine.name, "--route", route.name, "--model", load.model.model]
    words += ["--weights", load.model.weights]
    if load.found.target.python != sys.executable:
        words += ["--python", load.found.target.python]
    if load.found.engine.endpoint:
        words += ["--endpoint", load.found.engine.endpoint]
    if settings.attempts != Settings().attempts:
        words += ["--attempts", str(settings.attempts)]
    return shlex.join(words)


def measure(session: Session, route: Route, settings: Settings, tools: Tools) -> Cell:
    """All attempts at one route, then once more with the engine's own defaults."""
    load = session.load
    judged: list[Attempt] = []
    replies: list[tuple[Timed, float]] = []
    for number in range(settings.attempts):
        seen, timed = observe(session, route, tools.clips(number))
        judged.append(judge.attempt(seen, tools.error_rate, tools.find_loop))
        if timed:
            replies.append((timed, seen.clip_a.seconds))
        if judged[-1].verdict in (Verdict.TIMEOUT, Verdict.SKIPPED, Verdict.REJECTED):
            break  # said for good, or too dear to hear again
        if settings.until_heard and judged[0].verdict is Verdict.HEARD:
            break
    verdict, reason, rate = judge.cell(judged)
    shown = next(item for item in judged if item.verdict is verdict)
    base = blank(load, settings, route)
    defaults, note = ask_defaults(session, route, tools, verdict) if verdict in (Verdict.HEARD, Verdict.GARBLED) else (None, "")
    loaded = session.loaded or Loaded()
    stderr = session.worker.stderr if session.worker and verdict in (Verdict.FAILED, Verdict.ERROR) else ""
    return msgspec.structs.replace(
        base,
        build=loaded.build or base.build,
        device=loaded.device or base.device,
        claim=base.claim if loaded.claim is Claim.UNDECLARED else loaded.claim,
        verdict=verdict,
        reason=reason,
        notes=(*base.notes, *filter(None, (loaded.note, note))),
        stages=stages(session, shown, replies),
        evidence=shown.evidence,
        answers=msgspec.structs.replace(shown.answers, defaults=defaults),
        attempts=tuple(judged),
        pass_rate=rate,
        timing=timing(replies, session),
        stderr=stderr,
    )


def observe(session: Session, route: Route, clips: HearingSet) -> tuple[judge.Observation, Timed | None]:
    """The four asks of one attempt, the control first: if nothing works without sound, that must be known."""
    weights = session.load.model.weights

    def ask(clip: str) -> Timed | judge.Failure:
        request = Ask(route.name, PROMPTS[weights], clip=clip, max_tokens=MAX_TOKENS[weights], sampling=Sampling(), thinking=False)
        return session.ask(request)

    control = None if route.needs_clip else ask("")
    hangs = isinstance(control, judge.Failure) and control.verdict in (Verdict.SKIPPED, Verdict.TIMEOUT)
    a = control if hangs else ask(str(clips.a.path))
    refused = isinstance(a, judge.Failure) and a.verdict in (Verdict.REJECTED, Verdict.SKIPPED, Verdict.TIMEOUT)
    b = a if refused else ask(str(clips.b.path))
    silence = None if refused else ask(str(clips.silence.path))
    threshold = judge.THRESHOLDS[weights]
    clip_a, clip_b = (
        judge.Clip(transcript=clip.transcript, seconds=clip.seconds, expected_tokens=clip.expected_tokens) for clip in (clips.a, clips.b)
    )
    seen = judge.Observation(
        a=said(a), b=said(b), silence=said(silence), control=said(control), clip_a=clip_a, clip_b=clip_b, threshold=threshold
    )
    return seen, a if isinstance(a, Timed) else None


def said(outcome: Timed | judge.Failure | None) -> judge.Outcome:
    if not isinstance(outcome, Timed):
        return outcome
    reply = outcome.reply
    return judge.Said(
        text=reply.text,
        thinking=reply.thinking,
        prompt_tokens=reply.prompt_tokens,
        completion_tokens=reply.completion_tokens,
        finish_reason=reply.finish_reason,
    )


def ask_defaults(session: Session, route: Route, tools: Tools, verdict: Verdict) -> tuple[str | None, str]:
    """What a user who sets nothing gets, and a note if that loses the answer."""
    weights = session.load.model.weights
    clip = tools.clips(0).a
    # The asks of an attempt are not watched: they are short, and some engines tell their token counts only at the very end.
    outcome = session.ask(Ask(route.name, PROMPTS[weights], clip=str(clip.path), max_tokens=DEFAULTS_MAX_TOKENS), watch=True)
    if isinstance(outcome, judge.Failure):
        return None, f"with the engine's own defaults it fails: {outcome.reason}"
    text = outcome.reply.text
    if verdict is not Verdict.HEARD or tools.error_rate(clip.transcript, text) <= judge.THRESHOLDS[weights]:
        return text, ""
    why = (
        "thinking used up the budget"
        if not text.strip() and outcome.reply.thinking
        else "a wrong answer"
        if text.strip()
        else "an empty answer"
    )
    return text, f"the engine's own defaults lose the answer: {why}"


def stages(session: Session, shown: Attempt, replies: list[tuple[Timed, float]]) -> Stages:
    """Where it went wrong: ingest is the sound accepted and counted, infer a reply, output an answer with words in it."""
    load = Stage(status="pass", seconds=round(session.load_seconds, 3))
    refused = shown.verdict is Verdict.REJECTED
    if not replies or refused:
        where = {"ingest" if refused else "infer": Stage(status="fail", error=shown.reason)}
        return Stages(load=load, **where)
    first = median(timed.reply.first_token_seconds or timed.seconds for timed, _ in replies)
    total = median(timed.seconds for timed, _ in replies)
    absent = shown.evidence.token_evidence == "absent" and shown.verdict is Verdict.IGNORED
    return Stages(
        load=load,
        ingest=Stage(status="fail", error="no sound tokens in the prompt") if absent else Stage(status="pass", seconds=round(first, 3)),
        infer=Stage(status="pass", seconds=round(total, 3)),
        output=Stage(status="pass") if (shown.answers.a or "").strip() else Stage(status="fail", error="the answer is empty"),
    )


def timing(replies: list[tuple[Timed, float]], session: Session) -> Timing:
    peak = session.peak_rss_bytes
    if not replies:
        return Timing(peak_rss_bytes=peak)

    def middle(values: list[float]) -> float | None:
        return round(median(values), 4) if values else None

    speeds = []
    for timed, _ in replies:
        count, first = timed.reply.completion_tokens, timed.reply.first_token_seconds
        if count and count > 1 and first is not None and timed.reply.seconds > first:
            speeds.append((count - 1) / (timed.reply.seconds - first))
    return Timing(
        ttft_s=middle([timed.reply.first_token_seconds for timed, _ in replies if timed.reply.first_token_seconds is not None]),
        tokens_per_s=middle(speeds),
        audio_rtf=middle([timed.seconds / length for timed, length in replies if length]),
        peak_rss_bytes=peak,
    )
