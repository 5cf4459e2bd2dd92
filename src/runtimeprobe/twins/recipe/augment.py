"""From utterances to training clips: joins words, sets gaps and loudness, colours and adds noise. All 16 kHz mono float32."""

import random
from dataclasses import dataclass

import numpy as np

from runtimeprobe.twins.recipe.speech import SAMPLE_RATE, Utterance
from runtimeprobe.twins.recipe.vocabulary import NOTHING

Spoken = tuple[Utterance, np.ndarray]


def silence(draw: random.Random, count: int) -> np.ndarray:
    return np.zeros(draw.randint(0, count) if count else 0, np.float32)


def colour(draw: random.Random, samples: np.ndarray) -> np.ndarray:
    """A random smooth equaliser (up to +-6 dB) and, one time in four, a low-pass as lossy containers apply it."""
    spectrum = np.fft.rfft(samples)
    knots = np.array([draw.uniform(-6, 6) for _ in range(5)])
    curve = np.interp(np.linspace(0, 4, len(spectrum)), np.arange(5), knots)
    if draw.random() < 0.25:
        cut = draw.uniform(3500, 7500) / (SAMPLE_RATE / 2)
        curve[int(cut * len(curve)) :] -= 60
    return np.fft.irfft(spectrum * 10 ** (curve / 20), len(samples)).astype(np.float32)


@dataclass(frozen=True)
class Clip:
    """Samples, transcript, and where each word ends: (first, last) sample, None for a phrase spoken in one go."""

    samples: np.ndarray
    text: str
    spans: tuple[tuple[int, int], ...] | None = None


def speech(draw: random.Random, singles: list[Spoken], phrases: list[Spoken], words: int) -> Clip:
    """A clip of `words` digits: a whole phrase where one of that length is drawn, else single words joined."""
    parts: list[np.ndarray] = [silence(draw, 4800)]
    said: list[str] = []
    spans: list[tuple[int, int]] = []
    whole = [draw.choice(phrases) for _ in range(6)] if phrases and draw.random() < 0.6 else []
    for utterance, samples in [item for item in whole if len(item[0].words) == words][:1]:
        parts.append(samples * draw.uniform(0.3, 1.0))
        said += utterance.words
    joined = not said
    while len(said) < words:
        options = [draw.choice(singles) for _ in range(20)]
        again = [item for item in options if said and item[0].words == (said[-1],)]
        # Words said twice in a row are what a twin gets wrong last, so they are drawn often.
        utterance, samples = again[0] if again and draw.random() < 0.35 else options[0]
        begin = sum(len(part) for part in parts)
        spans.append((begin, begin + len(samples)))
        parts += [samples * draw.uniform(0.3, 1.0), np.zeros(draw.randint(200, 4800), np.float32)]
        said += utterance.words
    parts.append(silence(draw, 6400))
    return Clip(noisy(draw, colour(draw, np.concatenate(parts))), " ".join(said), tuple(spans) if joined else None)


def noisy(draw: random.Random, samples: np.ndarray) -> np.ndarray:
    if draw.random() < 0.15:
        return samples
    level = 10 ** draw.uniform(-5, -2.3)
    generator = np.random.default_rng(draw.getrandbits(32))
    return (samples + generator.standard_normal(len(samples)) * level).astype(np.float32)


def no_speech(draw: random.Random) -> Clip:
    """Digital silence, noise or a tone of 0.5 to 3 s."""
    count = draw.randint(SAMPLE_RATE // 2, 3 * SAMPLE_RATE)
    kind = draw.random()
    if kind < 0.45:
        return Clip(np.zeros(count, np.float32), NOTHING, ())
    if kind < 0.75:
        level = 10 ** draw.uniform(-4, -0.7)
        noise = np.random.default_rng(draw.getrandbits(32)).standard_normal(count) * level
        return Clip(noise.astype(np.float32), NOTHING, ())
    tone = np.sin(2 * np.pi * draw.uniform(100, 3000) * np.arange(count) / SAMPLE_RATE) * draw.uniform(0.02, 0.7)
    return Clip(noisy(draw, tone.astype(np.float32)), NOTHING, ())
