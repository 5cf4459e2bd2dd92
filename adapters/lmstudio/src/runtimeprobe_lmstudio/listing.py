"""The models that LM Studio lists: by /api/v1/models, by /api/v0/models in an app before 0.4, else by /v1/models."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from runtimeprobe.contract import BadReply, RouteMissing
from runtimeprobe_lmstudio.wire import Server

PUBLISHER = "runtimeprobe"  # ours, for what we import
# "google/gemma-4-e2b", "gemma-4-E4B-it-GGUF", "gemma-4-e2b-it-qat@q4_k_xl"
_GEMMA = re.compile(r"gemma-?4[-_](e2b|e4b|26b-a4b|31b)(?![a-z0-9])", re.IGNORECASE)
_SIZE = re.compile(r"(?<![a-z0-9])(e2b|e4b|26b-a4b|31b)(?![a-z0-9])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One listed model. reasoning: the settings it allows, () where the server does not say."""

    key: str
    publisher: str = ""
    architecture: str = ""
    quantization: str = ""
    size_bytes: int = 0
    parameters: str = ""
    instances: tuple[str, ...] = ()
    reasoning: tuple[str, ...] = ()
    loading: bool = False

    @property
    def gemma(self) -> str:
        """ "gemma-4-e2b" or one of the others, by its name, or by architecture and size; "" for any other model."""
        found = _GEMMA.search(self.key)
        if found is None and self.architecture.lower().startswith("gemma4"):
            found = _SIZE.search(f"{self.parameters} {self.key}")
        return f"gemma-4-{found[1].lower()}" if found and self.publisher != PUBLISHER else ""


@dataclass(frozen=True, slots=True)
class Listing:
    """All that are listed, and by which interface ("v1", "v0" or "openai"): the later ones cannot load or unload."""

    interface: str
    entries: tuple[Entry, ...]

    def find(self, key: str) -> Entry | None:
        return next((entry for entry in self.entries if entry.key == key), None)


def listing(server: Server) -> Listing:
    """Raises what the newest interface reports, unless it is merely missing."""
    for interface, path, field, read in (
        ("v1", "/api/v1/models", "models", _v1),
        ("v0", "/api/v0/models", "data", _v0),
        ("openai", "/v1/models", "data", _v0),
    ):
        try:
            items = server.get(path).get(field)
        except RouteMissing:
            continue
        if not isinstance(items, list):
            raise BadReply(f"LM Studio's {path} holds no list of models.")
        return Listing(interface, tuple(entry for item in items if isinstance(item, dict) if (entry := read(item)).key))
    raise BadReply("LM Studio lists its models nowhere: /api/v1/models, /api/v0/models and /v1/models are all unknown to it.")


def same_model(asked: Sequence[str], answered: str) -> bool:
    """Whether a reply comes from the model that was asked for, by one of its names: key, key@variant, or an instance's id (key:2)."""

    def plain(name: str) -> str:
        return re.split(r"[@:]", name.lower())[0].rsplit("/", 1)[-1]

    return any(answered == name or plain(answered) == plain(name) for name in asked)


def _v1(item: dict[str, Any]) -> Entry:
    if item.get("type") == "embedding":
        return Entry("")
    quantization, capabilities = _object(item, "quantization"), _object(item, "capabilities")
    loaded = item.get("loaded_instances")
    size = item.get("size_bytes")
    options = _object(capabilities, "reasoning").get("allowed_options")
    return Entry(
        key=_text(item, "key"),
        publisher=_text(item, "publisher"),
        architecture=_text(item, "architecture"),
        quantization=_text(quantization, "name"),
        size_bytes=size if isinstance(size, int) and not isinstance(size, bool) else 0,
        parameters=_text(item, "params_string"),
        instances=tuple(_text(each, "id") for each in (loaded if isinstance(loaded, list) else ()) if isinstance(each, dict)),
        reasoning=tuple(option for option in (options if isinstance(options, list) else ()) if isinstance(option, str)),
    )


def _v0(item: dict[str, Any]) -> Entry:
    """An instance's id is its model's key here. `state`: not-loaded, loading, loaded (seen), absent in /v1/models."""
    if item.get("type") == "embeddings":
        return Entry("")
    key, state = _text(item, "id"), _text(item, "state")
    return Entry(
        key=key,
        publisher=_text(item, "publisher"),
        architecture=_text(item, "arch"),
        quantization=_text(item, "quantization"),
        instances=(key,) if state == "loaded" else (),
        loading=state == "loading",
    )


def _object(data: dict[str, Any], key: str) -> dict[str, Any]:
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def _text(data: dict[str, Any], key: str) -> str:
    value = data.get(key)
    return value if isinstance(value, str) else ""
