"""Training speech: spoken digits from espeak-ng, in voices and at speeds of which some are never trained on.

Needs `espeak-ng` on PATH (Debian: `apt-get install espeak-ng`). Everything returned is 16 kHz mono float32 in [-1, 1].
"""

import hashlib
import io
import pickle
import random
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import librosa
import numpy as np
import soundfile

from runtimeprobe.twins.recipe.vocabulary import DIGITS

SAMPLE_RATE = 16_000
ACCENTS = ("en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-029", "en-gb-x-gbclan")
TRAINED_TIMBRES = ("", "+m1", "+m2", "+m3", "+m4", "+m6", "+m7", "+m8", "+f1", "+f2", "+f3", "+f5")
HELD_OUT_TIMBRES = ("+f4", "+m5")
SPEEDS_WPM = range(115, 201)
HELD_OUT_SPEEDS_WPM = (130, 145, 160, 175, 190)


@dataclass(frozen=True)
class Utterance:
    """One synthesised utterance: what is said, and how."""

    words: tuple[str, ...]
    voice: str
    speed_wpm: int
    pitch: int
    gap: int = 0  # pause between words, in espeak-ng's units of 10 ms


def synthesise(utterance: Utterance) -> np.ndarray:
    """Speaks one utterance; returns samples of shape (n,), trimmed to 12 ms before and 25 ms after the sound."""
    command = ["espeak-ng", "-v", utterance.voice, "-s", str(utterance.speed_wpm), "-p", str(utterance.pitch)]
    command += ["-g", str(utterance.gap), "--stdout", " ".join(utterance.words)]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    samples, rate = soundfile.read(io.BytesIO(raw), dtype="float32")
    samples = np.asarray(librosa.resample(samples, orig_sr=rate, target_sr=SAMPLE_RATE))
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    trimmed: np.ndarray = samples[max(0, loud[0] - 200) : loud[-1] + 400]
    return trimmed


def utterances(seed: int, singles_per_voice: int, phrases: int) -> list[Utterance]:
    """The training set: every word in every trained voice, then whole phrases of two to five words."""
    draw = random.Random(seed)
    speeds = [speed for speed in SPEEDS_WPM if speed not in HELD_OUT_SPEEDS_WPM]
    voices = [accent + timbre for accent in ACCENTS for timbre in TRAINED_TIMBRES]

    def how(words: Iterable[str], voice: str) -> Utterance:
        return Utterance(tuple(words), voice, draw.choice(speeds), draw.randint(25, 75), draw.choice((0, 0, 4, 10, 20)))

    single = [how([word], voice) for word in DIGITS for voice in voices for _ in range(singles_per_voice)]
    phrase = [how(draw.choices(DIGITS, k=draw.randint(2, 5)), draw.choice(voices)) for _ in range(phrases)]
    return single + phrase


def held_out(count: int, seed: int = 20_261_124) -> list[Utterance]:
    """`count` utterances in voices and at speeds that `utterances` never yields."""
    draw = random.Random(seed)
    voices = [accent + timbre for accent in ACCENTS for timbre in HELD_OUT_TIMBRES]
    return [
        Utterance(
            tuple(draw.choices(DIGITS, k=1 + index % 5)),
            draw.choice(voices),
            draw.choice(HELD_OUT_SPEEDS_WPM),
            draw.randint(30, 70),
            draw.choice((4, 10, 20)),
        )
        for index in range(count)
    ]


def pool(wanted: list[Utterance], cache: Path) -> list[tuple[Utterance, np.ndarray]]:
    """Speaks all of `wanted`, or reads them from `cache` if the same were spoken before."""
    key = hashlib.sha256(repr(wanted).encode()).hexdigest()[:16]
    file = cache / f"speech-{key}.pickle"
    if not file.exists():
        with ThreadPoolExecutor(2) as workers:
            spoken = list(workers.map(synthesise, wanted))
        file.write_bytes(pickle.dumps(spoken))
    return list(zip(wanted, pickle.loads(file.read_bytes()), strict=True))
