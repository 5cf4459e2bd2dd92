"""`matrix --formats`: which containers and lengths each route that hears really takes."""

from collections.abc import Iterable, Iterator
from typing import Any

from runtimeprobe import judge, probe
from runtimeprobe.audio import clips
from runtimeprobe.contract import Ask, Sampling
from runtimeprobe.results import Cell, FormatResult, Verdict
from runtimeprobe.session import Session


def feed(session: Session, cells: Iterable[Cell], tools: probe.Tools) -> Iterator[FormatResult]:
    """Feeds every format and length clip to the routes of the session's load that were heard."""
    load = session.load
    key = (load.found.engine.name, load.model.model, load.model.weights)
    heard = [cell.route for cell in cells if (cell.engine, cell.model, cell.weights) == key and cell.verdict is Verdict.HEARD]
    for route in heard:
        for clip in clips.format_clips(load.model.weights):
            tools.report(f"{load.found.engine.name} {route} {clip.container}")
            yield judged(session, route, clip, tools)


def judged(session: Session, route: str, clip: clips.Clip, tools: probe.Tools) -> FormatResult:
    weights = session.load.model.weights
    request = Ask(
        route, probe.PROMPTS[weights], clip=str(clip.path), max_tokens=probe.MAX_TOKENS[weights] * 2, sampling=Sampling(), thinking=False
    )
    outcome = session.ask(request)
    common: dict[str, Any] = {
        "engine": session.load.found.engine.name,
        "route": route,
        "model": session.load.model.model,
        "clip": clip.path.name,
        "container": clip.container,
        "seconds": clip.seconds,
    }
    if isinstance(outcome, judge.Failure):
        return FormatResult(**common, verdict=outcome.verdict, reason=outcome.reason)
    rate = tools.error_rate(clip.transcript, outcome.reply.text)
    heard = rate <= judge.THRESHOLDS[weights]
    return FormatResult(
        **common,
        verdict=Verdict.HEARD if heard else Verdict.GARBLED,
        reason="transcribed right" if heard else f"accepted, but transcribed wrong (word error rate {rate:.2f})",
        answer=outcome.reply.text,
        prompt_tokens=outcome.reply.prompt_tokens,
    )
