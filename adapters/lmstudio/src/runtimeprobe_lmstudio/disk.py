"""What lies in LM Studio's folder for a listed model. Its interface says nothing of audio; the projector's metadata does."""

import json
from dataclasses import dataclass
from pathlib import Path

from runtimeprobe.contract import Claim, LoadFailed
from runtimeprobe.kit import gguf
from runtimeprobe.kit.files import size
from runtimeprobe_lmstudio.listing import Entry

HAS_AUDIO = "clip.has_audio_encoder"  # tools/mtmd/clip-impl.h in llama.cpp
MAX_SETTINGS_BYTES = 1024 * 1024
MAX_FOLDERS = 2000


@dataclass(frozen=True, slots=True)
class Files:
    """The files of one model: text and projector, "" where there is none."""

    text: str
    projector: str = ""

    @property
    def claim(self) -> Claim:
        """Yes if the projector has an audio encoder, no without one: the runtime has nothing else to hear with."""
        if not self.projector:
            return Claim.NO
        try:
            return Claim.YES if gguf.read_keys(self.projector, [HAS_AUDIO]).get(HAS_AUDIO) is True else Claim.NO
        except LoadFailed:
            return Claim.UNDECLARED


def home() -> Path:
    """LM Studio's folder (findLMStudioHome in packages/lms-common-server of lmstudio-ai/lmstudio-js), without writing its pointer."""
    user = Path.home()
    try:
        with (user / ".lmstudio-home-pointer").open("rb") as file:
            named = file.read(4096).decode("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        named = ""
    if named and "\0" not in named:
        return Path(named)
    cache = user / ".cache" / "lm-studio"
    return cache if cache.is_dir() else user / ".lmstudio"


def models_folder() -> Path:
    """Where its models lie: `downloadsFolder` of its settings (src/subcommands/importCmd.ts of lmstudio-ai/lms)."""
    folder = home()
    try:
        with (folder / "settings.json").open("rb") as file:
            named = json.loads(file.read(MAX_SETTINGS_BYTES)).get("downloadsFolder")
    except (OSError, ValueError, AttributeError, RecursionError):
        named = None
    return Path(named) if isinstance(named, str) and named and "\0" not in named else folder / "models"


def find(entry: Entry) -> Files | None:
    """The files of a listed model: a folder named after it, whose sizes are those listed. None unless that is certain."""
    found = [files for folder in _folders() for files in _in(folder) if _size_fits(files, entry.size_bytes) and _is_named(folder, entry)]
    return found[0] if len(found) == 1 else None


def _folders() -> list[Path]:
    """publisher/repository; a link to elsewhere is followed no further than this."""
    try:
        publishers = [path for path in models_folder().iterdir() if path.is_dir()]
        return [path for publisher in publishers for path in publisher.iterdir() if path.is_dir()][:MAX_FOLDERS]
    except OSError:
        return []


def _in(folder: Path) -> list[Files]:
    try:
        names = sorted(path for path in folder.iterdir() if path.suffix == ".gguf" and path.is_file())
    except OSError:
        return []
    projectors = [path for path in names if "mmproj" in path.name.lower()]
    projector = str(projectors[0]) if projectors else ""
    return [Files(str(path), projector) for path in names if path not in projectors]


def _is_named(folder: Path, entry: Entry) -> bool:
    """ "google/gemma-4-e2b" lies in "lmstudio-community/gemma-4-E2B-it-GGUF"."""
    name = entry.gemma or entry.key.partition("@")[0].rsplit("/", 1)[-1].lower()
    return name in folder.name.lower().replace("_", "-")


def _size_fits(found: Files, size_bytes: int) -> bool:
    """Which of the two sums is listed is not documented."""
    return size_bytes in (size(found.text), size(found.text, found.projector)) and size_bytes > 0
