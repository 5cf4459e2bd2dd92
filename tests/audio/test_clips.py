"""The shipped clips are what the manifest says, and the hearing sets can tell a liar."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from runtimeprobe.audio import clips, reading
from runtimeprobe.audio.clips import KINDS, Clip, HearingSet, load_manifest, pair, pairs
from runtimeprobe.audio.scoring import DIGITS, word_error_rate, words
from runtimeprobe.audio.tokens import SAMPLE_RATE_HZ

SETS = [(weights, number) for weights in ("twin", "real") for number in range(len(pairs(weights)))]


@pytest.fixture(params=[clip.path.name for clip in load_manifest().clips])
def clip(request: pytest.FixtureRequest) -> Clip:
    return load_manifest().clip(request.param)


@pytest.fixture(params=SETS, ids=lambda chosen: f"{chosen[0]}-{chosen[1]}")
def hearing_set(request: pytest.FixtureRequest) -> HearingSet:
    return pair(*request.param)


def test_each_file_is_the_one_the_manifest_describes(clip: Clip) -> None:
    recording = reading.inspect(clip.path)
    assert hashlib.sha256(clip.path.read_bytes()).hexdigest() == clip.sha256
    assert (recording.container, recording.encoding) == (clip.container, clip.encoding)
    assert (recording.rate_hz, recording.channels) == (clip.rate_hz, clip.channels)
    assert recording.seconds == pytest.approx(clip.seconds, abs=1e-6)
    assert clip.samples == pytest.approx(clip.seconds * clip.rate_hz, abs=0.1)


def test_the_expected_tokens_are_those_of_the_sound_as_read(clip: Clip) -> None:
    assert clip.expected_tokens == reading.read(clip.path, cut=True).expected_tokens


def test_only_silence_is_silent(clip: Clip) -> None:
    sound = reading.read(clip.path, cut=True)
    assert sound.silent == (clip.kind == "silence")
    assert abs(sound.samples).max() < 0.95


def test_there_is_a_transcript_where_there_is_speech(clip: Clip) -> None:
    assert bool(words(clip.transcript)) == (clip.kind not in ("silence", "noise", "tone"))
    assert bool(clip.made)


def test_no_file_is_without_a_row_in_the_manifest() -> None:
    listed = {clip.path.name for clip in load_manifest().clips} | {clips.MANIFEST}
    assert {file.name for file in clips.folder().iterdir()} == listed


def test_every_kind_is_there_in_the_number_promised() -> None:
    count = {kind: len(load_manifest().of(kind)) for kind in KINDS}
    assert count == {"digits": 12, "phrase": 12, "silence": 2, "noise": 1, "tone": 1, "long": 4, "format": 8}
    assert {clip.seconds for clip in load_manifest().of("long")} == {29.0, 35.0}
    assert {clip.container for clip in load_manifest().of("format")} == {"WAV", "WAVEX", "FLAC", "MP3", "OGG"}


def test_digit_clips_say_one_to_five_digits_and_every_digit() -> None:
    said = [clip.transcript.split() for clip in load_manifest().of("digits")]
    assert {len(some) for some in said} == {1, 2, 3, 4, 5}
    assert {word for some in said for word in some} == set(DIGITS)


def test_phrases_are_six_to_nine_words_each_said_once_in_two_voices() -> None:
    phrases = load_manifest().of("phrase")
    said = [clip.transcript.split() for clip in phrases]
    every = [word for some in said for word in some]
    assert all(6 <= len(some) <= 9 for some in said)
    assert len(set(every)) == len(every)
    assert not set(every) & set(DIGITS)
    assert len({clip.voice for clip in phrases}) == 2


def test_the_words_of_a_set_have_nothing_in_common(hearing_set: HearingSet) -> None:
    a, b = hearing_set.a.transcript, hearing_set.b.transcript
    assert not set(words(a)) & set(words(b))
    assert word_error_rate(a, b) >= 1.0
    assert word_error_rate(b, a) >= 1.0


def test_b_is_a_second_longer_and_silence_exactly_as_long_as_a(hearing_set: HearingSet) -> None:
    assert hearing_set.b.seconds - hearing_set.a.seconds >= 1.0
    assert hearing_set.silence.samples == hearing_set.a.samples
    assert {clip.rate_hz for clip in (hearing_set.a, hearing_set.b, hearing_set.silence)} == {SAMPLE_RATE_HZ}
    assert {clip.encoding for clip in (hearing_set.a, hearing_set.b, hearing_set.silence)} == {"PCM_16"}


def test_half_of_a_clip_cannot_pass_for_the_whole(hearing_set: HearingSet) -> None:
    said = hearing_set.a.transcript.split()
    assert word_error_rate(" ".join(said), " ".join(said[: (len(said) + 1) // 2])) >= 1 / 3


def test_attempts_use_different_sets_and_start_again_at_the_end() -> None:
    for weights in ("twin", "real"):
        assert len({pair(weights, index).a.name for index in range(5)}) == 5
        assert pair(weights, len(pairs(weights))) == pair(weights)


def test_a_clip_is_found_by_name_with_or_without_its_ending() -> None:
    manifest = load_manifest()
    assert manifest.clip("digits-1a") is manifest.clip("digits-1a.wav")
    with pytest.raises(KeyError):
        manifest.clip("digits-99")


def test_a_manifest_of_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / clips.MANIFEST).write_text("version = 2\n")
    with pytest.raises(ValueError, match="version 2, this program reads 1"):
        load_manifest(tmp_path)


def test_the_twins_get_every_container_and_both_lengths_in_digits() -> None:
    twin, real = clips.format_clips("twin"), clips.format_clips("real")
    assert {clip.name for clip in twin if clip.kind == "long"} == {"long-29s-digits", "long-35s-digits"}
    assert [clip for clip in twin if clip.kind == "format"] == [clip for clip in real if clip.kind == "format"]
    assert set(real) == {*load_manifest().of("format"), *load_manifest().of("long")}


def test_listing_clips_imports_no_sound_library() -> None:
    heavy = ("numpy", "librosa", "soundfile", "jiwer")
    code = f"import sys, runtimeprobe.audio.clips as c; c.pair('twin'); print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
