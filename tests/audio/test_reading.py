"""Every container gives the same sound; what is not sound says so; no header is believed."""

import os
import random
import struct
import tracemalloc
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

from runtimeprobe.audio import errors, reading
from runtimeprobe.audio.clips import load_manifest
from runtimeprobe.audio.tokens import MAX_SAMPLES, SAMPLE_RATE_HZ

# Least ratio of signal to difference in dB against the 16 kHz original; None: not one sample differs.
FIDELITY = {
    "format-wav-16k-mono": None,
    "format-wav-float32": None,
    "format-wav-extensible": None,
    "format-flac": None,
    "format-wav-44k-stereo": 50.0,
    "format-mp3": 25.0,
    "format-ogg-vorbis": 15.0,
    "format-wav-8k-mono": 20.0,  # what is above 4 kHz is gone
}


def shipped(name: str) -> Path:
    return load_manifest().clip(name).path


def write(path: Path, samples: np.ndarray, rate_hz: int = SAMPLE_RATE_HZ, **form: str) -> Path:
    soundfile.write(path, samples, rate_hz, **form)
    return path


def test_fidelity_covers_every_format_clip() -> None:
    assert {clip.name for clip in load_manifest().of("format")} == set(FIDELITY)


@pytest.mark.parametrize("name", FIDELITY)
def test_every_container_holds_the_same_sound(name: str) -> None:
    original, other = (reading.read(shipped(each)).samples for each in ("digits-1a", name))
    assert other.dtype == np.float32
    assert len(other) == len(original)
    least = FIDELITY[name]
    if least is None:
        assert np.array_equal(other, original)
    else:
        assert 10 * np.log10((original**2).sum() / ((other - original) ** 2).sum()) >= least


@pytest.mark.parametrize("name", FIDELITY)
def test_the_wav_for_engines_is_16_khz_mono_16_bit(name: str, tmp_path: Path) -> None:
    sound = reading.as_wav(shipped(name), tmp_path / "out.wav")
    with wave.open(str(tmp_path / "out.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, SAMPLE_RATE_HZ)
        assert file.readframes(file.getnframes()) == reading.pcm16(sound.samples)


def test_a_16_bit_wav_goes_through_unchanged(tmp_path: Path) -> None:
    reading.as_wav(shipped("digits-1a"), tmp_path / "out.wav")
    assert (tmp_path / "out.wav").read_bytes() == shipped("digits-1a").read_bytes()


def test_channels_are_mixed_not_dropped(tmp_path: Path) -> None:
    sides = np.zeros((1600, 2), np.float32)
    sides[:, 1] = 0.5
    assert reading.read(write(tmp_path / "right.wav", sides)).samples == pytest.approx(0.25, abs=1e-4)


def test_loud_floats_are_limited_not_wrapped() -> None:
    assert np.frombuffer(reading.pcm16(np.array([2.0, -2.0, 1.0, 0.0], np.float32)), "<i2").tolist() == [32767, -32768, 32767, 0]


def test_inspect_says_what_it_is() -> None:
    recording = reading.inspect(shipped("format-wav-44k-stereo"))
    assert (recording.container, recording.encoding, recording.rate_hz, recording.channels) == ("WAV", "PCM_16", 44_100, 2)
    assert recording.seconds == pytest.approx(1.5, abs=0.001)


def test_the_name_of_a_file_decides_nothing(tmp_path: Path) -> None:
    for name in ("x.raw", "x.mp3", "x", "x y'z.txt"):
        (tmp_path / name).write_bytes(shipped("digits-1a").read_bytes())
        assert reading.inspect(tmp_path / name).container == "WAV"


def test_thirty_seconds_are_taken_and_thirty_five_are_not(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.wav", np.zeros(MAX_SAMPLES, np.float32))
    assert len(reading.read(whole).samples) == MAX_SAMPLES
    with pytest.raises(
        errors.TooLong, match=r"35\.0 s, longer than the 30 s \(750 soft tokens\) .* the last 5\.0 s would be cut"
    ) as caught:
        reading.read(shipped("long-35s-digits"))
    assert "ffmpeg" in caught.value.fix


@pytest.mark.parametrize("name", ["long-35s-digits", "long-35s-phrases"])
def test_what_is_too_long_can_be_cut(name: str, tmp_path: Path) -> None:
    sound = reading.as_wav(shipped(name), tmp_path / "cut.wav", cut=True)
    assert sound.cut
    assert (sound.seconds, sound.expected_tokens) == (30.0, 750)
    assert reading.read(tmp_path / "cut.wav").cut is False


def test_cutting_at_another_rate_still_ends_at_thirty_seconds(tmp_path: Path) -> None:
    sound = reading.read(write(tmp_path / "long.wav", np.zeros(44_100 * 31, np.float32), 44_100), cut=True)
    assert len(sound.samples) == MAX_SAMPLES


def damaged_flac(tmp_path: Path, frames: int) -> Path:
    """A FLAC of 1.5 s whose header claims `frames` (STREAMINFO: 36 bits from the middle of byte 21)."""
    data = bytearray(shipped("format-flac").read_bytes())
    data[21] = data[21] & 0xF0 | frames >> 32
    data[22:26] = (frames & 0xFFFFFFFF).to_bytes(4, "big")
    (tmp_path / "lie.flac").write_bytes(data)
    return tmp_path / "lie.flac"


def wav(
    tmp_path: Path,
    *,
    rate_hz: int = 16_000,
    channels: int = 1,
    tag: int = 1,
    bits: int = 16,
    claim: int | None = None,
    data: bytes = bytes(64),
) -> Path:
    frame = channels * bits // 8
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, tag, channels, rate_hz, min(rate_hz * frame, 2**32 - 1), frame % 2**16, bits)
    body = b"WAVE" + form + b"data" + struct.pack("<I", len(data) if claim is None else claim) + data
    (tmp_path / "made.wav").write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return tmp_path / "made.wav"


def test_no_file_a_folder_and_a_pipe_are_missing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "none.wav", tmp_path, tmp_path / "pipe", Path("/dev/zero"), tmp_path / "nul\0.wav", shipped("tone") / "below"):
        with pytest.raises(errors.Missing):
            reading.read(path)


def test_a_name_the_system_refuses_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(errors.Unreadable, match="File name too long"):
        reading.read(tmp_path / ("x" * 5000))


def test_an_empty_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    with pytest.raises(errors.NoSamples, match=r"empty file \(0 bytes\)"):
        reading.read(tmp_path / "empty.wav")


def test_a_header_without_samples_says_so(tmp_path: Path) -> None:
    with pytest.raises(errors.NoSamples, match="without a single sample"):
        reading.read(wav(tmp_path, data=b""))


@pytest.mark.parametrize(
    "data",
    [
        b"hello, this is a text\n" * 400,
        b"\x89PNG\r\n\x1a\n" + bytes(4000),
        b"PK\x03\x04" + bytes(range(256)) * 20,
        b"RIFF",
        bytes(4096),
        b"\0\0\0 ftypM4A " + bytes(4096),
    ],
    ids=["text", "png", "zip", "riff", "zeros", "m4a"],
)
def test_what_is_no_sound_says_so_and_how_to_convert_it(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "no sound.wav").write_bytes(data)
    with pytest.raises(errors.NotSound, match="not a sound file") as caught:
        reading.read(tmp_path / "no sound.wav")
    assert caught.value.words
    assert f"ffmpeg -i '{tmp_path / 'no sound.wav'}' -ac 1 -ar 16000 out.wav" in caught.value.fix


def test_more_than_512_mib_are_refused_before_decoding(tmp_path: Path) -> None:
    with (tmp_path / "huge.wav").open("wb") as file:
        file.truncate(reading.MAX_BYTES + 1)
    with pytest.raises(errors.TooLarge, match="at most 512 MiB"):
        reading.read(tmp_path / "huge.wav")


def test_more_than_an_hour_is_refused_by_its_header(tmp_path: Path) -> None:
    with pytest.raises(errors.TooLarge, match="hours"):
        reading.read(damaged_flac(tmp_path, 2**36 - 1), cut=True)


@pytest.mark.parametrize(("rate_hz", "channels"), [(1, 1), (2**31 - 1, 1), (16_000, 1000)])
def test_impossible_rates_and_channels_are_refused(rate_hz: int, channels: int, tmp_path: Path) -> None:
    with pytest.raises((errors.Damaged, errors.NotSound)):
        reading.read(wav(tmp_path, rate_hz=rate_hz, channels=channels, data=bytes(channels * 4)))


def test_values_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    for value in (float("nan"), float("inf")):
        with pytest.raises(errors.Damaged, match="not numbers"):
            reading.read(wav(tmp_path, tag=3, bits=32, data=struct.pack("<f", value) * 100))


def test_a_wav_that_claims_four_gigabytes_gives_what_it_has(tmp_path: Path) -> None:
    assert len(reading.read(wav(tmp_path, claim=2**32 - 1)).samples) == 32


def test_memory_follows_the_data_not_the_header(tmp_path: Path) -> None:
    lie = damaged_flac(tmp_path, 3_000 * SAMPLE_RATE_HZ)  # 50 minutes claimed, 1.5 s there
    reading.read(shipped("format-flac"))  # imports are not what is measured
    tracemalloc.start()
    try:
        sound = reading.read(lie, cut=True)
    except errors.Damaged:
        pass
    else:
        assert len(sound.samples) <= 24_000
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 16 * 2**20


def outcome(path: Path) -> int | errors.SoundError:
    """Samples read, or why not. Anything but a SoundError fails the test that calls this."""
    try:
        return len(reading.read(path, cut=True).samples)
    except errors.SoundError as error:
        return error


@pytest.mark.parametrize("name", sorted(FIDELITY))
def test_a_file_cut_off_anywhere_is_read_as_far_as_it_goes_or_refused(name: str, tmp_path: Path) -> None:
    data = shipped(name).read_bytes()
    full = len(reading.read(shipped(name)).samples)
    for share in (0.0001, 0.01, 0.1, 0.5, 0.9, 0.999):
        (tmp_path / "part").write_bytes(data[: max(1, int(len(data) * share))])
        got = outcome(tmp_path / "part")
        assert isinstance(got, errors.SoundError) or 0 < got <= full
        if share < 0.001:
            assert isinstance(got, errors.NotSound)


@pytest.mark.parametrize("name", sorted(FIDELITY))
def test_flipped_bytes_never_raise_anything_but_a_sound_error(name: str, tmp_path: Path) -> None:
    data, draw = shipped(name).read_bytes(), random.Random(name)
    for _ in range(25):
        broken = bytearray(data)
        for _ in range(draw.choice((1, 4, 64))):
            broken[draw.randrange(min(len(data), draw.choice((64, 512, len(data)))))] = draw.randrange(256)
        (tmp_path / "broken").write_bytes(broken)
        got = outcome(tmp_path / "broken")
        assert bool(str(got) and got.fix) if isinstance(got, errors.SoundError) else 0 < got <= MAX_SAMPLES
