"""Any recording to what every engine takes: 16 kHz, one channel. soundfile reads, librosa resamples.

A header is only a claim: sizes are checked before anything is decoded, decoding goes block by block, and memory never depends on
what a header says.
"""

import os
import shlex
import stat
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from runtimeprobe.audio.errors import Damaged, Missing, NoSamples, NotSound, TooLarge, TooLong, Unreadable
from runtimeprobe.audio.tokens import MAX_SAMPLES, MAX_SECONDS, MAX_SOFT_TOKENS, SAMPLE_RATE_HZ, expected_soft_tokens

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Samples: TypeAlias = "npt.NDArray[np.float32]"  # shape (samples,), in [-1, 1]

MAX_BYTES = 512 * 2**20
MAX_FILE_SECONDS = 3600.0
RATES_HZ = (4_000, 384_000)  # telephone speech is 8 kHz, studio converters end at 384 kHz
MAX_CHANNELS = 64
BLOCK_VALUES = 2**18  # frames x channels decoded at a time: 1 MiB of float32
FULL_SCALE = 2**15  # libsndfile reads 16-bit samples as value / 32768, so this way back is exact


@dataclass(frozen=True, slots=True)
class Recording:
    """What a file says of itself. `seconds` is None where the container does not say how long it is."""

    path: Path
    container: str
    encoding: str
    rate_hz: int
    channels: int
    seconds: float | None
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Sound:
    """A recording as the model gets it: float32 in [-1, 1] of shape (samples,) at 16 kHz. `cut`: seconds beyond 30 were dropped."""

    recording: Recording
    samples: Samples
    cut: bool = False

    @property
    def seconds(self) -> float:
        return len(self.samples) / SAMPLE_RATE_HZ

    @property
    def expected_tokens(self) -> int:
        return expected_soft_tokens(len(self.samples))

    @property
    def silent(self) -> bool:
        """Not one sample would survive in 16 bits."""
        return not bool((abs(self.samples) * FULL_SCALE >= 1).any())


def inspect(path: Path | str) -> Recording:
    """Reads the header alone. Raises SoundError."""
    with opened(Path(path)) as (recording, _):
        return recording


def read(path: Path | str, *, cut: bool = False) -> Sound:
    """Decodes, mixes to one channel and resamples. Longer than 30 s raises TooLong, or with `cut` keeps the first 30 s."""
    with opened(Path(path)) as (recording, file):
        if recording.seconds is not None and recording.seconds > MAX_SECONDS and not cut:
            raise too_long(recording)
        mono, more = decode(recording, file, round(MAX_SECONDS * recording.rate_hz))
    if not len(mono):
        raise NoSamples(f"{recording.path}: a {recording.container} file without a single sample", fix="record it again")
    if more and not cut:
        raise too_long(recording)
    return Sound(recording, resampled(mono, recording.rate_hz)[:MAX_SAMPLES], cut=more)


def as_wav(path: Path | str, out: Path | str, *, cut: bool = False) -> Sound:
    """Writes `path` to `out` as the WAV every engine takes (PCM 16 bit, 16 kHz, mono) and returns what is in it."""
    sound = read(path, cut=cut)
    with wave.open(str(out), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes(pcm16(sound.samples))
    return sound


def pcm16(samples: Samples) -> bytes:
    """Little-endian 16-bit PCM; values outside [-1, 1) are limited, not wrapped."""
    import numpy as np

    return np.clip(np.round(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype("<i2").tobytes()


def resampled(samples: Samples, rate_hz: int) -> Samples:
    """To 16 kHz."""
    if rate_hz == SAMPLE_RATE_HZ:
        return samples
    import librosa

    result: Samples = librosa.resample(samples, orig_sr=rate_hz, target_sr=SAMPLE_RATE_HZ)
    return result


@contextmanager
def opened(path: Path) -> Iterator[tuple[Recording, Any]]:
    """The header's claims, checked, and the open soundfile.SoundFile."""
    size = regular_size(path)
    import soundfile

    try:
        # By descriptor, not by name: soundfile would take `x.raw` for headerless samples and ask for a rate.
        with path.open("rb") as source, soundfile.SoundFile(source.fileno(), closefd=False) as file:
            yield described(path, size, file), file
    except soundfile.LibsndfileError as error:
        raise NotSound(
            f"{path}: not a sound file that can be read (WAV, FLAC, MP3, Ogg, AIFF, ...)", words=str(error), fix=convert(path)
        ) from error
    except OSError as error:
        raise Unreadable(
            f"{path}: cannot be read: {error.strerror}", words=str(error), fix=f"check it: ls -l {shlex.quote(str(path))}"
        ) from error


def regular_size(path: Path) -> int:
    """Size in bytes of a plain file worth opening; a pipe or a device could block or never end."""
    try:
        found = os.stat(path)  # noqa: PTH116 - Path.stat turns a null byte into ValueError in the same way, with no gain
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise Missing(f"{path}: no such file", words=str(error), fix="check the path") from error
    except OSError as error:
        raise Unreadable(
            f"{path}: cannot be read: {error.strerror}", words=str(error), fix=f"check it: ls -l {shlex.quote(str(path))}"
        ) from error
    if not stat.S_ISREG(found.st_mode):
        raise Missing(f"{path}: not a file", fix="give the path of a recording")
    if not found.st_size:
        raise NoSamples(f"{path}: an empty file (0 bytes)", fix="record or download it again")
    if found.st_size > MAX_BYTES:
        raise TooLarge(
            f"{path}: {found.st_size / 2**20:.0f} MiB; at most {MAX_BYTES // 2**20} MiB are read",
            fix=excerpt(path),
        )
    return found.st_size


def described(path: Path, size: int, file: Any) -> Recording:
    """What the header claims, refused where it makes no sense."""
    rate, channels = int(file.samplerate), int(file.channels)
    if not RATES_HZ[0] <= rate <= RATES_HZ[1] or not 1 <= channels <= MAX_CHANNELS:
        raise Damaged(f"{path}: its header claims {rate} Hz and {channels} channels", fix=f"if that is what it is, {convert(path)}")
    # SF_COUNT_MAX is libsndfile's "the stream does not say".
    seconds = file.frames / rate if 0 <= file.frames < 2**62 else None
    if seconds is not None and seconds > MAX_FILE_SECONDS:
        raise TooLarge(
            f"{path}: its header claims {seconds / 3600:.1f} hours; at most {MAX_FILE_SECONDS / 3600:.0f} hour is read",
            fix=excerpt(path),
        )
    return Recording(path, str(file.format), str(file.subtype), rate, channels, seconds, size)


def decode(recording: Recording, file: Any, limit: int) -> tuple[Samples, bool]:
    """At most `limit` frames mixed to one channel, and whether there are more."""
    import numpy as np
    import soundfile

    block = max(1, BLOCK_VALUES // recording.channels)
    parts: list[Samples] = []
    count = 0
    while count <= limit:
        try:
            frames = file.read(min(block, limit + 1 - count), dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            at = count / recording.rate_hz
            raise Damaged(
                f"{recording.path}: {recording.container} data break off after {at:.1f} s",
                words=str(error),
                fix="record or download it again",
            ) from error
        if not len(frames):
            break
        parts.append(frames.mean(axis=1, dtype=np.float32))
        count += len(frames)
    mono: Samples = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    if not np.isfinite(mono).all():
        raise Damaged(f"{recording.path}: holds values that are not numbers", fix="export it again, as 16-bit PCM")
    return mono[:limit], count > limit


def too_long(recording: Recording) -> TooLong:
    """Gemma 4 hears 30 s: what is beyond would be cut, or by llama.cpp fed on in further chunks."""
    length = "" if recording.seconds is None else f"{recording.seconds:.1f} s, "
    beyond = "what is beyond" if recording.seconds is None else f"the last {recording.seconds - MAX_SECONDS:.1f} s"
    return TooLong(
        f"{recording.path}: {length}longer than the {MAX_SECONDS:.0f} s ({MAX_SOFT_TOKENS} soft tokens) that Gemma 4 takes: "
        f"{beyond} would be cut",
        fix=excerpt(recording.path),
    )


def convert(path: Path) -> str:
    """The command that makes a WAV of a container libsndfile does not read (M4A, WebM, video)."""
    return f"convert it: ffmpeg -i {shlex.quote(str(path))} -ac 1 -ar {SAMPLE_RATE_HZ} out.wav"


def excerpt(path: Path) -> str:
    """The command that keeps what Gemma 4 can take."""
    return f"keep the part to hear: ffmpeg -ss 0 -i {shlex.quote(str(path))} -t {MAX_SECONDS:.0f} -ac 1 -ar {SAMPLE_RATE_HZ} out.wav"
