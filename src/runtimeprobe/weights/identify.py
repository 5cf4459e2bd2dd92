"""What one file or folder is, by its metadata: a text model, a projector, a Hugging Face model, or a reason why it is no use."""

from dataclasses import dataclass
from pathlib import Path

from runtimeprobe.gguf.account import quantization_of
from runtimeprobe.gguf.errors import BadFile
from runtimeprobe.gguf.expected import PREFIX, expected, model_of
from runtimeprobe.gguf.folder import read_config, read_folder
from runtimeprobe.gguf.header import Header, read_header, scan_keys
from runtimeprobe.weights.fit import cache_bytes

ARCHITECTURE = "general.architecture"
TWIN = "twin-"
SERVED_FILES = ("tokenizer.json", "config.json")


@dataclass(frozen=True, slots=True)
class Text:
    """A text GGUF. `needs_bytes`: key-value cache and buffers beside the file itself."""

    path: Path
    model: str
    quantization: str
    embedding_length: int
    size: int
    needs_bytes: int
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Projector:
    path: Path
    quantization: str
    projection_dim: int
    size: int
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Folder:
    """A model in Hugging Face's layout."""

    path: Path
    model: str
    quantization: str
    size: int
    owner: str = ""


class Unusable(Exception):
    """A Gemma 4 file that cannot be probed; the message says why."""


def gguf(path: Path, owner: str = "") -> Text | Projector | None:
    """None: some other model, no concern of ours. Raises Unusable or BadFile."""
    architecture = scan_keys(path, {ARCHITECTURE}).get(ARCHITECTURE)
    if architecture not in {"gemma4", "clip"}:
        return None
    header = read_header(path)
    found = _projector(header, owner) if architecture == "clip" else _text(header, owner)
    if found is not None and header.missing_bytes:
        raise Unusable(f"cut off: {header.missing_bytes} of its bytes are missing; download it again")
    return found


def _text(header: Header, owner: str) -> Text:
    layers = header.get(PREFIX + "block_count")
    model = model_of(layers)
    name = header.get("general.name")
    if isinstance(name, str) and name.startswith(TWIN):
        raise Unusable("is one of our twins, not a published checkpoint")
    if not model:
        raise Unusable(f"is a gemma4 model of {layers} layers, which no published checkpoint that hears through a projector has")
    shards = header.get("split.count", 0)
    if isinstance(shards, int) and shards > 1:
        raise Unusable(f"is one of {shards} parts; join them with llama-gguf-split --merge")
    if header.get(PREFIX + "audio.block_count") or any(tensor.name.startswith("a.") for tensor in header.tensors):
        raise Unusable("holds text and audio in one file, as Ollama converts it: only Ollama reads its audio")
    length = header.get(PREFIX + "embedding_length")
    if length != expected().sizes[model]["embedding_length"]:
        raise Unusable(f"has the layers of {model} and an embedding length of {length}")
    return Text(header.path, model, quantization_of(header), length, header.size, cache_bytes(header), owner)


def _projector(header: Header, owner: str) -> Projector | None:
    audio, vision = header.get("clip.audio.projector_type"), header.get("clip.vision.projector_type", header.get("clip.projector_type"))
    if not any(isinstance(kind, str) and kind.startswith("gemma4") for kind in (audio, vision)):
        # A projector of another family is a finding only where a Gemma 4 model lies beside it: the caller decides.
        raise Unusable(f"projector of another family ({audio or vision or 'unnamed'})")
    if header.get("clip.has_audio_encoder") is not True:
        raise Unusable("projector has no audio encoder")
    if audio != "gemma4a":
        raise Unusable(f"projector's audio part is of type {audio!r}, not gemma4a")
    if not any(tensor.name.startswith("a.") for tensor in header.tensors):
        raise Unusable("projector claims an audio encoder and has no audio tensor")
    width = header.get("clip.audio.projection_dim")
    if not isinstance(width, int):
        raise Unusable("projector does not say which embedding length it projects to")
    return Projector(header.path, quantization_of(header), width, header.size, owner)


def folder(path: Path, owner: str = "") -> Folder | None:
    """None: some other model. Raises Unusable or BadFile."""
    config = read_config(path)
    if config.get("model_type") != "gemma4":
        return None
    text = config.get("text_config")
    model = model_of(text.get("num_hidden_layers")) if isinstance(text, dict) else ""
    if not model:
        raise Unusable("is a gemma4 model of a size that no published checkpoint has")
    if not isinstance(config.get("audio_config"), dict):
        raise Unusable(f"is {model} without an audio tower (no audio_config in config.json)")
    try:
        found = read_folder(path)
    except BadFile as error:
        raise Unusable(error.detail) from error
    if missing := sum(shard.missing_bytes for shard in found.shards):
        raise Unusable(f"cut off: {missing} bytes of its weights are missing; download it again")
    if not any("audio_tower." in tensor.name for tensor in found.tensors):
        raise Unusable("config.json names an audio tower and the weights have none: a text-only conversion")
    if absent := [name for name in SERVED_FILES if name not in found.names]:
        raise Unusable(f"has no {' and no '.join(absent)}; finish the download")
    return Folder(path, model, quantization_of(found), found.size, owner)
