"""The shipped clips and the sets of three a hearing test is made of. Standard library alone: listing clips must cost nothing."""

import functools
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtimeprobe.audio.scoring import DIGITS
from runtimeprobe.audio.tokens import SAMPLE_RATE_HZ, expected_soft_tokens

MANIFEST = "manifest.toml"
MANIFEST_VERSION = 1
KINDS = ("digits", "phrase", "silence", "noise", "tone", "long", "format")


@dataclass(frozen=True, slots=True)
class Clip:
    """One sound file with a known transcript ("" where nothing is said). `samples` and `rate_hz` are the file's own."""

    path: Path
    kind: str
    transcript: str
    seconds: float
    samples: int
    rate_hz: int
    channels: int
    container: str  # as libsndfile names it: WAV, WAVEX, FLAC, MP3, OGG
    encoding: str
    voice: str
    speed_wpm: int
    made: str
    sha256: str

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def expected_tokens(self) -> int:
        """Soft tokens once it is resampled to 16 kHz."""
        return expected_soft_tokens(round(self.samples * SAMPLE_RATE_HZ / self.rate_hz))


@dataclass(frozen=True, slots=True)
class HearingSet:
    """Clip A, clip B with no word of A's and at least a second longer, and silence of exactly A's length."""

    a: Clip
    b: Clip
    silence: Clip


@dataclass(frozen=True, slots=True)
class Manifest:
    """Every shipped clip, and the hearing sets by weights ("twin", "real")."""

    licence: str
    synthesizer: str
    clips: tuple[Clip, ...]
    sets: dict[str, tuple[HearingSet, ...]]

    def of(self, kind: str) -> tuple[Clip, ...]:
        """The clips of one kind, in the manifest's order."""
        return tuple(clip for clip in self.clips if clip.kind == kind)

    def clip(self, name: str) -> Clip:
        """The clip called `name` (its file name, with or without extension). Raises KeyError."""
        for clip in self.clips:
            if name in (clip.name, clip.path.name):
                return clip
        raise KeyError(name)


def folder() -> Path:
    """Where the clips are: inside the package once installed, at the top of the repository in an editable checkout."""
    here = Path(__file__).resolve().parent
    installed = here / "samples"
    return installed if installed.is_dir() else here.parents[2] / "audio_samples"


@functools.cache
def load_manifest(at: Path | None = None) -> Manifest:
    """The manifest in `at` or of the shipped clips. Raises OSError or ValueError: a broken install, not something a user did."""
    base = at or folder()
    data = tomllib.loads((base / MANIFEST).read_text("utf-8"))
    if data.get("version") != MANIFEST_VERSION:
        raise ValueError(f"{base / MANIFEST}: version {data.get('version')!r}, this program reads {MANIFEST_VERSION}")
    clips = tuple(as_clip(base, row) for row in data["clip"])
    by_file = {clip.path.name: clip for clip in clips}
    sets: dict[str, tuple[HearingSet, ...]] = {}
    for row in data["pair"]:
        chosen = HearingSet(by_file[row["a"]], by_file[row["b"]], by_file[row["silence"]])
        sets[row["weights"]] = (*sets.get(row["weights"], ()), chosen)
    return Manifest(data["licence"], data["synthesizer"], clips, sets)


def as_clip(base: Path, row: dict[str, Any]) -> Clip:
    if row["kind"] not in KINDS:
        raise ValueError(f"{row['file']}: kind {row['kind']!r} is none of {', '.join(KINDS)}")
    fields = {name: value for name, value in row.items() if name != "file"}
    return Clip(path=base / row["file"], **fields)


def pairs(weights: str) -> Sequence[HearingSet]:
    """Every hearing set for these weights."""
    return load_manifest().sets[weights]


def pair(weights: str, index: int = 0) -> HearingSet:
    """The hearing set of attempt `index`; attempts beyond the last set start again at the first."""
    sets = pairs(weights)
    return sets[index % len(sets)]


def format_clips(weights: str) -> tuple[Clip, ...]:
    """One clip in every container, then the long ones; of these the twins get only what they can know, digits."""
    manifest = load_manifest()
    clips = (*manifest.of("format"), *manifest.of("long"))
    return tuple(clip for clip in clips if weights != "twin" or set(clip.transcript.split()) <= set(DIGITS))
