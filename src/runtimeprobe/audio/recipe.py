"""Makes audio_samples/ anew: `python -m runtimeprobe.audio.recipe [FOLDER]`. Needs espeak-ng (Debian: apt-get install espeak-ng).

The same espeak-ng makes the same files, byte for byte. Every file is written, then measured, and the manifest says what was
measured.
"""

import hashlib
import json
import math
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from runtimeprobe.audio import clips, encode, reading
from runtimeprobe.audio.reading import Samples
from runtimeprobe.audio.tokens import SAMPLE_RATE_HZ
from runtimeprobe.audio.utterances import (
    COMMON_WORDS,
    DIGIT_PAIRS,
    LONG_DIGITS,
    MORE_DIGITS,
    PHRASE_SEED,
    PHRASE_SETS,
    PHRASE_SPEED_WPM,
    PHRASE_VOICES,
    PHRASE_WORDS,
    say,
)
from runtimeprobe.twins.recipe.speech import Utterance, synthesise

LICENCE = "Apache-2.0"  # the project's own; espeak-ng's licence covers the program, not what it says
BEFORE_S, AFTER_S = 0.10, 0.20  # silence around what is said
A_SECONDS = {"digits": 1.5, "phrase": 3.5}  # one length for every clip A of a kind, so that one silence serves them all
MIN_DIFFERENCE_S = 1.0  # by which B is longer than A: the slope of tokens over seconds is read from it
NOISE_S, TONE_S, TONE_HZ = 1.5, 1.5, 440.0
NOISE_PEAK, TONE_PEAK = 0.1, 0.3
LONG_PHRASES = ((29, 5), (35, 6))  # seconds, phrases spread over them
Pair = tuple[str, str, str, str]  # weights, file of A, of B, of the silence


@dataclass(frozen=True)
class Made:
    """One sound before it is written."""

    file: str
    kind: str
    samples: Samples
    said: Utterance | None = None
    transcript: str = ""
    made: str = ""


def quiet(seconds: float) -> Samples:
    return np.zeros(round(seconds * SAMPLE_RATE_HZ), np.float32)


def to_length(samples: Samples, seconds: float) -> Samples:
    """`samples`, then silence up to exactly `seconds`."""
    return np.pad(samples, (0, round(seconds * SAMPLE_RATE_HZ) - len(samples)))


def spoken(file: str, kind: str, said: Utterance, seconds: float = 0.0) -> Made:
    """Speech with a little silence around it, evenly more of it up to `seconds`. Raises ValueError if it does not fit."""
    speech = synthesise(said)
    around = BEFORE_S + AFTER_S + len(speech) / SAMPLE_RATE_HZ
    if seconds and around > seconds:
        raise ValueError(f"{file} lasts {around:.2f} s, more than {seconds} s")
    before = quiet(BEFORE_S + max(0.0, seconds - around) / 2)
    length = max(seconds, (len(before) + len(speech)) / SAMPLE_RATE_HZ + AFTER_S)
    made = f"espeak-ng -v {said.voice} -s {said.speed_wpm} -p {said.pitch} -g {said.gap}, silence before and after"
    return Made(file, kind, to_length(np.concatenate([before, speech]), length), said, " ".join(said.words), made)


def phrase_pairs() -> list[tuple[Utterance, Utterance]]:
    """Random words, each used once; A and B of a set in different voices."""
    pool = random.Random(PHRASE_SEED).sample(COMMON_WORDS, PHRASE_SETS * sum(PHRASE_WORDS))
    pairs = []
    for number in range(PHRASE_SETS):
        texts = [[pool.pop() for _ in range(count)] for count in PHRASE_WORDS]
        voices = PHRASE_VOICES if number % 2 == 0 else PHRASE_VOICES[::-1]
        a, b = (say(" ".join(text), voice, PHRASE_SPEED_WPM, 50, 2) for text, voice in zip(texts, voices, strict=True))
        pairs.append((a, b))
    return pairs


def hearing_sets(weights: str, kind: str, pairs: Sequence[tuple[Utterance, Utterance]]) -> tuple[list[Made], list[Pair]]:
    """The clips and the sets of one kind. Raises ValueError for a set that could not tell a liar."""
    length = A_SECONDS[kind]
    silence = Made(f"silence-{kind}.wav", "silence", quiet(length), made=f"zeros, exactly as long as every clip A of kind {kind}")
    made, sets = [silence], []
    for number, (first, second) in enumerate(pairs, 1):
        a, b = spoken(f"{kind}-{number}a.wav", kind, first, length), spoken(f"{kind}-{number}b.wav", kind, second)
        difference = (len(b.samples) - len(a.samples)) / SAMPLE_RATE_HZ
        if difference < MIN_DIFFERENCE_S:
            raise ValueError(f"{b.file} is only {difference:.2f} s longer than {a.file}")
        if shared := set(first.words) & set(second.words):
            raise ValueError(f"{a.file} and {b.file} share {', '.join(sorted(shared))}")
        made += [a, b]
        sets.append((weights, a.file, b.file, silence.file))
    return made, sets


def noise() -> Made:
    draw = random.Random(PHRASE_SEED)
    samples = np.array([draw.uniform(-NOISE_PEAK, NOISE_PEAK) for _ in range(round(NOISE_S * SAMPLE_RATE_HZ))], np.float32)
    return Made("noise.wav", "noise", samples, made=f"white noise, uniform, peak {NOISE_PEAK}")


def tone() -> Made:
    steps = range(round(TONE_S * SAMPLE_RATE_HZ))
    samples = np.array([TONE_PEAK * math.sin(2 * math.pi * TONE_HZ * step / SAMPLE_RATE_HZ) for step in steps], np.float32)
    return Made("tone.wav", "tone", samples, made=f"sine of {TONE_HZ:.0f} Hz, peak {TONE_PEAK}")


def long_digits() -> Iterator[Made]:
    for seconds, said in LONG_DIGITS:
        clip = spoken(f"long-{seconds}s-digits.wav", "long", said)
        yield Made(clip.file, "long", to_length(clip.samples, seconds), said, clip.transcript, f"{clip.made}, then zeros up to {seconds} s")


def long_phrases(phrases: list[Made]) -> Iterator[Made]:
    """Phrases spread evenly, the last one at the very end; FLAC, because as WAV the two would be a third of all bytes."""
    for (seconds, count), start in zip(LONG_PHRASES, (0, LONG_PHRASES[0][1]), strict=True):
        parts = phrases[start : start + count]
        gap = (seconds - sum(len(part.samples) for part in parts) / SAMPLE_RATE_HZ) / (count - 1)
        samples = parts[0].samples
        for part in parts[1:]:
            samples = np.concatenate([samples, quiet(gap), part.samples])
        samples = to_length(samples[: seconds * SAMPLE_RATE_HZ], seconds)
        transcript = " ".join(part.transcript for part in parts)
        made = f"{', '.join(part.file for part in parts)}, spread evenly over {seconds} s"
        yield Made(f"long-{seconds}s-phrases.flac", "long", samples, transcript=transcript, made=made)


def everything() -> tuple[list[Made], list[Pair]]:
    """Every sound but the format clips, and the hearing sets."""
    digits, digit_sets = hearing_sets("twin", "digits", DIGIT_PAIRS)
    phrases, phrase_sets = hearing_sets("real", "phrase", phrase_pairs())
    digits += [spoken(f"digits-more-{number}.wav", "digits", said) for number, said in enumerate(MORE_DIGITS, 1)]
    long = [*long_digits(), *long_phrases([clip for clip in phrases if clip.kind == "phrase"])]
    return [*digits, *phrases, noise(), tone(), *long], [*digit_sets, *phrase_sets]


def write(into: Path) -> None:
    """Writes every file, then the manifest of what is now there."""
    into.mkdir(parents=True, exist_ok=True)
    made, pairs = everything()
    rows = []
    for clip in made:
        (encode.flac if clip.file.endswith(".flac") else encode.wav)(into / clip.file, clip.samples)
        rows.append(row(into / clip.file, clip))
    base = next(clip for clip in made if clip.file == pairs[0][1])
    stored = reading.read(into / base.file).samples  # what 16 bits left of it, so that every container holds the same
    for file, encoder in encode.FORMATS.items():
        encoder(into / file, stored)
        rows.append(row(into / file, Made(file, "format", stored, base.said, base.transcript, f"{base.file} as {encoder.__name__}")))
    (into / clips.MANIFEST).write_text(manifest(rows, pairs), "utf-8")


def row(path: Path, clip: Made) -> dict[str, str | int | float]:
    """What the manifest says of one file, measured on the file."""
    recording = reading.inspect(path)
    seconds = recording.seconds or 0.0
    return {
        "file": path.name,
        "kind": clip.kind,
        "transcript": clip.transcript,
        "seconds": round(seconds, 6),
        "samples": round(seconds * recording.rate_hz),
        "rate_hz": recording.rate_hz,
        "channels": recording.channels,
        "container": recording.container,
        "encoding": recording.encoding,
        "voice": clip.said.voice if clip.said else "",
        "speed_wpm": clip.said.speed_wpm if clip.said else 0,
        "made": clip.made,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }


def manifest(rows: list[dict[str, str | int | float]], pairs: list[Pair]) -> str:
    """TOML. Every string is ASCII, for which JSON's quoting is TOML's."""
    lines = [
        "# Made by `python -m runtimeprobe.audio.recipe`. Change the recipe, not this file.",
        f"version = {clips.MANIFEST_VERSION}",
        f"licence = {json.dumps(LICENCE)}",
        f"synthesizer = {json.dumps(synthesizer())}",
    ]
    for weights, a, b, silence in pairs:
        lines += table("pair", {"weights": weights, "a": a, "b": b, "silence": silence})
    for one in rows:
        lines += table("clip", one)
    return "\n".join(lines) + "\n"


def table(name: str, entries: Mapping[str, str | int | float]) -> list[str]:
    return ["", f"[[{name}]]", *(f"{key} = {json.dumps(value)}" for key, value in entries.items())]


def synthesizer() -> str:
    """Name and version of the espeak-ng on PATH, without the path of its data."""
    words = subprocess.run(["espeak-ng", "--version"], capture_output=True, text=True, check=True).stdout
    return words.split("Data at")[0].strip()


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else clips.folder())
