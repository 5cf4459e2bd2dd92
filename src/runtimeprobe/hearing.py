"""`hear`: one recording through one route, with a text control and silence of the same length beside it."""

import shutil
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from rich.console import Console
from rich.text import Text

from runtimeprobe import judge, probe
from runtimeprobe.audio import reading
from runtimeprobe.contract import Ask, Sampling
from runtimeprobe.diagnose.loops import find_loop
from runtimeprobe.plan import Load
from runtimeprobe.publish.interface import safe
from runtimeprobe.results import Struct
from runtimeprobe.session import Session, Settings, Timed


@dataclass(frozen=True)
class Prepared:
    """The recording as 16 kHz mono WAV, which every engine takes, and silence as long. A context: removes both."""

    folder: Path
    clip: Path
    silence: Path
    seconds: float
    expected_tokens: int
    warning: str

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def prepare(file: Path) -> Prepared:
    """Raises SoundError, which says what to do about it."""
    folder = Path(tempfile.mkdtemp(prefix="runtimeprobe-hear-"))
    try:
        sound = reading.as_wav(file, folder / "clip.wav")
        with wave.open(str(folder / "clip.wav"), "rb") as clip, wave.open(str(folder / "silence.wav"), "wb") as silence:
            silence.setparams(clip.getparams())
            silence.writeframes(bytes(clip.getnframes() * clip.getsampwidth()))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    warning = "the recording is silent" if sound.silent else ""
    return Prepared(folder, folder / "clip.wav", folder / "silence.wav", sound.seconds, sound.expected_tokens, warning)


class Heard(Struct, frozen=True, kw_only=True):
    """What came of it. `ingestion`: did the sound reach the model, in one sentence."""

    engine: str
    engine_version: str
    route: str
    model: str
    weights: str
    seconds_of_sound: float
    answer: str | None = None
    answer_without: str | None = None
    answer_to_silence: str | None = None
    thinking: str = ""
    prompt_tokens: int | None = None
    prompt_tokens_without: int | None = None
    expected_tokens: int
    ingestion: str
    loop: str | None = None
    load_seconds: float | None = None
    first_token_seconds: float | None = None
    seconds: float | None = None
    warning: str = ""
    failed: bool = False


def hear(load: Load, recording: Prepared, settings: Settings, prompt: str, max_tokens: int) -> Heard:
    route = load.routes[0]
    words = prompt or probe.PROMPTS[load.model.weights]
    with Session(load, settings) as session:

        def ask(clip: str) -> Timed | judge.Failure:
            return session.ask(Ask(route.name, words, clip=clip, max_tokens=max_tokens, sampling=Sampling(), thinking=False))

        heard = ask(str(recording.clip))
        refused = isinstance(heard, judge.Failure)
        without = None if refused or route.needs_clip else ask("")
        silence = None if refused else ask(str(recording.silence))
        load_seconds = session.load_seconds
    expected = recording.expected_tokens
    common: dict[str, Any] = {
        "engine": load.found.engine.name,
        "engine_version": load.found.engine.version,
        "route": route.name,
        "model": load.model.model,
        "weights": load.model.weights,
        "seconds_of_sound": round(recording.seconds, 3),
        "expected_tokens": expected,
        "warning": recording.warning,
        "load_seconds": round(load_seconds, 3),
    }
    if isinstance(heard, judge.Failure):
        return Heard(**common, ingestion=f"{heard.verdict}: {heard.reason}", failed=True)
    plain = without.reply if isinstance(without, Timed) else None
    quiet = silence.reply if isinstance(silence, Timed) else None
    reply = heard.reply
    return Heard(
        **common,
        answer=reply.text,
        answer_without=plain.text if plain else None,
        answer_to_silence=quiet.text if quiet else None,
        thinking=reply.thinking,
        prompt_tokens=reply.prompt_tokens,
        prompt_tokens_without=plain.prompt_tokens if plain else None,
        ingestion=ingestion(
            reply.text, reply.prompt_tokens, plain.prompt_tokens if plain else None, expected, quiet.text if quiet else None
        ),
        loop=find_loop(reply.text),
        first_token_seconds=reply.first_token_seconds,
        seconds=round(heard.seconds, 3),
    )


def ingestion(answer: str, with_sound: int | None, without: int | None, expected: int, quiet: str | None) -> str:
    """Did the sound get in? Says only what one recording without a known transcript can show."""
    depends = "the answer differs from the one to silence" if quiet != answer else "the answer is the same as to silence"
    if with_sound is None or without is None:
        return f"unknown by tokens (the engine reports no count to compare); {depends}"
    state = judge.share(with_sound - without, expected)
    counted = f"{with_sound - without} tokens more than without sound, about {expected} expected"
    sentence = {
        "consumed": "the sound reached the model",
        "partial": "only part of the sound reached it",
        "absent": "the sound never reached the model",
    }
    return f"{sentence[state]}: {counted}; {depends}"


def render(heard: Heard, console: Console) -> None:
    version = safe(heard.engine_version, 40)
    console.print(
        Text(
            f"{heard.engine} {version}, {heard.route}, {heard.model} ({heard.weights}), {heard.seconds_of_sound:.2f} s of sound",
            style="bold",
        )
    )
    if heard.warning:
        console.print(Text(f"note: {safe(heard.warning)}", style="yellow"))
    console.print(Text(f"ingestion: {safe(heard.ingestion)}", style="red" if heard.failed else ""))
    if heard.answer is not None:
        console.print(Text(f"answer:    {safe(heard.answer, 4000)}"))
    if heard.loop:
        console.print(Text(f"loop:      {heard.loop}", style="yellow"))
    if heard.seconds is not None:
        first = f"first token after {heard.first_token_seconds:.2f} s, " if heard.first_token_seconds is not None else ""
        console.print(Text(f"timing:    load {heard.load_seconds:.2f} s, {first}answer after {heard.seconds:.2f} s"))
