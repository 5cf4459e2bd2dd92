"""Where the shipped twins lie, and whether they are still what was shipped."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtimeprobe.contract import Candidate

DATA = Path(__file__).parent / "data"
MANIFEST = "manifest.json"
PROJECTOR = "mmproj.gguf"
TEMPLATE = Path(__file__).parent / "chat_template.jinja"
SIZE_SWITCH = "{%- set size_wants_empty_thought = false -%}"


@dataclass(frozen=True, slots=True)
class Shipped:
    """One twin: the model it stands for, its folder in `data`, and what manifest.json says of every file below that folder."""

    name: str  # "twin-e2b"
    model: str  # "gemma-4-e2b"
    files: dict[str, dict[str, Any]]  # relative path -> {"sha256", "size_bytes"}

    @property
    def hears(self) -> bool:
        return PROJECTOR in self.files


def chat_template(*, empty_thought: bool) -> str:
    """Gemma 4's turns as a template of our own. `empty_thought`: the form of 12B, 26B-A4B and 31B, the one difference between sizes."""
    text = TEMPLATE.read_text(encoding="utf-8")
    if SIZE_SWITCH not in text:
        raise ValueError(f"{TEMPLATE} has no line {SIZE_SWITCH!r}")
    return text.replace(SIZE_SWITCH, SIZE_SWITCH.replace("false", "true")) if empty_thought else text


def folder() -> Path:
    return DATA


def shipped(data: Path = DATA) -> tuple[Shipped, ...]:
    """The twins in manifest.json; none where there is no manifest."""
    file = data / MANIFEST
    if not file.exists():
        return ()
    manifest = json.loads(file.read_text(encoding="utf-8"))
    return tuple(Shipped(name, twin["model"], twin["files"]) for name, twin in manifest["twins"].items())


def candidates(data: Path = DATA) -> tuple[Candidate, ...]:
    return tuple(
        Candidate(
            model=twin.model,
            weights="twin",
            text_gguf=str(data / twin.name / "text.gguf"),
            projector_gguf=str(data / twin.name / PROJECTOR) if twin.hears else "",
            hf_folder=str(data / twin.name / "hf"),
        )
        for twin in shipped(data)
    )


def verify(data: Path = DATA) -> list[str]:
    """What is wrong with the shipped files, one line each; empty if every byte is as it was shipped."""
    twins = shipped(data)
    if not twins:
        return [f"{data / MANIFEST}: missing, so no twin is installed here. Reinstall runtimeprobe, or make them with `make twins`."]
    problems = []
    known = {MANIFEST}
    for twin in twins:
        for name, facts in twin.files.items():
            file = data / twin.name / name
            known.add(f"{twin.name}/{name}")
            if not file.is_file():
                problems.append(f"{file}: missing. Reinstall runtimeprobe.")
            elif file.stat().st_size != facts["size_bytes"]:
                problems.append(f"{file}: {file.stat().st_size} bytes, shipped with {facts['size_bytes']}. Reinstall runtimeprobe.")
            elif hashlib.sha256(file.read_bytes()).hexdigest() != facts["sha256"]:
                problems.append(f"{file}: its SHA-256 is not the one it was shipped with. Reinstall runtimeprobe.")
    found = {file.relative_to(data).as_posix() for file in data.rglob("*") if file.is_file()}
    problems += [f"{data / extra}: not part of the shipped twins. Delete it." for extra in sorted(found - known)]
    return problems
