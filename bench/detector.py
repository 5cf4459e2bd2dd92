"""The loop detector beside the published rules, on the corpus of tests/diagnose/corpus. docs/loops.md says what each figure means."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from tests.diagnose.corpus.build import corpus
from tests.diagnose.corpus.store import Entry, read

from bench import rules
from runtimeprobe.diagnose.loops import Detector, Loop, evidence
from runtimeprobe.diagnose.loops.evidence import classify
from runtimeprobe.diagnose.loops.period import STEP, Tracker

MEGABYTE = 1_000_000
LATE = 64  # characters; or three periods, where they are longer


class Seen(NamedTuple):
    """What became of one entry: the character at which a loop was called, or None."""

    entry: Entry
    at: int | None


def ours(entry: Entry, pieces: Sequence[str]) -> int | None:
    detector = Detector(thinking=entry.thinking)
    for piece in pieces:
        if loop := detector.feed(piece):
            return loop.seen
    ended = detector.finish()
    return ended.seen if ended else None


def theirs(make: Callable[[], rules.Feed], _entry: Entry, pieces: Sequence[str]) -> int | None:
    feed, at = make(), 0
    for piece in pieces:
        at += len(piece)
        if feed(piece):
            return at
    return None


def figures(name: str, half: str, seen: Sequence[Seen], speed: float) -> str:
    seen = [item for item in seen if half in {item.entry.half, "all"}]
    looping = [item for item in seen if item.entry.looping]
    found = [item for item in looping if item.at is not None]
    alarms = sum(1 for item in seen if not item.entry.looping and item.at is not None)
    clean = len(seen) - len(looping)
    periods = [(item.at - item.entry.start) / item.entry.period - 1 for item in found if item.at and item.entry.verbatim]
    recall = len(found) / len(looping)
    shown = f"{speed:.1f}" if speed else ""
    return f"| {name} | {half} | {recall:.4f} | {alarms} of {clean} | {statistics.median(periods):.1f} | {shown} |"


def compared(entries: Sequence[Entry]) -> Iterator[str]:
    cut = [(entry, rules.tokens(entry.text)) for entry in entries]
    size = sum(len(entry.text) for entry, _ in cut if not entry.looping) / MEGABYTE
    ways: dict[str, Callable[[Entry, Sequence[str]], int | None]] = {"runtimeprobe": ours}
    ways |= {name: partial(theirs, make) for name, make in rules.RULES.items()}
    for name, way in ways.items():
        began = time.process_time()
        seen = [Seen(entry, way(entry, pieces)) for entry, pieces in cut if not entry.looping]
        spent = time.process_time() - began
        seen += [Seen(entry, way(entry, pieces)) for entry, pieces in cut if entry.looping]
        for half in ("tune", "held out") if way is ours else ():
            yield figures(name, half, seen, 0)
        yield figures(name, "all", seen, size / spent)


def lateness(entries: Sequence[Entry]) -> Iterator[str]:
    """How late ours is: after the cycle began to repeat, and after it was established."""
    first, after, misses, model, in_time = [], [], [], [0, 0], 0
    for entry in (entry for entry in entries if entry.looping):
        loop = followed(entry)
        if entry.source != "made by rule":
            model[0] += 1
            model[1] += loop is not None
        if loop is None:
            misses.append(f"{entry.family} (period {entry.period})")
        elif entry.verbatim and loop.period:
            late = loop.seen - entry.start - entry.period
            first.append(late)
            in_time += late <= max(3 * entry.period, LATE)
            needed = classify(loop.period, entry.text[loop.seen - 2 * loop.period : loop.seen]).needed.length(loop.period)
            after.append((loop.seen - loop.start - needed, loop.period))
    worst, period = max(after)
    within = sum(1 for late, period in after if late <= max(3 * period, LATE))
    half = statistics.median(first)
    yield f"- loops of real models: {model[1]} of {model[0]} found"
    yield f"- after the cycle began to repeat: half within {half:.0f} characters, 95% within {statistics.quantiles(first, n=20)[-1]:.0f},"
    yield f"  {in_time} of {len(first)} within three periods or {LATE} characters"
    yield f"- once established: {within} of {len(after)} within three periods or {LATE} characters; latest {worst} (period {period})"
    yield f"- not found: {', '.join(misses) or 'none'}"


def followed(entry: Entry) -> Loop | None:
    detector = Detector(thinking=entry.thinking)
    return detector.feed(entry.text) or detector.finish()


def closest(entries: Sequence[Entry]) -> Iterator[str]:
    """How near to each row's length any clean text came."""
    names = {id(value): name for name, value in vars(evidence).items() if isinstance(value, evidence.Needed)}
    best: dict[str, tuple[float, str]] = {}
    for entry in (entry for entry in entries if not entry.looping):
        tracker = Tracker()
        for at in range(0, len(entry.text), STEP):
            tracker.add(entry.text[at : at + STEP])
            period, run = tracker.period, tracker.run
            if period and run > 2 * period:
                needed = classify(period, tracker.window[-2 * period :]).needed
                reached = f"{run} of {needed.length(period)} characters, period {period}: {entry.family}"
                best[names[id(needed)]] = max(best.get(names[id(needed)], (0.0, "")), (run / needed.length(period), reached))
    yield "| sort of unit | closest clean text | share |"
    yield "|---|---|---:|"
    yield from (f"| {name} | {reached} | {share:.2f} |" for name, (share, reached) in sorted(best.items()))


def speed() -> Iterator[str]:
    """Long streams of real files, longer than any output, so that a cost that grows would show."""
    yield "| clean text in one stream | fed whole | fed token by token |"
    yield "|---:|---:|---:|"
    text = "\n".join(entry.text for entry in read("files.jsonl.xz"))
    for size in (1, 3, 12):
        stream = (text * (size * MEGABYTE // len(text) + 1))[: size * MEGABYTE]
        pieces = rules.tokens(stream)
        rates = [
            f"{size / min(timed(way) for _ in range(3)):.1f} MB/s" for way in (partial(run_through, [stream]), partial(run_through, pieces))
        ]
        yield f"| {size} MB | {rates[0]} | {rates[1]} |"


def run_through(pieces: Sequence[str]) -> None:
    detector = Detector()
    for piece in pieces:
        if detector.feed(piece):
            raise AssertionError(detector.loop)


def timed(work: Callable[[], None]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def run() -> str:
    entries = corpus()
    looping = sum(entry.looping for entry in entries)
    lines = [f"{looping} looping and {len(entries) - looping} clean outputs, fed token by token; MB/s on the clean ones.", ""]
    lines += ["| detector | half of the corpus | recall | false alarms | median delay, periods | MB/s |", "|---|---|---:|---:|---:|---:|"]
    lines += [*compared(entries), "", "runtimeprobe:", "", *lateness(entries), "", *closest(entries), "", *speed()]
    return "\n".join(lines)
