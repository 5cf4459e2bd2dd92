"""The table of sabotage: name -> what is done, and the verdict and reason that must come of it."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from runtimeprobe.audio import clips
from runtimeprobe.contract import Model
from runtimeprobe.results import Verdict
from tests.sabotage import replies, sounds

NOT_HEARING = "does not depend on the clip"
WRONG = "transcribed wrong"
PART = "not as many"


def same_clip(path: str, memory: dict[str, Any]) -> str:  # noqa: ARG001
    return path


def change(name: str) -> Callable[[str, dict[str, Any]], str]:
    return lambda path, _memory: sounds.changed(path, name)


def swapped(path: str, memory: dict[str, Any]) -> str:  # noqa: ARG001
    """Each clip of a pair becomes the other."""
    for pair in clips.pairs("twin"):
        others = {str(pair.a.path): pair.b.path, str(pair.b.path): pair.a.path}
        if path in others:
            return str(others[path])
    return path


def first_clip(path: str, memory: dict[str, Any]) -> str:
    kept: str = memory.setdefault("clip", path)
    return kept


def previous_clip(path: str, memory: dict[str, Any]) -> str:
    before: str = memory.get("before", str(clips.pair("twin").silence.path))
    memory["before"] = path
    return before


def strangers_clip(path: str, memory: dict[str, Any]) -> str:  # noqa: ARG001
    return str(clips.load_manifest().clip("digits-more-1").path)


def same_model(model: Model) -> Model:
    return model


def damaged(part: str, how: str) -> Callable[[Model], Model]:
    """The projector with one tensor's data zeroed or shuffled: a real file, loaded by the real engine."""

    def damage(model: Model) -> Model:
        import gguf
        import numpy as np

        data = bytearray(Path(model.projector).read_bytes())
        tensor = next(item for item in gguf.GGUFReader(model.projector).tensors if item.name == part)
        flat = np.frombuffer(data, dtype=tensor.data.dtype, count=tensor.data.size, offset=tensor.data_offset)
        flat[:] = 0 if how == "zeroed" else np.random.default_rng(0).permutation(flat)
        with tempfile.NamedTemporaryFile(suffix=".gguf", prefix="sabotage-", delete=False) as target:
            target.write(data)
        return replace(model, projector=target.name)

    return damage


@dataclass(frozen=True)
class Case:
    """One sabotage. `reason` and `note` are substrings of the cell's."""

    verdict: Verdict
    reason: str
    reply: replies.Behaviour = replies.honest
    clip: Callable[[str, dict[str, Any]], str] = same_clip
    model: Callable[[Model], Model] = same_model
    needs_clip: bool = False
    attempts: int = 1
    note: str = ""
    limit_s: float = 60.0


H, G, D, I, R = Verdict.HEARD, Verdict.GARBLED, Verdict.DEAF, Verdict.IGNORED, Verdict.REJECTED  # noqa: E741
F, C, T, S, E = Verdict.FAILED, Verdict.CRASHED, Verdict.TIMEOUT, Verdict.SKIPPED, Verdict.ERROR

HONEST = {
    "healthy": Case(H, "grew by the sound's tokens", attempts=3),
    "healthy transcription route": Case(H, "transcribed right", needs_clip=True),
}

SOUND = {
    "clip replaced by silence": Case(D, NOT_HEARING, clip=change("silence")),
    "clip replaced by noise": Case(D, NOT_HEARING, clip=change("noise")),
    "clip replaced by a tone": Case(D, NOT_HEARING, clip=change("tone")),
    "first half only": Case(G, WRONG, clip=change("first half")),
    "second half only": Case(G, WRONG, clip=change("second half")),
    "first 700 ms only": Case(G, WRONG, clip=change("first 700 ms")),
    "wrong sample rate, too fast": Case(G, PART, clip=change("too fast")),
    "wrong sample rate, too slow": Case(G, PART, clip=change("too slow")),
    "clip played backwards": Case(G, WRONG, clip=change("backwards")),
    "every other frame dropped": Case(G, PART, clip=change("every other frame")),
    "clip fed twice": Case(G, PART, clip=change("twice over")),
    "halves of the clip swapped": Case(G, WRONG, clip=change("halves swapped")),
    "clips swapped": Case(G, WRONG, clip=swapped),
    "the first clip for every clip": Case(D, NOT_HEARING, clip=first_clip),
    "the clip of the request before": Case(G, WRONG, clip=previous_clip),
    "a stranger's clip for every clip": Case(D, NOT_HEARING, clip=strangers_clip),
    "silence for every clip, no control possible": Case(D, NOT_HEARING, clip=change("silence"), needs_clip=True),
}

PROJECTOR = {
    "projector output zeroed": Case(D, NOT_HEARING, model=damaged("mm.a.input_projection.weight", "zeroed")),
    "projector output shuffled": Case(G, WRONG, model=damaged("mm.a.input_projection.weight", "shuffled")),
}

DROPPED = {
    "clip dropped in silence": Case(I, "never reached the model", reply=replies.dropped, attempts=3),
    "clip dropped, no counts": Case(D, "cannot be told", reply=replies.dropped_then(replies.counts(lambda *_: None))),
    "clip dropped, refused in free text": Case(
        I, "never reached the model", reply=replies.dropped_then(replies.fixed("I'm sorry, I cannot process audio."))
    ),
    "clip dropped, one fixed transcript": Case(
        I, "same answer", reply=replies.dropped_then(replies.fixed(clips.pair("twin").a.transcript))
    ),
    "clip becomes a word of the prompt": Case(I, "never reached the model", reply=replies.marker_word),
    "clip dropped, its tokens counted": Case(D, NOT_HEARING, reply=replies.paid_for),
    "clip dropped, 300 tokens counted": Case(
        D, NOT_HEARING, reply=replies.dropped_then(replies.counts(lambda n, ask: n + 300 * bool(ask.clip)))
    ),
    "clip dropped, prompt echoed": Case(I, "never reached the model", reply=replies.dropped_then(replies.echo)),
    "clip dropped on a transcription route": Case(I, "never reached the model", reply=replies.dropped, needs_clip=True),
}

ANSWERS = {
    "echoes the prompt": Case(D, NOT_HEARING, reply=replies.echo),
    "one fixed transcript": Case(D, "same answer", reply=replies.fixed(clips.pair("twin").a.transcript)),
    "one fixed transcript, no counts": Case(
        D, "cannot be told", reply=lambda real, ask, _: replace(real(ask), text="three nine", prompt_tokens=None)
    ),
    "remembers the first clip's answer": Case(D, NOT_HEARING, reply=replies.first_answer_for_all),
    "refuses in free text with status 200": Case(D, NOT_HEARING, reply=replies.fixed("I cannot process audio.")),
    "empty answers": Case(D, NOT_HEARING, reply=replies.fixed("")),
    "prints --- for ever": Case(D, NOT_HEARING, reply=replies.fixed("---\n" * 40)),
    "loops after the right answer": Case(G, "loops", reply=replies.heard_words(lambda text: f"{text} " * 20)),
    "order of words reversed": Case(G, WRONG, reply=replies.heard_words(lambda text: " ".join(reversed(text.split())))),
    "order of words sorted": Case(G, WRONG, reply=replies.heard_words(lambda text: " ".join(sorted(text.split())))),
    "last word lost": Case(G, WRONG, reply=replies.heard_words(lambda text: " ".join(text.split()[:-1]))),
    "first word doubled": Case(G, WRONG, reply=replies.heard_words(lambda text: f"{text.split()[0]} {text}")),
    "one word too many": Case(G, WRONG, reply=replies.heard_words(lambda text: f"{text} ten")),
    "talks around the answer": Case(G, WRONG, reply=replies.heard_words(lambda text: f"The speaker says: {text}")),
    "answers in JSON": Case(G, WRONG, reply=replies.heard_words(lambda text: f'{{"text": "{text}"}}')),
    "template tokens in the answer": Case(G, WRONG, reply=replies.heard_words(lambda text: f"<|channel>thought\n<channel|>{text}")),
    "right in figures": Case(H, "transcribed right", reply=replies.heard_words(replies.figures)),
    "right in joined figures": Case(H, "transcribed right", reply=replies.heard_words(lambda text: replies.figures(text).replace(" ", ""))),
    "right with punctuation": Case(
        H, "transcribed right", reply=replies.heard_words(lambda text: ", ".join(text.split()).capitalize() + ".")
    ),
    "right in capitals": Case(H, "transcribed right", reply=replies.heard_words(str.upper)),
    "right on lines of their own": Case(H, "transcribed right", reply=replies.heard_words(lambda text: "\n".join(text.split()) + "\n")),
    "right with hyphens": Case(H, "transcribed right", reply=replies.heard_words(lambda text: "-".join(text.split()))),
    "right in quotes": Case(H, "transcribed right", reply=replies.heard_words(lambda text: f"\u201c{text}\u201d")),
    "right in bold": Case(H, "transcribed right", reply=replies.heard_words(lambda text: f"**{text}**")),
    "right in full-width figures": Case(
        H,
        "transcribed right",
        reply=replies.heard_words(lambda text: "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in replies.figures(text))),
    ),
    "right with invisible characters": Case(H, "transcribed right", reply=replies.heard_words(lambda text: f"\u200b{text}\u2060\ufeff")),
}

COUNTS = {
    "right, no counts": Case(H, "no token counts", reply=replies.counts(lambda *_: None)),
    "right, counts of zero": Case(H, "no token counts", reply=replies.counts(lambda *_: 0)),
    "right, a constant count": Case(H, "leave the sound out", reply=replies.counts(lambda *_: 21)),
    "right, doubled counts": Case(H, "not what this much sound", reply=replies.counts(lambda n, _ask: n * 2)),
    "right, half of the sound counted": Case(
        H, "not what this much sound", reply=replies.counts(lambda n, ask: 21 + (n - 21) // 2 if ask.clip else n)
    ),
    "silence and no counts": Case(D, "cannot be told", clip=change("silence"), reply=replies.counts(lambda *_: None)),
    "silence and a constant count": Case(I, "never reached the model", clip=change("silence"), reply=replies.counts(lambda *_: 21)),
    "counts that are no numbers": Case(E, "prompt_tokens", reply=replies.counts(lambda *_: "many")),
}

THINKING = {
    "thinks until the budget is gone": Case(F, "thinking used up", reply=replies.thinks_on),
    "thinks, then answers right": Case(H, "transcribed right", reply=replies.thinks_then_answers),
    "thinks away its answer by default": Case(
        H, "transcribed right", reply=replies.thinks_on_by_default, note="defaults lose the answer: thinking used up the budget"
    ),
}

ERRORS = {
    "claims audio and refuses it": Case(R, "audio input is not supported", reply=replies.on_clip(replies.rejected)),
    "refuses the longer clip": Case(R, "clip B", reply=replies.on_clip(replies.rejected, lambda memory: memory["clips"] == 2)),
    "has no such route": Case(R, "404", reply=replies.on_clip(replies.no_route)),
    "refuses text too": Case(F, "without sound too", reply=replies.always(replies.rejected)),
    "breaks off its stream": Case(F, "without its last event", reply=replies.on_clip(replies.bad_reply)),
    "answers 500 to sound": Case(F, "500", reply=replies.on_clip(replies.broken)),
    "too little memory for sound": Case(S, "cannot allocate", reply=replies.on_clip(replies.no_memory)),
    "dies of sound": Case(C, "SIGSEGV", reply=replies.dies(lambda *_: True)),
    "dies of the longer clip": Case(C, "clip B", reply=replies.dies(lambda _ask, memory: memory["clips"] == 2)),
    "hangs on sound": Case(T, "no answer within", reply=replies.hangs, limit_s=8),
    "the adapter's own bug": Case(E, "ZeroDivisionError", reply=replies.on_clip(lambda: ZeroDivisionError("oops"))),
}

ATTEMPTS = {
    "fails one attempt of three": Case(
        H, "attempts disagree (heard 2, failed 1)", attempts=3, reply=replies.sometimes(replies.on_clip(replies.broken), lambda n: n == 2)
    ),
    "hears one attempt of three": Case(
        D, "attempts disagree (deaf 2, heard 1)", attempts=3, reply=replies.sometimes(replies.paid_for, lambda n: n > 4)
    ),
    "garbles one attempt of three": Case(
        H,
        "attempts disagree (heard 2, garbled 1)",
        attempts=3,
        reply=replies.sometimes(replies.heard_words(lambda text: f"{text} ten"), lambda n: n == 6),
    ),
    "dies once of three": Case(
        H,
        "attempts disagree (heard 2, crashed 1)",
        attempts=3,
        # A new child remembers nothing: only the first to see clip B of the second set dies.
        reply=replies.dies(lambda ask, memory: memory["asks"] == 7 and str(clips.pair("twin", 1).b.path) == ask.clip),
    ),
}

CASES = HONEST | SOUND | PROJECTOR | DROPPED | ANSWERS | COUNTS | THINKING | ERRORS | ATTEMPTS
