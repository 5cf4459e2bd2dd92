"""Writes the same samples in each container, byte for byte the same every time. Used by `recipe` alone."""

import struct
import wave
from pathlib import Path

import librosa
import numpy as np
import soundfile

from runtimeprobe.audio.reading import Samples, pcm16
from runtimeprobe.audio.tokens import SAMPLE_RATE_HZ

STEREO_RATE_HZ = 44_100
TELEPHONE_RATE_HZ = 8_000
OGG_SERIAL = 1


def wav(path: Path, samples: Samples, rate_hz: int = SAMPLE_RATE_HZ, channels: int = 1) -> None:
    """PCM 16 bit; several channels all carry the same samples."""
    data = np.repeat(np.frombuffer(pcm16(samples), "<i2"), channels)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(data.tobytes())


def wav_stereo(path: Path, samples: Samples) -> None:
    wav(path, librosa.resample(samples, orig_sr=SAMPLE_RATE_HZ, target_sr=STEREO_RATE_HZ), STEREO_RATE_HZ, channels=2)


def wav_8khz(path: Path, samples: Samples) -> None:
    wav(path, librosa.resample(samples, orig_sr=SAMPLE_RATE_HZ, target_sr=TELEPHONE_RATE_HZ), TELEPHONE_RATE_HZ)


def wav_float(path: Path, samples: Samples) -> None:
    """IEEE float (format tag 3), by hand, because libsndfile adds a PEAK chunk with the time of day."""
    data = samples.astype("<f4").tobytes()
    form = struct.pack("<HHIIHHH", 3, 1, SAMPLE_RATE_HZ, SAMPLE_RATE_HZ * 4, 4, 32, 0)
    fact = struct.pack("<I", len(samples))
    chunks = b"".join(name + struct.pack("<I", len(body)) + body for name, body in ((b"fmt ", form), (b"fact", fact), (b"data", data)))
    path.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks)


def wav_extensible(path: Path, samples: Samples) -> None:
    soundfile.write(path, samples, SAMPLE_RATE_HZ, format="WAVEX", subtype="PCM_16")


def flac(path: Path, samples: Samples) -> None:
    soundfile.write(path, samples, SAMPLE_RATE_HZ, format="FLAC", subtype="PCM_16")


def mp3(path: Path, samples: Samples) -> None:
    soundfile.write(path, samples, SAMPLE_RATE_HZ, format="MP3", subtype="MPEG_LAYER_III")


def ogg(path: Path, samples: Samples) -> None:
    """libsndfile draws a random stream serial number; a fixed one takes its place."""
    soundfile.write(path, samples, SAMPLE_RATE_HZ, format="OGG", subtype="VORBIS")
    path.write_bytes(with_serial(path.read_bytes(), OGG_SERIAL))


def with_serial(data: bytes, serial: int) -> bytes:
    """An Ogg stream with another serial number: every page renumbered and its checksum made anew (RFC 3533, section 6)."""
    pages = bytearray()
    at = 0
    while data[at : at + 4] == b"OggS":
        segments = data[at + 26]
        end = at + 27 + segments + sum(data[at + 27 : at + 27 + segments])
        page = bytearray(data[at:end])
        page[14:18] = serial.to_bytes(4, "little")
        page[22:26] = bytes(4)
        page[22:26] = ogg_checksum(page).to_bytes(4, "little")
        pages += page
        at = end
    return bytes(pages)


def ogg_checksum(page: bytearray) -> int:
    """CRC-32 of polynomial 0x04c11db7, most significant bit first, neither start value nor final inversion."""
    value = 0
    for byte in page:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value & 0x80000000 else 0)) & 0xFFFFFFFF
    return value


FORMATS = {
    "format-wav-16k-mono.wav": wav,
    "format-wav-44k-stereo.wav": wav_stereo,
    "format-wav-float32.wav": wav_float,
    "format-wav-extensible.wav": wav_extensible,
    "format-wav-8k-mono.wav": wav_8khz,
    "format-flac.flac": flac,
    "format-mp3.mp3": mp3,
    "format-ogg-vorbis.ogg": ogg,
}
