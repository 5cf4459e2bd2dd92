"""Finds Gemma 4 E2B and E4B on this machine and picks, per model, the GGUF pair and the Hugging Face folder to probe.

Every file is told by its metadata, so a renamed file or an Ollama blob counts and a misnamed one does not.
"""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runtimeprobe.contract import Candidate
from runtimeprobe.gguf.errors import BadFile
from runtimeprobe.weights import identify, ollama
from runtimeprobe.weights.fit import needed_bytes
from runtimeprobe.weights.identify import Folder, Projector, Text, Unusable
from runtimeprobe.weights.known import known
from runtimeprobe.weights.places import Place, places
from runtimeprobe.weights.walk import walk

GIVEN = "--model-path"
GIVEN_DEPTH = 3
# Full precision first: llama.cpp PR 21421 recommends a BF16 projector.
PROJECTOR_RANK = ("BF16", "F16", "F32", "Q8_0")
UNFINISHED = (".incomplete", ".downloadInProgress", ".part")
OTHER_FAMILY = "projector of another family"


@dataclass(frozen=True, slots=True)
class Note:
    """Something that was found and cannot be used, or not looked at."""

    path: Path
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}"


@dataclass(slots=True)
class Seen:
    """All that a search met, in order of preference."""

    texts: list[Text] = field(default_factory=list)
    projectors: list[Projector] = field(default_factory=list)
    folders: list[Folder] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    real_paths: set[str] = field(default_factory=set)

    def note(self, path: Path, text: str) -> None:
        self.notes.append(Note(path, text))


def on_this_machine(paths: Sequence[Path] = ()) -> tuple[tuple[Candidate, ...], tuple[str, ...]]:
    """What can be probed here, and one line for each thing that was found and cannot be."""
    from runtimeprobe.host import memory_available_bytes

    candidates, notes = find(os.environ, Path.home(), sys.platform, paths, memory_available_bytes())
    return candidates, tuple(str(note) for note in notes)


def find(
    env: Mapping[str, str], home: Path, platform: str, paths: Sequence[Path] = (), available_bytes: int = 0
) -> tuple[tuple[Candidate, ...], tuple[Note, ...]]:
    """`paths`: files or folders the user named. `available_bytes`: of memory, to prefer what fits; 0 where it is not known."""
    seen = look(places(env, home, platform), paths)
    chosen = [candidate for model in known() if (candidate := choose(model, seen, available_bytes)) is not None]
    return tuple(chosen), tuple(dict.fromkeys(seen.notes))


def look(where: Iterable[Place], paths: Sequence[Path] = ()) -> Seen:
    """Everything there is, before any choice."""
    seen = Seen()
    for path in paths:
        _given(path, seen)
    for place in where:
        if place.kind == "ollama":
            _store(place, seen)
        else:
            for folder, names in walk(place.folder, seen.note):
                _folder(folder, names, place.owner, seen)
    beside = {text.path.parent for text in seen.texts}
    named = set(paths)
    # Other models' projectors are none of our business, unless somebody put one beside a Gemma 4 or named it.
    seen.notes = [note for note in seen.notes if not note.text.startswith(OTHER_FAMILY) or note.path.parent in beside or note.path in named]
    return seen


def choose(model: str, seen: Seen, available_bytes: int = 0) -> Candidate | None:
    """The pair and the folder to probe. First what the user named, then what fits in memory, then the larger: less quantized."""
    pairs = []
    for text in seen.texts:
        if text.model != model:
            continue
        projector = projector_for(text, seen.projectors)
        if projector is None:
            seen.note(text.path, _no_projector(text, seen.projectors))
            continue
        needed = needed_bytes(text.size, projector.size, text.needs_bytes)
        pairs.append((text.owner == GIVEN, not available_bytes or needed <= available_bytes, text.size, text, projector))
    folders = [
        (folder.owner == GIVEN, not available_bytes or needed_bytes(folder.size, 0, 0) <= available_bytes, folder.size, folder)
        for folder in seen.folders
        if folder.model == model
    ]
    pair = max(pairs, key=lambda item: item[:3], default=None)
    folder = max(folders, key=lambda item: item[:3], default=None)
    if pair is None and folder is None:
        return None
    return Candidate(
        model=model,
        weights="real",
        text_gguf=str(pair[3].path) if pair else "",
        projector_gguf=str(pair[4].path) if pair else "",
        hf_folder=str(folder[3].path) if folder else "",
    )


def projector_for(text: Text, projectors: Sequence[Projector]) -> Projector | None:
    """A projector that projects to the text model's embedding length: from its own folder first, then its owner, then any."""
    fitting = [item for item in projectors if item.projection_dim == text.embedding_length]

    def rank(item: Projector) -> tuple[bool, bool, int]:
        precision = PROJECTOR_RANK.index(item.quantization) if item.quantization in PROJECTOR_RANK else len(PROJECTOR_RANK)
        return item.path.parent != text.path.parent, item.owner != text.owner, precision

    return min(fitting, key=rank, default=None)


def _no_projector(text: Text, projectors: Sequence[Projector]) -> str:
    beside = [item for item in projectors if item.path.parent == text.path.parent]
    wanted = known()[text.model].gguf[0]
    advice = f"download {wanted.projector} from {wanted.repository} beside it"
    if beside:
        widths = " and ".join(sorted({str(item.projection_dim) for item in beside}))
        return f"{text.model} wants a projector to {text.embedding_length}; the one beside it projects to {widths}; {advice}"
    return f"{text.model} without a projector cannot hear; {advice}"


def _given(path: Path, seen: Seen) -> None:
    """A folder is searched; beside a file, only projectors are looked for, so that no other text model is taken for the one named."""
    if path.is_dir():
        before = len(seen.texts) + len(seen.folders) + len(seen.projectors) + len(seen.notes)
        for folder, names in walk(path, seen.note, depth=GIVEN_DEPTH):
            _folder(folder, names, GIVEN, seen)
        if before == len(seen.texts) + len(seen.folders) + len(seen.projectors) + len(seen.notes):
            seen.note(path, "holds no Gemma 4 model")
        return
    before = len(seen.texts) + len(seen.projectors) + len(seen.notes)
    _gguf(path, GIVEN, seen)
    if before == len(seen.texts) + len(seen.projectors) + len(seen.notes):
        seen.note(path, "is no Gemma 4 model")
    texts = list(seen.texts)
    for name in sorted(item.name for item in path.parent.glob("*.gguf")) if path.parent.is_dir() else ():
        if name != path.name:
            _gguf(path.parent / name, GIVEN, seen)
    for extra in [text for text in seen.texts if text not in texts]:
        seen.texts.remove(extra)
        seen.real_paths.discard(os.path.realpath(extra.path))


def _folder(folder: Path, names: Sequence[str], owner: str, seen: Seen) -> None:
    for name in names:
        if name.lower().endswith(".gguf"):
            _gguf(folder / name, owner, seen)
        elif name.endswith(UNFINISHED) and "gemma-4" in str(folder / name).lower():
            seen.note(folder / name, "is an unfinished download; run it again")
    if "config.json" in names and any(name.endswith((".safetensors", ".safetensors.index.json")) for name in names):
        if _known_already(folder / "config.json", seen):
            return
        try:
            found = identify.folder(folder, owner)
        except Unusable as error:
            seen.note(folder, str(error))
        except BadFile as error:
            seen.note(error.path, error.detail)
        else:
            seen.folders += [found] if found else []


def _gguf(path: Path, owner: str, seen: Seen) -> None:
    if _known_already(path, seen):
        return
    try:
        found = identify.gguf(path, owner)
    except Unusable as error:
        seen.note(path, str(error))
    except BadFile as error:
        seen.note(path, error.detail)
    else:
        if isinstance(found, Text):
            seen.texts.append(found)
        elif isinstance(found, Projector):
            seen.projectors.append(found)


def _known_already(path: Path, seen: Seen) -> bool:
    """Several names of one file (snapshots of the Hugging Face cache, links) count once, where it was met first."""
    real = os.path.realpath(path)
    if real in seen.real_paths:
        return True
    seen.real_paths.add(real)
    return False


def _store(place: Place, seen: Seen) -> None:
    for tag in ollama.tags(place.folder, seen.note):
        before = len(seen.notes)
        for blob in (*tag.models, *tag.projectors):
            _gguf(blob, place.owner, seen)
        # A blob's name says nothing: put the tag in front.
        seen.notes[before:] = [Note(note.path, f"{tag.name}: {note.text}") for note in seen.notes[before:]]
