"""What a server holds: which of it is Gemma 4 with ears, and what Ollama claims of it. Everything it says may be wrong."""

import re
from collections.abc import Mapping
from typing import Any

from runtimeprobe.contract import AbsentModel, Claim, Model
from runtimeprobe_ollama.server import Server
from runtimeprobe_ollama.twins import PREFIX

FAMILY = "gemma4"
# Layers and width of the published checkpoints (https://huggingface.co/google/gemma-4-E2B-it, .../gemma-4-E4B-it, config.json)
SHAPES = {(35, 1536): "gemma-4-e2b", (42, 2560): "gemma-4-e4b"}
WITHOUT_EARS = {(30, 2816): "gemma-4-26b-a4b", (60, 5376): "gemma-4-31b"}  # for `diagnose`
# Tags of https://ollama.com/library/gemma4, such as gemma4:e2b and gemma4:e4b-it-q8_0
LIBRARY = re.compile(r"gemma4:(?P<size>e2b|e4b|26b|31b)(?![a-z0-9])[\w.-]*")
MAX_LISTED = 64  # Gemma 4 models that are looked at


def held(server: Server) -> list[Model | AbsentModel]:
    """Every Gemma 4 that it holds, and how to get one of each kind with ears that it does not."""
    found: list[Model | AbsentModel] = []
    for tag in [tag for tag in server.tags() if _may_be(tag)][:MAX_LISTED]:
        name = str(tag["model"])
        shown = server.show(name)
        model = identify(name, shown)
        if not model:
            continue
        if shown.get("remote_host"):
            found.append(absent(model, f"{name} runs on {str(shown['remote_host'])[:80]}, not on this machine"))
            continue
        found.append(
            Model(
                model,
                "real",
                name,
                quantization=_text(_object(shown, "details").get("quantization_level")),
                digest=_digest(tag.get("digest")),
                size_bytes=int(tag.get("size") or 0),
                claim=claim(shown),
            )
        )
    here = {model.model for model in found}
    return found + [absent(model, f"Ollama holds no {model}") for model in SHAPES.values() if model not in here]


def absent(model: str, reason: str) -> AbsentModel:
    return AbsentModel(model, "real", reason, f"ollama pull gemma4:{model.rpartition('-')[2]}")


def _may_be(tag: Mapping[str, Any]) -> bool:
    name = tag.get("model")
    details = tag.get("details") or {}
    return isinstance(name, str) and not name.startswith(PREFIX) and details.get("family") == FAMILY


def identify(name: str, shown: Mapping[str, Any]) -> str:
    """The published model this is, or "" for another one, or one of another size."""
    info = _object(shown, "model_info")
    if info.get("general.architecture") != FAMILY:
        return ""
    layers, width = info.get(f"{FAMILY}.block_count"), info.get(f"{FAMILY}.embedding_length")
    known = SHAPES | WITHOUT_EARS
    if isinstance(layers, int) and isinstance(width, int) and (layers, width) in known:
        return known[layers, width]
    tagged = LIBRARY.fullmatch(name)
    return next((model for model in known.values() if tagged and tagged["size"] in model), "")


def claim(shown: Mapping[str, Any]) -> Claim:
    """Ollama's capability flag, which /api/create lets anybody set; `doubt` says where the files say otherwise."""
    capabilities = shown.get("capabilities")
    if not isinstance(capabilities, list):
        return Claim.UNDECLARED
    return Claim.YES if "audio" in capabilities else Claim.NO


def encoder(shown: Mapping[str, Any]) -> bool:
    """Whether the files hold an audio encoder: the projector, or the text model itself as Ollama's own conversions have it."""
    projector, info = _object(shown, "projector_info"), _object(shown, "model_info")
    return projector.get("clip.has_audio_encoder") is True or info.get(f"{FAMILY}.audio.block_count") is not None


def doubt(shown: Mapping[str, Any]) -> str:
    """The sentence for a claim that the files do not bear out, or ""."""
    flag, inside = claim(shown), encoder(shown)
    if flag is Claim.YES and not inside:
        return "Ollama claims audio, and neither the model nor a projector of it has an audio encoder"
    if flag is Claim.NO and inside:
        return "Ollama claims no audio, and the files have an audio encoder"
    return ""


def details(shown: Mapping[str, Any]) -> dict[str, Any]:
    """What is worth keeping of /api/show."""
    modelfile = _text(shown.get("modelfile"))
    found = {key: match[1] for key in ("RENDERER", "PARSER") if (match := re.search(rf"^{key} (\S+)$", modelfile, re.MULTILINE))}
    kept: dict[str, Any] = {key.lower(): value[:40] for key, value in found.items()}
    kept["capabilities"] = shown.get("capabilities")
    kept["quantization"] = _text(_object(shown, "details").get("quantization_level"))
    kept["audio_encoder"] = encoder(shown)
    return kept


def _object(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value[:20000] if isinstance(value, str) else ""


def _digest(value: Any) -> str:
    return f"sha256:{value}" if isinstance(value, str) and re.fullmatch(r"[0-9a-f]{64}", value) else ""
