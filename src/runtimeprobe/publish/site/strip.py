"""A cell's spells as a strip: time from left to right, the better the higher, so that the shape says what the colour says."""

from collections.abc import Sequence

from markupsafe import Markup, escape

from runtimeprobe.history.model import Spell
from runtimeprobe.publish.edition import instant
from runtimeprobe.results import Verdict

MOST = 60  # spells drawn; a strip of more is noise
WIDTH, HEIGHT, LEAST = 640.0, 28.0, 3.0
SHARES = {
    Verdict.HEARD: 1.0,
    Verdict.GARBLED: 0.7,
    Verdict.DEAF: 0.5,
    Verdict.IGNORED: 0.45,
    Verdict.REJECTED: 0.35,
    Verdict.FAILED: 0.25,
    Verdict.CRASHED: 0.2,
    Verdict.TIMEOUT: 0.2,
    Verdict.SKIPPED: 0.07,
    Verdict.ERROR: 0.07,
}  # of the height


def strip(newest_first: Sequence[Spell]) -> Markup:
    spells = list(reversed(newest_first[:MOST]))
    begin, end = instant(spells[0].first), instant(spells[-1].last)
    span = max(end - begin, 1.0)
    shapes: dict[Verdict, list[str]] = {}
    for number, spell in enumerate(spells):
        left = (instant(spell.first) - begin) / span * WIDTH
        right = WIDTH if number + 1 == len(spells) else (instant(spells[number + 1].first) - begin) / span * WIDTH
        height, width = HEIGHT * SHARES[spell.verdict], max(LEAST, right - left - 1)
        shapes.setdefault(spell.verdict, []).append(f"M{left:.0f} {HEIGHT:.0f}v-{height:.0f}h{width:.0f}v{height:.0f}z")
    parts = [f'<path class="v v-{verdict.value}" d="{"".join(drawn)}"/>' for verdict, drawn in shapes.items()]
    words = f"From {spells[0].first[:10]} to {spells[-1].last[:10]}: " + ", ".join(spell.verdict.value for spell in spells[-6:])
    if len(spells) > 6:
        words = words.replace(": ", ": ..., ", 1)
    return Markup(  # noqa: S704 (numbers and verdicts alone; the dates are escaped)
        f'<svg class="strip" viewBox="0 0 {WIDTH:.0f} {HEIGHT + 2:.0f}" preserveAspectRatio="none" role="img" aria-label="{escape(words)}">'
        f'<line class="base" x1="0" x2="{WIDTH:.0f}" y1="{HEIGHT + 1:.0f}" y2="{HEIGHT + 1:.0f}"/>{"".join(parts)}</svg>'
    )
