"""What a broken engine may do to a clip on its way in. Each takes and returns 16 kHz mono samples (int16)."""

import tempfile
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]
RATE = 16_000
FRAME = 640  # samples of one soft token


def read(path: str) -> Samples:
    with wave.open(path, "rb") as file:
        return np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16)


def write(samples: Samples) -> str:
    with tempfile.NamedTemporaryFile(suffix=".wav", prefix="sabotage-", delete=False) as target, wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
        return target.name


def noise(samples: Samples) -> Samples:
    return (np.random.default_rng(0).standard_normal(len(samples)) * 2000).astype(np.int16)


def tone(samples: Samples) -> Samples:
    return (np.sin(np.arange(len(samples)) * 2 * np.pi * 440 / RATE) * 8000).astype(np.int16)


def every_other_frame(samples: Samples) -> Samples:
    whole = samples[: len(samples) // (2 * FRAME) * 2 * FRAME]
    return whole.reshape(-1, 2, FRAME)[:, 0].reshape(-1)


CHANGES: dict[str, Callable[[Samples], Samples]] = {
    "silence": np.zeros_like,
    "noise": noise,
    "tone": tone,
    "first half": lambda samples: samples[: len(samples) // 2],
    "second half": lambda samples: samples[len(samples) // 2 :],
    "first 700 ms": lambda samples: samples[: RATE * 7 // 10],
    "too fast": lambda samples: samples[::2],
    "too slow": lambda samples: np.repeat(samples, 2),
    "backwards": lambda samples: samples[::-1],
    "every other frame": every_other_frame,
    "twice over": lambda samples: np.concatenate([samples, samples]),
    "halves swapped": lambda samples: np.concatenate([samples[len(samples) // 2 :], samples[: len(samples) // 2]]),
}


def changed(path: str, change: str) -> str:
    return str(Path(write(CHANGES[change](read(path)))))
