"""The facts of a GGUF file."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from runtimeprobe.diagnose.causes import rendering
from runtimeprobe.diagnose.causes.interface import MAX_LAYERS, NORMAL, FileFacts, ProjectorFacts, SpecialToken, TensorFact
from runtimeprobe.gguf import metadata, summary
from runtimeprobe.gguf.account import LAYERS, bytes_by_type, component_of, quantization_of
from runtimeprobe.gguf.expected import Check, expected
from runtimeprobe.gguf.header import Array, Header, Tensor
from runtimeprobe.gguf.values import Values

WALKED_WORDS = 50_000  # a vocabulary up to this size is held against its merges word by word; the published one by its count
SAMPLE_BYTES = 16_384  # of a global layer's value matrix, to see what it is made of
SAMPLED_MATRICES, LEAST_BLOCKS = 8, 64
LAYER = re.compile(r"blk\.(\d{1,5})\.")
MARK = re.compile(r"<.+>")  # bytes (<0x0A>) and special tokens, whatever their type: no merge makes them


def of_gguf(header: Header, template: str | None, projector: ProjectorFacts | None) -> FileFacts:
    said = metadata.of_header(header)
    own = said.get("tokenizer.chat_template")
    words, merges = header.strings("tokenizer.ggml.tokens"), header.strings("tokenizer.ggml.merges")
    count = words.count if words else 0
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
        merges=merges.count if merges else None,
        unmade=_unmade(header),
        special=_special(header),
        named=_named(header, said),
        tensors=shapes,
        missing_bytes=header.missing_bytes,
        bits_per_weight=_bits_per_weight(header.tensors),
        levels=levels(values, header.tensors),
        bytes_by_type=bytes_by_type(header.tensors),
        quantization=quantization_of(header),
        rope_freqs=values.floats("rope_freqs.weight"),
        layer_scales=_scales(values, shapes),
        values=_made_of(values, shapes),
        metadata_checks=differing(check for check in seen.checks if not check.key.startswith("tokenizer.")),
        **templated(template if template is not None else own if isinstance(own, str) else None),
        projector=projector,
    )


def templated(template: str | None) -> dict[str, Any]:
    if template is None:
        return {}
    family, published = summary.template_marks(template)
    return {"template": template, "template_family": family, "template_published": published, "renders": rendering.render(template)}


def differing(checks: Iterable[Check]) -> tuple[tuple[str, str, str], ...]:
    return tuple((check.key, check.seen, check.expected) for check in checks if check.status != "ok")


def _special(header: Header) -> dict[str, SpecialToken] | None:
    types = header.get("tokenizer.ggml.token_type")
    places = {text: number for text, (number, _) in summary.special_tokens(header).items() if number is not None}
    if not places:
        return {} if header.strings("tokenizer.ggml.tokens") else None
    kinds = types.at(places.values()) if isinstance(types, Array) else {}
    return {text: SpecialToken(number, kinds.get(number)) for text, number in places.items()}


def _named(header: Header, said: Mapping[str, Any]) -> dict[str, str]:
    words = header.strings("tokenizer.ggml.tokens")
    numbers = {name: said.get(f"tokenizer.ggml.{name}_token_id") for name in ("bos", "eos", "eot", "eom")}
    here = {name: number for name, number in numbers.items() if isinstance(number, int)}
    texts = words.at(here.values()) if words else {}
    return {name: texts[number] for name, number in here.items() if number in texts}


def _unmade(header: Header) -> tuple[str, ...] | None:
    """Ordinary words of two characters and more that no merge makes: byte-pair encoding can never produce them."""
    words, merges = header.strings("tokenizer.ggml.tokens"), header.strings("tokenizer.ggml.merges")
    types = header.get("tokenizer.ggml.token_type")
    if words is None or merges is None or not isinstance(types, Array):
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


def levels(values: Values, tensors: Iterable[Tensor]) -> int | None:
    """How many different weights stand in 32 neighbours, in the median of blocks from the first matrices of 16 bits; None without one."""
    inside = (tensor for tensor in tensors if LAYER.match(tensor.name) or component_of(tensor.name) == LAYERS)
    matrices = [tensor.name for tensor in inside if len(tensor.shape) > 1 and tensor.type_name in {"F16", "BF16"}]
    blocks = []
    for name in matrices[:SAMPLED_MATRICES]:
        data = values.start(name, SAMPLE_BYTES) or b""
        blocks += [len({data[at : at + 2] for at in range(start, start + 64, 2)}) for start in range(0, len(data) - 63, 64)]
    blocks = [levels for levels in blocks if levels > 1]  # a block of zeros says nothing
    return sorted(blocks)[len(blocks) // 2] if len(blocks) >= LEAST_BLOCKS else None


def _scales(values: Values, shapes: Mapping[str, TensorFact]) -> dict[int, float]:
    found: dict[int, float] = {}
    for name in shapes:
        if name.endswith(".layer_output_scale.weight") and (layer := LAYER.match(name)) and len(found) < MAX_LAYERS:
            scale = values.floats(name)
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
