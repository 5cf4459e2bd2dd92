"""Reads what the checks need from a model file, once and boundedly. With its two readers the only module here that touches the file."""

from pathlib import Path

from runtimeprobe.diagnose.causes.folder_facts import of_folder
from runtimeprobe.diagnose.causes.gguf_facts import of_gguf
from runtimeprobe.diagnose.causes.interface import FileFacts, ProjectorFacts
from runtimeprobe.gguf import summary
from runtimeprobe.gguf.errors import BadFile
from runtimeprobe.gguf.folder import read_folder
from runtimeprobe.gguf.splits import read_model


def file_facts(path: Path, projector: Path | None = None, *, template: str | None = None) -> FileFacts:
    """Of a GGUF file (any part of a split one) or a Hugging Face folder. `template` stands in for the file's own. Raises BadFile."""
    beside = _projector(projector) if projector else None
    if path.is_dir():
        return of_folder(read_folder(path), template, beside)
    return of_gguf(read_model(path), template, beside)


def _projector(path: Path) -> ProjectorFacts:
    header = read_model(path)
    seen = summary.of_projector(header)
    dims = tuple(dim for kind in ("audio", "vision") if isinstance(dim := header.get(f"clip.{kind}.projection_dim"), int))
    if header.get("general.architecture") != "clip":
        raise BadFile(path, "is no projector: its architecture is not 'clip'", fix="give the model's mmproj file")
    return ProjectorFacts(path.name, dims, bool(seen.audio_encoder), seen.audio_tensors, seen.audio_projector, seen.problems)
