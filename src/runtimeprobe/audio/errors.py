"""What can be wrong with a recording: what happened, the decoder's own words, what to do next.

SoundError
+-- Missing       no such file, or not a file
+-- Unreadable    no permission, or the disk fails
+-- TooLarge      too many bytes or too long to be worth decoding
+-- NotSound      no decoder knows it
+-- NoSamples     a sound file, or an empty one, with nothing in it
+-- Damaged       begins well, then breaks or holds values that are no sound
`-- TooLong       sound, but longer than the model takes: says what would be cut
"""


class SoundError(Exception):
    """One line of what happened (`str(error)`), the decoder's own words, and the next step."""

    def __init__(self, message: str, *, words: str = "", fix: str = "") -> None:
        super().__init__(message)
        self.words = words
        self.fix = fix


class Missing(SoundError):
    """There is no such file."""


class Unreadable(SoundError):
    """The file is there and cannot be opened."""


class TooLarge(SoundError):
    """Refused before decoding."""


class NotSound(SoundError):
    """No decoder recognises it."""


class NoSamples(SoundError):
    """There is no sound in it."""


class Damaged(SoundError):
    """Decoding broke off, or gave values that are no sound."""


class TooLong(SoundError):
    """Longer than one clip may be."""
