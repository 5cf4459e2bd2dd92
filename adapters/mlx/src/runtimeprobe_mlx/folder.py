"""Reads a model folder without any engine: configuration, claim, quantization, size and digest. Everything in it may be hostile."""

import collections
import hashlib
import json
import math
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtimeprobe.contract import Claim, LoadFailed, ModelMissing

MAX_JSON_BYTES = 16 * 1024 * 1024
MAX_HEADER_BYTES = 100_000_000  # the format's own limit (https://github.com/huggingface/safetensors#format)
CONFIGS = ("config.json", "tokenizer_config.json", "processor_config.json", "preprocessor_config.json")
AUDIO = re.compile(r"audio_tower|embed_audio")
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Facts:
    quantization: str = ""
    audio_quantization: str = ""
    digest: str = ""
    size_bytes: int = 0
    claim: Claim = Claim.UNDECLARED


def read_json(path: Path) -> dict[str, Any]:
    """Raises ValueError or OSError; a JSON value that is no object is {}."""
    with path.open("rb") as file:
        data = file.read(MAX_JSON_BYTES + 1)
    if len(data) > MAX_JSON_BYTES:
        raise ValueError(f"{path.name} is larger than {MAX_JSON_BYTES} bytes")
    try:
        value = json.loads(data)
    except RecursionError as error:
        raise ValueError(f"{path.name} is nested too deeply") from error
    return value if isinstance(value, dict) else {}


def weight_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.safetensors") if path.is_file())


def header(path: Path) -> dict[str, Any]:
    """The tensors' table of a safetensors file: name to dtype, shape and offsets. Raises ValueError or OSError."""
    with path.open("rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 2 <= length <= MAX_HEADER_BYTES:
            raise ValueError(f"{path.name} is no safetensors file: its header claims {length} bytes")
        data = file.read(length)
    if len(data) != length:
        raise ValueError(f"{path.name} is cut off: its header claims {length} bytes, {len(data)} are there")
    try:
        table = json.loads(data)
    except RecursionError as error:
        raise ValueError(f"{path.name} is nested too deeply") from error
    if not isinstance(table, dict):
        raise ValueError(f"{path.name} has a header that is no JSON object")  # noqa: TRY004 (bad data, not a wrong call)
    return table


def dtypes(table: dict[str, Any]) -> tuple[collections.Counter[str], collections.Counter[str]]:
    """Elements per dtype, of everything but sound and of the sound tower."""
    text: collections.Counter[str] = collections.Counter()
    sound: collections.Counter[str] = collections.Counter()
    for name, tensor in table.items():
        if not isinstance(tensor, dict) or not isinstance(tensor.get("shape"), list):
            continue
        sizes = [size for size in tensor["shape"] if isinstance(size, int) and size >= 0]
        (sound if AUDIO.search(name) else text)[str(tensor.get("dtype", ""))[:16]] += math.prod(sizes)
    return text, sound


def most(counts: collections.Counter[str]) -> str:
    return counts.most_common(1)[0][0] if counts else ""


def declared_quantization(config: dict[str, Any]) -> str:
    """What config.json says: mlx's own `quantization`, or another tool's `quantization_config`. "" if nothing."""
    for key in ("quantization", "quantization_config"):
        value = config.get(key)
        if not isinstance(value, dict):
            continue
        mode, bits, group = value.get("mode") or value.get("quant_method") or "affine", value.get("bits"), value.get("group_size")
        parts = [str(mode)[:32], f"{bits}-bit" if bits else "", f"group {group}" if group else ""]
        return " ".join(part for part in parts if part)
    return ""


def digest_of(files: list[Path]) -> str:
    """sha256 of the one file, or of the sorted lines `sha256  name` of several."""
    sums = [(file_digest(path), path.name) for path in files]
    if len(sums) == 1:
        return f"sha256:{sums[0][0]}"
    lines = "".join(f"{value}  {name}\n" for value, name in sums)
    return f"sha256:{hashlib.sha256(lines.encode()).hexdigest()}" if sums else ""


def file_digest(path: Path) -> str:
    """The Hugging Face cache names a blob by its sha256, which saves reading gigabytes."""
    target = path.resolve()
    if target.parent.name == "blobs" and SHA256.fullmatch(target.name):
        return target.name
    with target.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def facts(folder: Path) -> Facts:
    """What can be known of the folder; a part that cannot be read is left out, since loading will say why."""
    files = weight_files(folder)
    try:
        config = read_json(folder / "config.json")
        claim = Claim.YES if isinstance(config.get("audio_config"), dict) else Claim.NO
    except (OSError, ValueError):
        config, claim = {}, Claim.UNDECLARED
    text: collections.Counter[str] = collections.Counter()
    sound: collections.Counter[str] = collections.Counter()
    size, digest = 0, ""
    try:
        for path in files:
            more_text, more_sound = dtypes(header(path))
            text, sound = text + more_text, sound + more_sound
        size, digest = sum(path.stat().st_size for path in files), digest_of(files)
    except (OSError, ValueError):
        pass
    return Facts(declared_quantization(config) or most(text), most(sound), digest, size, claim)


def check(folder: Path) -> dict[str, Any]:
    """The configuration of a folder that is fit to be loaded. Raises ModelMissing or LoadFailed with what is wrong with it."""
    if not (folder / "config.json").is_file():
        raise ModelMissing(f"no model folder in Hugging Face's layout at {folder}: it has no config.json", fix="pass --model-path FOLDER")
    files = weight_files(folder)
    if not files:
        raise ModelMissing(f"no safetensors in {folder}", fix="MLX reads safetensors, no GGUF: download the model in that format")
    try:
        for path in files:
            header(path)
        found = {name: read_json(folder / name) for name in CONFIGS if (folder / name).is_file()}
    except (OSError, ValueError) as error:
        raise LoadFailed(f"{folder} cannot be read: {error}", fix="download the model again") from error
    # mlx-vlm's processors load tokenizers with trust_remote_code, and both engines know `model_file`: code in the folder would run.
    own = sorted(name for name, value in found.items() if "auto_map" in value or "model_file" in value)
    if own:
        raise LoadFailed(
            f"{folder} asks to run Python code of its own ({', '.join(own)}): not loaded",
            fix="remove auto_map and model_file, if you trust it",
        )
    return found["config.json"]
