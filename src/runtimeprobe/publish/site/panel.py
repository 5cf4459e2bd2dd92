"""The evidence of one cell, as its section of a page needs it."""

from runtimeprobe.audio import clips
from runtimeprobe.history.model import Spell
from runtimeprobe.history.rates import interval
from runtimeprobe.publish.edition import Edition
from runtimeprobe.publish.interface import safe
from runtimeprobe.publish.naming import file_name, https
from runtimeprobe.publish.site.filters import seconds
from runtimeprobe.publish.site.strip import strip
from runtimeprobe.publish.words import glance
from runtimeprobe.results import NOT_EVALUATED, Cell, Verdict

SPELLS = 6  # shown in a section; the rest is in the engine's history
AGREED = f"clips/{clips.MANIFEST_VERSION}"  # in `hearing_test`: the clips that were used are the ones that we have


def history_file(engine: str) -> str:
    return f"data/history/{file_name(engine)}.json"


def view(edition: Edition, cell: Cell, number: int) -> dict[str, object]:
    used = clips_of(edition, cell)
    track = edition.track(cell)
    spells: tuple[Spell, ...] = tuple(reversed(track.spells)) if track else ()
    measured = cell.verdict not in NOT_EVALUATED
    return {
        "cell": cell,
        "slug": edition.slug(cell),
        "number": number,
        "glance": glance(cell),
        "measured": measured,
        "asked": measured and any(text is not None for text in (cell.answers.control, cell.answers.a, cell.answers.b)),
        "pass": passes(cell),
        "a": used.a if used else None,
        "b": used.b if used else None,
        "silence": used.silence if used else None,
        "first_a": clips.pair(cell.weights, 0).a if used else None,
        "expected_a": expected(cell, cell.evidence.a_tokens, cell.evidence.expected_a),
        "expected_b": expected(cell, cell.evidence.b_tokens, cell.evidence.expected_b),
        "stages": tuple((name, getattr(cell.stages, name)) for name in ("load", "ingest", "infer", "output")),
        "times": times(cell),
        "facts": facts(edition, cell),
        "issues": tuple((safe(issue, 200), https(issue)) for issue in cell.issues),
        "measured_before": measured_before(edition, cell),
        "strip": strip(spells) if spells else "",
        "spells": spells[:SPELLS],
        "older": max(0, len(spells) - SPELLS),
        "history": history_file(cell.engine),
    }


def clips_of(edition: Edition, cell: Cell) -> clips.HearingSet | None:
    """The recordings of the attempt whose answers the cell shows; None where we no longer have them."""
    if AGREED not in edition.hearing_test(cell) or cell.weights not in clips.load_manifest().sets or cell.answers.a is None:
        return None
    number = next((index for index, attempt in enumerate(cell.attempts) if attempt.verdict is cell.verdict), 0)
    return clips.pair(cell.weights, number)


def expected(cell: Cell, seen: int | None, sound: int | None) -> int | None:
    """Of the whole prompt: the control's tokens and the sound's."""
    control = cell.evidence.control_tokens
    return None if seen is None or sound is None or control is None else control + sound


def passes(cell: Cell) -> str:
    """Attempts that heard, with what that says of the next one."""
    if not cell.attempts:
        return ""
    heard = sum(attempt.verdict is Verdict.HEARD for attempt in cell.attempts)
    low, high = interval(heard, len(cell.attempts))
    return f"{heard} of {len(cell.attempts)} attempts heard (95%: {low:.0%} to {high:.0%})"


def times(cell: Cell) -> tuple[str, ...]:
    timing = cell.timing
    parts = (
        f"first token after {seconds(timing.ttft_s)}" if timing.ttft_s is not None else "",
        f"{timing.tokens_per_s:,.0f} tokens per second" if timing.tokens_per_s is not None else "",
        f"{timing.audio_rtf:.3f} s of work per second of sound" if timing.audio_rtf is not None else "",
        f"{timing.peak_rss_bytes / 1e6:,.0f} MB of memory at most" if timing.peak_rss_bytes is not None else "",
    )
    return tuple(filter(None, parts))


def facts(edition: Edition, cell: Cell) -> tuple[tuple[str, str], ...]:
    pairs = (
        ("measured" if cell.verdict not in NOT_EVALUATED else "looked for", edition.created(cell)),
        ("engine", f"{cell.engine} {cell.engine_version}"),
        ("build", cell.build),
        ("device", cell.device),
        ("platform", cell.platform),
        ("model", f"{cell.model}, {cell.weights} weights"),
        ("quantization", cell.quantization + (f", projector {cell.projector_quantization}" if cell.projector_quantization else "")),
        ("model digest", cell.digest),
        ("projector digest", cell.projector_digest),
    )
    return tuple((name, safe(value, 120)) for name, value in pairs if value.strip())


def measured_before(edition: Edition, cell: Cell) -> str:
    """What is known from earlier, where this run did not measure: said as old, never shown as the verdict."""
    if cell.verdict not in NOT_EVALUATED:
        return ""
    spell = edition.last_measured(cell)
    return f"Last measured {spell.last[:10]} with version {safe(spell.engine_version, 40)}: {spell.verdict}." if spell else ""
