"""What a model file says of itself, against what a file of its size should say: `runtimeprobe inspect`.

`summarise` reads, the rest is pure. Metadata only: no tensor is read.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from runtimeprobe.gguf import metadata
from runtimeprobe.gguf.account import Term, bytes_by_type, group_size, quantization_of, terms
from runtimeprobe.gguf.errors import BadFile
from runtimeprobe.gguf.expected import PREFIX, Check, check, expected, model_of
from runtimeprobe.gguf.folder import ModelFolder, read_folder
from runtimeprobe.gguf.header import Array, Header, Tensor
from runtimeprobe.gguf.memory import DEFAULT_CONTEXT, Cache, cache
from runtimeprobe.gguf.safetensors import SafetensorsHeader, read_safetensors
from runtimeprobe.gguf.splits import read_model

__all__ = ["BadFile", "Check", "Summary", "summarise"]

PUBLISHED = re.compile(r"Published: (\d{4}-\d{2}-\d{2})")  # in the header comment of the official templates


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """format: gguf, safetensors, folder. kind: text, projector, model (text and towers), weights. Sizes in bytes."""

    path: str
    format: str
    kind: str
    architecture: str = ""
    name: str = ""
    size_label: str = ""
    model: str = ""  # the published model it is a copy of, by its number of layers
    quantization: str = ""
    parameters: int = 0
    effective_parameters: int | None = None  # None: no text model is in it
    terms: tuple[Term, ...] = ()  # the sum that `parameters` is
    parts: int = 1  # files that the model is cut into
    tensors: int = 0
    file_bytes: int = 0
    missing_bytes: int = 0  # tensor data the table promises and the file does not have
    bytes_by_type: dict[str, int] = {}
    caches: tuple[Cache, ...] = ()
    context_length: int | None = None
    block_count: int | None = None
    embedding_length: int | None = None
    special_tokens: dict[str, int | None] = {}
    template: bool | None = None  # None: such a file never has one
    template_family: str = ""
    template_published: str = ""
    audio_encoder: bool | None = None  # what it claims; None: it does not say
    audio_tensors: int = 0
    audio_projector: str = ""
    vision_projector: str = ""
    projection_dim: int | None = None
    checks: tuple[Check, ...] = ()
    problems: tuple[str, ...] = ()


def summarise(path: Path, context: int | None = None) -> Summary:
    """`context`: the tokens to count the cache for; by default 4096 and the model's own. Raises BadFile where nothing can be said."""
    if path.is_dir():
        return of_folder(read_folder(path), template_file(path), context)
    if path.suffix == ".safetensors":
        return of_safetensors(read_safetensors(path))
    header = read_model(path)
    return of_projector(header) if header.get("general.architecture") == "clip" else of_text(header, special_tokens(header), context)


def of_text(header: Header, tokens: Mapping[str, tuple[int | None, str]], context: int | None = None) -> Summary:
    """`tokens`: special token -> its number in this file (None: absent), and what stands where it should be."""
    architecture = _text(header, "general.architecture")
    rules = expected()
    gemma = architecture == "gemma4"
    layers = _number(header, PREFIX + "block_count") if gemma else None
    model = model_of(layers)
    rows = {PREFIX + key: value for key, value in ({**rules.common, **rules.sizes.get(model, {})} if gemma else {}).items()}
    rows |= rules.tokenizer if gemma else {}
    rows |= rules.vocabulary if model else {}
    checks = [check(key, _seen(header, key, wanted), wanted) for key, wanted in rows.items()]
    checks += [
        _token_check(token, *tokens[token], wanted if model else None) for token, wanted in rules.special_tokens.items() if token in tokens
    ]
    template = header.get("tokenizer.chat_template")
    family, published = template_marks(template) if isinstance(template, str) else ("", "")
    audio = _number(header, PREFIX + "audio.block_count")
    towers = _count(header.tensors, "a.")
    own = _number(header, f"{architecture}.context_length")
    return Summary(
        **_of_any_gguf(header),
        kind="model" if audio or towers else "text",
        caches=_caches(metadata.of_header(header), own, context) if gemma else (),
        model=model,
        context_length=own,
        block_count=_number(header, f"{architecture}.block_count"),
        embedding_length=_number(header, f"{architecture}.embedding_length"),
        special_tokens={token: number for token, (number, _) in tokens.items()},
        template=isinstance(template, str),
        template_family=family,
        template_published=published,
        audio_encoder=True if audio else None,
        audio_tensors=towers,
        checks=tuple(checks),
        problems=tuple(_problems(header.missing_bytes, header.tensors)),
    )


def of_projector(header: Header) -> Summary:
    """A projector, `mmproj-*.gguf`."""
    claimed = header.get("clip.has_audio_encoder")
    towers = _count(header.tensors, "a.")
    problems = _problems(header.missing_bytes, header.tensors)
    if claimed is True and not towers:
        problems.append("claims an audio encoder and has no audio tensor")
    kind = _text(header, "clip.audio.projector_type")
    gemma = kind.startswith("gemma4") or _text(header, "clip.vision.projector_type").startswith("gemma4")
    return Summary(
        **_of_any_gguf(header),
        kind="projector",
        block_count=_number(header, "clip.audio.block_count"),
        embedding_length=_number(header, "clip.audio.embedding_length"),
        audio_encoder=claimed if isinstance(claimed, bool) else False,
        audio_tensors=towers,
        audio_projector=kind,
        vision_projector=_text(header, "clip.vision.projector_type") or _text(header, "clip.projector_type"),
        projection_dim=_number(header, "clip.audio.projection_dim") or _number(header, "clip.vision.projection_dim"),
        checks=tuple(check(key, _seen(header, key, wanted), wanted) for key, wanted in (expected().projector if gemma else {}).items()),
        problems=tuple(problems),
    )


def of_safetensors(header: SafetensorsHeader) -> Summary:
    """One weights file alone: it does not know its configuration."""
    return Summary(
        path=str(header.path),
        format="safetensors",
        kind="weights",
        **_counted(terms(header.tensors)),
        tensors=len(header.tensors),
        file_bytes=header.size,
        missing_bytes=header.missing_bytes,
        bytes_by_type=bytes_by_type(header.tensors),
        audio_tensors=_audio_count(header.tensors),
        problems=tuple(_problems(header.missing_bytes, header.tensors)),
    )


def of_folder(folder: ModelFolder, template: str | None, context: int | None = None) -> Summary:
    """A Hugging Face folder; `template` is the text of its chat template."""
    rules, config = expected(), folder.section("text_config")
    architecture = str(folder.config.get("model_type", ""))
    gemma = architecture == "gemma4"
    layers = config.get("num_hidden_layers")
    model = model_of(layers) if gemma else ""
    rows = {**rules.common, **rules.sizes.get(model, {})} if gemma else {}
    checks = [check(f"text_config.{name}", config.get(name), rows[key]) for key, name in rules.config.items() if key in rows]
    audio = isinstance(folder.config.get("audio_config"), dict)
    towers = _audio_count(folder.tensors)
    missing = sum(shard.missing_bytes for shard in folder.shards)
    problems = _problems(missing, folder.tensors)
    if audio and not towers:
        problems.append("config.json has an audio_config and the weights have no audio tensor")
    family, published = template_marks(template) if template is not None else ("", "")
    return Summary(
        path=str(folder.path),
        format="folder",
        kind="model",
        architecture=architecture,
        model=model,
        quantization=quantization_of(folder),
        **_counted(terms(folder.tensors, group_size(folder))),
        caches=_caches(metadata.of_folder(folder), _int(config.get("max_position_embeddings")), context) if gemma else (),
        parts=len(folder.shards),
        tensors=len(folder.tensors),
        file_bytes=folder.size,
        missing_bytes=missing,
        bytes_by_type=bytes_by_type(folder.tensors),
        context_length=_int(config.get("max_position_embeddings")),
        block_count=_int(layers),
        embedding_length=_int(config.get("hidden_size")),
        template=template is not None,
        template_family=family,
        template_published=published,
        audio_encoder=audio,
        audio_tensors=towers,
        checks=tuple(checks),
        problems=tuple(problems),
    )


def _of_any_gguf(header: Header) -> dict[str, Any]:
    return {
        "path": str(header.path),
        "format": "gguf",
        "architecture": _text(header, "general.architecture"),
        "name": _text(header, "general.name"),
        "size_label": _text(header, "general.size_label"),
        "quantization": quantization_of(header),
        **_counted(terms(header.tensors)),
        "parts": len(header.parts) or 1,
        "tensors": len(header.tensors),
        "file_bytes": header.size,
        "missing_bytes": header.missing_bytes,
        "bytes_by_type": bytes_by_type(header.tensors),
    }


def _counted(found: tuple[Term, ...]) -> dict[str, Any]:
    counted = [term.parameters for term in found if term.effective]
    return {
        "parameters": sum(term.parameters for term in found),
        "effective_parameters": sum(counted) if counted else None,
        "terms": found,
    }


def _caches(facts: Mapping[str, Any], own: int | None, context: int | None) -> tuple[Cache, ...]:
    wanted = {context} if context else {DEFAULT_CONTEXT, own or DEFAULT_CONTEXT}
    return tuple(found for tokens in sorted(wanted) if (found := cache(facts, tokens)))


def _seen(header: Header, key: str, wanted: Any) -> Any:
    value = header.get(key)
    if not isinstance(value, Array):
        return value
    if isinstance(wanted, dict) and "count" in wanted:
        return value.count
    return f"{value.count} items" if (items := metadata.small(value)) is None else items


def special_tokens(header: Header) -> dict[str, tuple[int | None, str]]:
    """Where each special token stands: at its published number in a vocabulary of that size, anywhere in another."""
    words = header.strings("tokenizer.ggml.tokens")
    if words is None or header.get("general.architecture") != "gemma4":
        return {}
    wanted = expected().special_tokens
    if words.count == expected().vocabulary_size:
        there = words.at(wanted.values())
        return {token: (number if there.get(number) == token else None, str(there.get(number, ""))) for token, number in wanted.items()}
    places = words.places(wanted)
    return {token: (places.get(token), token if token in places else "") for token in wanted}


def _token_check(token: str, number: int | None, there: str, wanted: int | None) -> Check:
    """`wanted` None: a vocabulary of its own, in which the token may stand anywhere."""
    key = f"tokenizer.ggml.tokens[{wanted}]" if wanted is not None else "tokenizer.ggml.tokens"
    if number is not None:
        return Check(key, token, token, "ok")
    return Check(key, there, token, "wrong" if there else "absent")


def template_marks(text: str) -> tuple[str, str]:
    family = next((name for name, mark in expected().templates.items() if mark in text), "unknown")
    published = PUBLISHED.search(text)
    return family, published.group(1) if published else ""


def template_file(path: Path) -> str | None:
    try:
        with (path / "chat_template.jinja").open("rb") as file:
            return file.read(1 << 20).decode("utf-8", "replace")
    except OSError:
        return None


def _problems(missing: int, tensors: Iterable[Tensor]) -> list[str]:
    problems = [f"cut off: {missing} bytes of tensor data are missing"] if missing else []
    strange = sorted({tensor.type_name for tensor in tensors if tensor.nbytes is None})
    return problems + [f"tensor {name} is not known to this version, so sizes are a lower bound" for name in strange]


def _count(tensors: Iterable[Tensor], prefix: str) -> int:
    return sum(tensor.name.startswith(prefix) for tensor in tensors)


def _audio_count(tensors: Iterable[Tensor]) -> int:
    return sum("audio_tower." in tensor.name or "embed_audio." in tensor.name for tensor in tensors)


def _text(header: Header, key: str) -> str:
    value = header.get(key)
    return value if isinstance(value, str) else ""


def _number(header: Header, key: str) -> int | None:
    return _int(header.get(key))


def _int(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
