"""The facts of a Hugging Face folder, under GGUF's names."""

import re
from pathlib import Path
from typing import Any

import msgspec

from runtimeprobe.diagnose.causes import rendering
from runtimeprobe.diagnose.causes.gguf_facts import differing, levels, templated
from runtimeprobe.diagnose.causes.interface import CONTROL, MAX_LAYERS, USER_DEFINED, FileFacts, ProjectorFacts, SpecialToken, TensorFact
from runtimeprobe.gguf import metadata, summary
from runtimeprobe.gguf.account import LAYERS, bytes_by_type, component_of, quantization_of
from runtimeprobe.gguf.cursor import Cursor
from runtimeprobe.gguf.errors import BadFile
from runtimeprobe.gguf.expected import expected, model_of
from runtimeprobe.gguf.folder import ModelFolder
from runtimeprobe.gguf.header import Tensor
from runtimeprobe.gguf.values import Values

MAX_TOKENIZER_BYTES = 64 << 20  # Gemma 4's tokenizer.json has 32 MB
# Hugging Face's name of a tensor of the text model -> GGUF's (conversion/tensor_mapping of llama.cpp), for those that checks ask for.
_IN_LAYER = re.compile(r"(?:.*\.)?language_model\.(?:model\.)?layers\.(\d{1,5})\.(.+?)(?:\.weight)?")
_NAMES = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm", "layer_scalar": "layer_output_scale",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
}  # fmt: skip


def of_folder(folder: ModelFolder, template: str | None, projector: ProjectorFacts | None) -> FileFacts:
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
        bits_per_weight=_bits_per_weight(folder),
        levels=levels(Values(folder), (tensor for tensor in folder.tensors if ".layers." in tensor.name)),
        layer_scales=_scales(folder),
        metadata_checks=differing(seen.checks),
        **templated(template if template is not None else _template(folder.path)),
        projector=projector,
    )


def _bits_per_weight(folder: ModelFolder) -> float | None:
    bits = folder.section("quantization").get("bits")
    if isinstance(bits, int):
        return float(bits)
    layers = [tensor for tensor in folder.tensors if ".layers." in tensor.name and component_of(tensor.name) == LAYERS]
    elements = sum(tensor.elements for tensor in layers)
    return 8 * sum(tensor.nbytes or 0 for tensor in layers) / elements if elements else None


def _scales(folder: ModelFolder) -> dict[int, float]:
    values, found = Values(folder), dict[int, float]()
    for tensor in folder.tensors:
        if (layer := _IN_LAYER.fullmatch(tensor.name)) and layer[2] == "layer_scalar" and len(found) < MAX_LAYERS:
            scale = values.floats(tensor.name)
            if scale and len(scale) == 1:
                found[int(layer[1])] = scale[0]
    return found


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


def _template(path: Path) -> str | None:
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
