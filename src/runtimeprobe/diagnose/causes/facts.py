"""Reads what the checks need from a model file, once and boundedly. The only module of this folder that touches the file."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from runtimeprobe.diagnose.causes import rendering
from runtimeprobe.diagnose.causes.interface import (
    CONTROL,
    MAX_LAYERS,
    NORMAL,
    USER_DEFINED,
    FileFacts,
    ProjectorFacts,
    Renders,
    SpecialToken,
    TensorFact,
)
from runtimeprobe.gguf import metadata, summary
from runtimeprobe.gguf.account import LAYERS, bytes_by_type, component_of, quantization_of
from runtimeprobe.gguf.cursor import Cursor
from runtimeprobe.gguf.errors import BadFile
from runtimeprobe.gguf.expected import Check, expected, model_of
from runtimeprobe.gguf.folder import ModelFolder, read_folder
from runtimeprobe.gguf.header import Array, Header, Tensor
from runtimeprobe.gguf.splits import read_model
from runtimeprobe.gguf.values import Values

WALKED_WORDS = 50_000  # a vocabulary up to this size is held against its merges word by word; the published one by its count
SAMPLE_BYTES = 16_384  # of a global layer's value matrix, to see what it is made of
MAX_TOKENIZER_BYTES = 64 << 20  # Gemma 4's tokenizer.json has 32 MB
SAMPLED_MATRICES, LEAST_BLOCKS = 8, 64
LAYER = re.compile(r"blk\.(\d+)\.")
MARK = re.compile(r"<.+>")  # bytes (<0x0A>) and special tokens, whatever their type: no merge makes them

# Hugging Face's name of a tensor of the text model -> GGUF's (conversion/tensor_mapping of llama.cpp), for those that checks ask for.
_IN_LAYER = re.compile(r"(?:.*\.)?language_model\.(?:model\.)?layers\.(\d+)\.(.+?)(?:\.weight)?")
_NAMES = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm", "layer_scalar": "layer_output_scale",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
}  # fmt: skip


def file_facts(path: Path, projector: Path | None = None, *, template: str | None = None) -> FileFacts:
    """Of a GGUF file (any part of a split one) or a Hugging Face folder. `template` stands in for the file's own. Raises BadFile."""
    beside = _projector(projector) if projector else None
    if path.is_dir():
        return _of_folder(read_folder(path), template, beside)
    return _of_gguf(read_model(path), template, beside)


def _of_gguf(header: Header, template: str | None, projector: ProjectorFacts | None) -> FileFacts:
    said = metadata.of_header(header)
    own = said.get("tokenizer.chat_template")
    words = header.get("tokenizer.ggml.tokens")
    count = words.count if isinstance(words, Array) else 0
    merges = header.get("tokenizer.ggml.merges")
    values = Values(header)
    shapes = {tensor.name: TensorFact(tensor.shape, tensor.type_name) for tensor in header.tensors}
    seen = summary.of_text(header, {})
    return FileFacts(
        format="gguf",
        name=header.path.name,
        architecture=str(said.get("general.architecture", "")),
        model=seen.model,
        metadata=said,
        vocabulary=count,
        published_vocabulary=count == expected().vocabulary_size,
        merges=merges.count if isinstance(merges, Array) else None,
        unmade=_unmade(header),
        special=_special(header),
        named=_named(header, said),
        tensors=shapes,
        missing_bytes=header.missing_bytes,
        bits_per_weight=_bits_per_weight(header.tensors),
        levels=_levels(values, header.tensors),
        bytes_by_type=bytes_by_type(header.tensors),
        quantization=quantization_of(header),
        rope_freqs=values.floats("rope_freqs.weight"),
        layer_scales=_scales(values, shapes),
        values=_made_of(values, shapes),
        metadata_checks=_differing(check for check in seen.checks if not check.key.startswith("tokenizer.")),
        **_templated(template if template is not None else own if isinstance(own, str) else None),
        projector=projector,
    )


def _of_folder(folder: ModelFolder, template: str | None, projector: ProjectorFacts | None) -> FileFacts:
    said = metadata.of_folder(folder)
    tokens, merges, tokenizer = _tokenizer(folder.path / "tokenizer.json")
    config = folder.section("text_config")
    said["tokenizer.ggml.model"] = tokenizer
    shapes = {name: fact for tensor in folder.tensors if (name := _gguf_name(tensor.name)) for fact in [_as_gguf(tensor)]}
    seen = summary.of_folder(folder, None)
    vocabulary = config.get("vocab_size")
    vocabulary = vocabulary if isinstance(vocabulary, int) else 0
    places = {number: text for text, (number, _) in tokens.items()}
    named = {key: places[number] for key in ("bos", "eos") for number in [_first(config.get(f"{key}_token_id"))] if number in places}
    wanted = expected().special_tokens
    return FileFacts(
        format="folder",
        name=folder.path.name,
        architecture=str(folder.config.get("model_type", "")),
        model=model_of(said.get("gemma4.block_count")),
        metadata={key: value for key, value in said.items() if value != ""},
        vocabulary=vocabulary,
        published_vocabulary=vocabulary == expected().vocabulary_size,
        merges=merges,
        special={text: SpecialToken(*tokens[text]) for text in wanted if text in tokens} if tokens else None,
        named=named,
        tensors=shapes,
        missing_bytes=sum(shard.missing_bytes for shard in folder.shards),
        bytes_by_type=bytes_by_type(folder.tensors),
        quantization=quantization_of(folder),
        bits_per_weight=_folder_bits(folder),
        levels=_levels(Values(folder), (tensor for tensor in folder.tensors if ".layers." in tensor.name)),
        layer_scales=_folder_scales(folder),
        metadata_checks=_differing(seen.checks),
        **_templated(template if template is not None else _folder_template(folder.path)),
        projector=projector,
    )


def _differing(checks: Iterable[Check]) -> tuple[tuple[str, str, str], ...]:
    return tuple((check.key, check.seen, check.expected) for check in checks if check.status != "ok")


def _templated(template: str | None) -> dict[str, Any]:
    if template is None:
        return {}
    family, published = summary.template_marks(template)
    rendered: Renders = rendering.render(template)
    return {"template": template, "template_family": family, "template_published": published, "renders": rendered}


def _special(header: Header) -> dict[str, SpecialToken] | None:
    types = header.get("tokenizer.ggml.token_type")
    places = {text: number for text, (number, _) in summary.special_tokens(header).items() if number is not None}
    if not places:
        return {} if isinstance(header.get("tokenizer.ggml.tokens"), Array) else None
    kinds = types.at(places.values()) if isinstance(types, Array) else {}
    return {text: SpecialToken(number, kinds.get(number)) for text, number in places.items()}


def _named(header: Header, said: Mapping[str, Any]) -> dict[str, str]:
    words = header.get("tokenizer.ggml.tokens")
    numbers = {name: said.get(f"tokenizer.ggml.{name}_token_id") for name in ("bos", "eos", "eot", "eom")}
    here = {name: number for name, number in numbers.items() if isinstance(number, int)}
    texts = words.at(here.values()) if isinstance(words, Array) else {}
    return {name: texts[number] for name, number in here.items() if number in texts}


def _unmade(header: Header) -> tuple[str, ...] | None:
    """Ordinary words of two characters and more that no merge makes: byte-pair encoding can never produce them."""
    words, types, merges = (header.get(f"tokenizer.ggml.{name}") for name in ("tokens", "token_type", "merges"))
    if not (isinstance(words, Array) and isinstance(types, Array) and isinstance(merges, Array)):
        return None
    if max(words.count, types.count) > WALKED_WORDS or merges.count > 4 * WALKED_WORDS:
        return None
    made = {text[:cut] + text[cut + 1 :] for text in merges.values() if (cut := text.find(" ", 1)) > 0}
    ordinary = (text for text, kind in zip(words.values(), types.values(), strict=False) if kind == NORMAL and len(text) > 1)
    return tuple(text for text in ordinary if text not in made and not MARK.fullmatch(text))


def _bits_per_weight(tensors: Iterable[Tensor]) -> float | None:
    """Of the matrices inside the layers: the embedding is often kept at more bits, and would hide what the rest is at."""
    matrices = [tensor for tensor in tensors if LAYER.match(tensor.name) and len(tensor.shape) > 1 and tensor.nbytes is not None]
    elements = sum(tensor.elements for tensor in matrices)
    return 8 * sum(tensor.nbytes or 0 for tensor in matrices) / elements if elements else None


def _levels(values: Values, tensors: Iterable[Tensor]) -> int | None:
    """How many different weights stand in 32 neighbours, in the median of blocks from the first matrices of 16 bits; None without one."""
    inside = (tensor for tensor in tensors if LAYER.match(tensor.name) or component_of(tensor.name) == LAYERS)
    matrices = [tensor.name for tensor in inside if len(tensor.shape) > 1 and tensor.type_name in {"F16", "BF16"}]
    blocks = []
    for name in matrices[:SAMPLED_MATRICES]:
        data = values.start(name, SAMPLE_BYTES) or b""
        blocks += [len({data[at : at + 2] for at in range(start, start + 64, 2)}) for start in range(0, len(data) - 63, 64)]
    blocks = [levels for levels in blocks if levels > 1]  # a block of zeros says nothing
    return sorted(blocks)[len(blocks) // 2] if len(blocks) >= LEAST_BLOCKS else None


def _folder_bits(folder: ModelFolder) -> float | None:
    bits = folder.section("quantization").get("bits")
    if isinstance(bits, int):
        return float(bits)
    layers = [tensor for tensor in folder.tensors if ".layers." in tensor.name and component_of(tensor.name) == LAYERS]
    elements = sum(tensor.elements for tensor in layers)
    return 8 * sum(tensor.nbytes or 0 for tensor in layers) / elements if elements else None


def _scales(values: Values, shapes: Mapping[str, TensorFact]) -> dict[int, float]:
    found: dict[int, float] = {}
    for name in shapes:
        if name.endswith(".layer_output_scale.weight") and (layer := LAYER.match(name)) and len(found) < MAX_LAYERS:
            scale = values.floats(name)
            if scale and len(scale) == 1:
                found[int(layer[1])] = scale[0]
    return found


def _folder_scales(folder: ModelFolder) -> dict[int, float]:
    values, found = Values(folder), dict[int, float]()
    for tensor in folder.tensors:
        if (layer := _IN_LAYER.fullmatch(tensor.name)) and layer[2] == "layer_scalar" and len(found) < MAX_LAYERS:
            scale = values.floats(tensor.name)
            if scale and len(scale) == 1:
                found[int(layer[1])] = scale[0]
    return found


def _made_of(values: Values, shapes: Mapping[str, TensorFact]) -> dict[int, str]:
    found: dict[int, str] = {}
    for name in shapes:
        layer = LAYER.match(name)
        if layer is None or not name.endswith(".attn_v.weight") or len(found) >= MAX_LAYERS:
            continue
        key = f"blk.{layer[1]}.attn_k.weight"
        own = values.start(name, SAMPLE_BYTES)
        if own is not None:
            copied = shapes[name] == shapes.get(key) and own == values.start(key, SAMPLE_BYTES)
            found[int(layer[1])] = "zero" if not any(own) else "key" if copied else "own"
    return found


def _projector(path: Path) -> ProjectorFacts:
    header = read_model(path)
    seen = summary.of_projector(header)
    dims = tuple(dim for kind in ("audio", "vision") if isinstance(dim := header.get(f"clip.{kind}.projection_dim"), int))
    if header.get("general.architecture") != "clip":
        raise BadFile(path, "is no projector: its architecture is not 'clip'", fix="give the model's mmproj file")
    return ProjectorFacts(path.name, dims, bool(seen.audio_encoder), seen.audio_tensors, seen.audio_projector, seen.problems)


class _Added(msgspec.Struct):
    id: int
    content: str
    special: bool = False


class _Model(msgspec.Struct):
    type: str = ""
    merges: list[msgspec.Raw] = []


class _TokenizerFile(msgspec.Struct):
    added_tokens: list[_Added] = []
    model: _Model = msgspec.field(default_factory=_Model)


def _tokenizer(path: Path) -> tuple[dict[str, tuple[int, int]], int | None, str]:
    """Added tokens with the type llama.cpp's converter would give them, the number of merges, and the tokenizer's kind as GGUF calls it."""
    try:
        with Cursor(path) as cursor:
            if cursor.size > MAX_TOKENIZER_BYTES:
                return {}, None, ""
            text = cursor.take(cursor.size, "the file")
        read = msgspec.json.decode(text, type=_TokenizerFile)
    except (BadFile, msgspec.DecodeError, msgspec.ValidationError, RecursionError, UnicodeDecodeError):
        return {}, None, ""
    tokens = {token.content: (token.id, CONTROL if token.special else USER_DEFINED) for token in read.added_tokens}
    return tokens, len(read.model.merges), "gemma4" if read.model.type == "BPE" else read.model.type.lower()


def _folder_template(path: Path) -> str | None:
    """A file of its own, or a key of tokenizer_config.json as older folders have it."""
    if (text := summary.template_file(path)) is not None:
        return text
    try:
        with Cursor(path / "tokenizer_config.json") as cursor:
            if cursor.size > rendering.MAX_TEMPLATE:
                return None
            found = msgspec.json.decode(cursor.take(cursor.size, "the file"))
    except (BadFile, msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    template = found.get("chat_template") if isinstance(found, dict) else None
    return template if isinstance(template, str) else None


def _gguf_name(name: str) -> str:
    match = _IN_LAYER.fullmatch(name)
    return f"blk.{match[1]}.{_NAMES[match[2]]}.weight" if match and match[2] in _NAMES else ""


def _as_gguf(tensor: Tensor) -> TensorFact:
    return TensorFact(tensor.shape[::-1], tensor.type_name)


def _first(value: Any) -> Any:
    value = value[0] if isinstance(value, list) and value else value
    return value if isinstance(value, int) else None
