"""Blobs and models on disk, in a folder that goes with the emulator; what /api/tags, /api/show and /api/create say of them."""

import hashlib
import json
import math
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runtimeprobe.gguf.errors import BadFile
from runtimeprobe.gguf.header import Array, Header, read_header

LONG_AGO = "2026-01-01T00:00:00Z"  # when models that were there from the start were made
# ggml's file types (fs/ggml/type.go FileType.String); the twins are F16
FILE_TYPES = {0: "F32", 1: "F16", 7: "Q8_0", 15: "Q4_K_M", 32: "BF16"}


class Failure(Exception):
    """An error as Ollama's handlers answer it: a status and what stands in `error`."""

    def __init__(self, status: int, error: Any) -> None:
        super().__init__(str(error))
        self.status, self.error = status, error


@dataclass(frozen=True, slots=True)
class Stored:
    """A manifest, as far as anybody asks."""

    name: str
    digest: str
    text: str  # digests of its blobs
    projector: str = ""
    capabilities: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    modified_at: str = LONG_AGO
    remote_host: str = ""


class Store:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / "manifests.json"
        self._lock = threading.RLock()
        (folder / "blobs").mkdir(exist_ok=True)

    def models(self) -> dict[str, Stored]:
        with self._lock:
            rows = json.loads(self._file.read_text()) if self._file.exists() else []
        return {row["name"]: Stored(**row) for row in rows}

    def find(self, name: str, status: int = 404) -> Stored:
        """server/routes.go: every handler says `model '%s' not found` with 404."""
        whole = name if ":" in name.rpartition("/")[2] else f"{name}:latest"
        if not name or whole not in self.models():
            raise Failure(status, f"model '{name}' not found" if name else "model is required")
        return self.models()[whole]

    def blob(self, digest: str) -> Path:
        """manifest.BlobsPath: `invalid digest format` for what is no digest."""
        kind, _, value = digest.partition(":")
        if kind != "sha256" or len(value) != 64 or set(value) - set("0123456789abcdef"):
            raise Failure(400, "invalid digest format")
        return self.folder / "blobs" / f"sha256-{value}"

    def put(self, digest: str, data: bytes) -> int:
        """CreateBlobHandler: 200 if it is there, else 201."""
        path = self.blob(digest)
        if path.exists():
            return 200
        found = f"sha256:{hashlib.sha256(data).hexdigest()}"
        if found != digest:
            raise Failure(400, f'digest mismatch, expected "{digest}", got "{found}"')
        path.write_bytes(data)
        return 201

    def add(self, name: str, text: Path, projector: Path | None, **more: Any) -> None:
        """A model that is there from the start."""
        digests = []
        for path in filter(None, (text, projector)):
            data = path.read_bytes()
            digests.append(f"sha256:{hashlib.sha256(data).hexdigest()}")
            self.put(digests[-1], data)
        self._write(name, *digests, **more)

    def create(self, request: Mapping[str, Any], behaviour: str) -> Iterator[str]:
        """CreateHandler: what it streams as `status`. The real one also rewrites the text model through llama-quantize."""
        files = request.get("files")
        if not files:
            raise Failure(400, "neither 'from' or 'files' was specified")
        text = projector = ""
        for digest in files.values():
            yield "parsing GGUF"
            path = self.blob(digest)
            if not path.exists():
                raise Failure(500, f"open {path}: no such file or directory")
            try:
                header = read_header(path)
            except BadFile:
                raise Failure(400, "supplied file was not in GGUF format") from None  # errOnlyGGUFSupported
            if _is_projector(header):
                projector = digest
            else:
                text = digest
        capabilities = tuple((request.get("info") or {}).get("capabilities", ()))
        if behaviour == "claims-audio-without-projector":
            projector, capabilities = "", ("audio",)
        now = datetime.now(UTC).isoformat()
        self._write(
            request["model"], text, projector, capabilities=capabilities, parameters=request.get("parameters") or {}, modified_at=now
        )
        for digest in filter(None, (text, projector)):
            yield f"using existing layer {digest}"
        yield "writing manifest"
        yield "success"

    def delete(self, name: str) -> None:
        """DeleteHandler: the manifest, and the layers no other model needs."""
        gone = self.find(name)
        with self._lock:
            left = [stored for stored in self.models().values() if stored.name != gone.name]
            self._file.write_text(json.dumps([asdict(stored) for stored in left]))
        used = {digest for stored in left for digest in (stored.text, stored.projector)}
        for digest in {gone.text, gone.projector} - used - {""}:
            self.blob(digest).unlink(missing_ok=True)

    def _write(self, name: str, text: str, projector: str = "", **more: Any) -> None:
        name = name if ":" in name.rpartition("/")[2] else f"{name}:latest"
        manifest = hashlib.sha256(json.dumps([name, text, projector, str(more)]).encode()).hexdigest()
        with self._lock:
            stored = {**self.models(), name: Stored(name, manifest, text, projector, **more)}
            self._file.write_text(json.dumps([asdict(one) for one in stored.values()]))

    def headers(self, stored: Stored) -> tuple[Header, Header | None]:
        return read_header(self.blob(stored.text)), read_header(self.blob(stored.projector)) if stored.projector else None

    def capabilities(self, stored: Stored) -> list[str]:
        """server/images.go capabilitiesForTemplate: manifest, text model, projector, parser."""
        text, projector = self.headers(stored)
        architecture = text.get("general.architecture")
        found = [*stored.capabilities, "completion"]
        found += [kind for kind in ("vision", "audio") if text.get(f"{architecture}.{kind}.block_count") is not None]
        if projector:
            found.append("vision")
            found += ["audio"] if projector.get("clip.has_audio_encoder") is True else []
        found += ["tools", "thinking"] if architecture == "gemma4" else []
        return list(dict.fromkeys(found))

    def details(self, stored: Stored) -> dict[str, Any]:
        text, projector = self.headers(stored)
        architecture = text.get("general.architecture")
        return {
            "parent_model": "",
            "format": "gguf",
            "family": architecture,
            "families": [architecture, *(["clip"] if projector else [])],
            "parameter_size": human(sum(math.prod(tensor.shape) for tensor in text.tensors)),
            "quantization_level": FILE_TYPES.get(text.get("general.file_type", 0), "unknown"),
        }

    def listed(self, stored: Stored) -> dict[str, Any]:
        """api/types.go ListModelResponse; for a model with a projector of its own the list leaves `audio` out (model_list_cache.go)."""
        size = sum(self.blob(digest).stat().st_size for digest in (stored.text, stored.projector) if digest)
        row: dict[str, Any] = {"name": stored.name, "model": stored.name, "modified_at": stored.modified_at, "size": size}
        if stored.remote_host:
            row |= {"remote_model": stored.name, "remote_host": stored.remote_host}
        return row | {"digest": stored.digest, "details": self.details(stored)}

    def shown(self, stored: Stored) -> dict[str, Any]:
        """GetModelInfo: without general.name and the chat template; arrays are null unless verbose. `renderer` and `parser` are fields of
        api.ShowResponse that this version never fills; they stand in the Modelfile."""
        text, projector = self.headers(stored)
        found: dict[str, Any] = {
            "modelfile": f"FROM {self.blob(stored.text)}\nRENDERER gemma4\nPARSER gemma4\n",
            "parameters": "\n".join(f"{key:<30} {value}" for key, value in stored.parameters.items()),
            "template": "{{ .Prompt }}",
            "details": self.details(stored),
            "model_info": _plain(text),
            "capabilities": self.capabilities(stored),
            "modified_at": stored.modified_at,
        }
        if projector:
            found["projector_info"] = _plain(projector)
        return found | ({"remote_model": stored.name, "remote_host": stored.remote_host} if stored.remote_host else {})


def _plain(header: Header) -> dict[str, Any]:
    keys = header.fields.keys() - {"general.name", "tokenizer.chat_template"}
    return {key: None if isinstance(value := header.get(key), Array) else value for key in sorted(keys)} | {
        "general.parameter_count": sum(math.prod(tensor.shape) for tensor in header.tensors)
    }


def _is_projector(header: Header) -> bool:
    """server/create.go ggufLayers: by general.type, else by an encoder of a `clip` file."""
    if header.get("general.type") in ("mmproj", "projector"):
        return True
    encoders = ("clip.has_vision_encoder", "clip.has_audio_encoder")
    return header.get("general.architecture") == "clip" and any(header.get(key) for key in encoders)


def human(count: int) -> str:
    """format/format.go HumanNumber."""
    for unit, size, digits in (("B", 10**9, 1), ("M", 10**6, 2)):
        if count >= size:
            return f"{count // size}{unit}" if count % size == 0 else f"{count / size:.{digits}f}{unit}"
    return f"{count / 1000:.0f}K" if count >= 1000 else str(count)
