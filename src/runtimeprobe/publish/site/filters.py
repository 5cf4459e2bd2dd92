"""Small pieces of HTML that stand on a page a thousand times: as functions, since a macro of jinja costs several times as much."""

from markupsafe import Markup, escape

from runtimeprobe.publish.interface import SYMBOLS, safe
from runtimeprobe.results import Verdict

LONG, BLOCK = 700, 4000  # characters of an answer or error, of an engine's last words
TAGS = {
    verdict.value: Markup(f'<b class="tag v v-{verdict.value}">{symbol} {verdict.value}</b>')  # noqa: S704 (our own words)
    for verdict, (symbol, _) in SYMBOLS.items()
}
NOT_TOLD = Markup('<span class="soft">not told</span>')
NO_ANSWER = Markup('<span class="soft">not asked or no answer</span>')
EMPTY = Markup('<span class="soft">an empty answer</span>')
QUOTE, OF = Markup("<q>%s</q>"), Markup('%s <span class="soft">of %s</span>')


def tag(verdict: str) -> Markup:
    return TAGS[Verdict(verdict).value]


def said(text: str | None) -> Markup:
    if text is None:
        return NO_ANSWER
    line = safe(text, LONG)
    return QUOTE % line if line else EMPTY


def count(seen: int | None, expected: int | None = None) -> Markup:
    shown = NOT_TOLD if seen is None else escape(seen)
    return shown if expected is None else OF % (shown, expected)


def rate(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def long(text: str) -> str:
    return safe(text, LONG)


def block(text: str) -> str:
    """Several lines of an engine, its last ones, each made safe."""
    return "\n".join(safe(line, 400) for line in text[-BLOCK:].splitlines()[-60:])


def day(iso: str) -> str:
    return safe(iso[:10], 10)


def seconds(value: float) -> str:
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"
