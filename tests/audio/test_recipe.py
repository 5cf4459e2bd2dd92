"""The committed recipe makes the committed files."""

import platform
import shutil
from pathlib import Path

import pytest

from runtimeprobe.audio import clips, encode, recipe, utterances
from runtimeprobe.twins.recipe import speech

pytestmark = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="making the clips again: no espeak-ng here")


def test_the_recipe_makes_every_file_again_byte_for_byte(tmp_path: Path) -> None:
    committed = clips.load_manifest()
    if (found := recipe.synthesizer()) != committed.synthesizer:
        pytest.skip(f"the clips were made by {committed.synthesizer}, here is {found}")
    if platform.machine() != "x86_64":
        pytest.skip("the resampler's last bit may differ on another processor architecture")
    recipe.write(tmp_path)
    made = clips.load_manifest(tmp_path)
    assert {clip.path.name: clip.sha256 for clip in made.clips} == {clip.path.name: clip.sha256 for clip in committed.clips}
    assert (tmp_path / clips.MANIFEST).read_text() == (clips.folder() / clips.MANIFEST).read_text()


def test_voices_and_speeds_are_in_the_range_the_twins_were_trained_on() -> None:
    digits = [said for both in utterances.DIGIT_PAIRS for said in both] + list(utterances.MORE_DIGITS)
    digits += [said for _, said in utterances.LONG_DIGITS]
    trained = {accent + timbre for accent in speech.ACCENTS for timbre in speech.TRAINED_TIMBRES}
    for said in digits:
        assert said.voice in trained
        assert said.speed_wpm in speech.SPEEDS_WPM
        assert said.speed_wpm not in speech.HELD_OUT_SPEEDS_WPM
        assert 25 <= said.pitch <= 75
        assert 0 <= said.gap <= 20


def test_a_set_whose_clips_share_a_word_is_refused() -> None:
    say = utterances.say
    with pytest.raises(ValueError, match="share three"):
        recipe.hearing_sets(
            "twin", "digits", [(say("three", "en-us", 150, 50, 4), say("one three four five two six", "en-us", 120, 50, 10))]
        )


def test_a_set_of_nearly_equal_lengths_is_refused() -> None:
    say = utterances.say
    with pytest.raises(ValueError, match="s longer than"):
        recipe.hearing_sets("twin", "digits", [(say("three nine", "en-us", 150, 50, 4), say("one two", "en-us", 150, 50, 4))])


def test_a_clip_longer_than_its_slot_is_refused() -> None:
    with pytest.raises(ValueError, match=r"more than 0\.5 s"):
        recipe.spoken("a.wav", "digits", utterances.say("three nine", "en-us", 150, 50, 4), 0.5)


def test_renumbering_an_ogg_stream_keeps_every_checksum_right() -> None:
    data = clips.load_manifest().clip("format-ogg-vorbis").path.read_bytes()
    assert encode.with_serial(data, encode.OGG_SERIAL) == data
    other = encode.with_serial(data, 77)
    assert other != data
    assert len(other) == len(data)
    assert encode.with_serial(other, encode.OGG_SERIAL) == data
