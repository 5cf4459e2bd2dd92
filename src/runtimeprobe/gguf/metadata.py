"""A model's configuration under GGUF's keys, whichever format it comes in: plain values, arrays as lists. Nothing is interpreted."""

from collections.abc import Mapping
from typing import Any

from runtimeprobe.gguf.expected import PREFIX, expected
from runtimeprobe.gguf.folder import ModelFolder
from runtimeprobe.gguf.header import Array, Header

MAX_SMALL_ARRAY = 4096  # arrays with a value per layer; vocabularies are left out


def of_header(header: Header) -> dict[str, Any]:
    """Every key but long arrays."""
    return {key: value for key in header.fields if (value := small(header.get(key))) is not None}


def small(value: Any) -> Any:
    """An array of up to MAX_SMALL_ARRAY items as a list, None for a longer one; every other value as it is."""
    if not isinstance(value, Array):
        return value
    return value.values() if value.count <= MAX_SMALL_ARRAY else None


def of_folder(folder: ModelFolder) -> dict[str, Any]:
    """What llama.cpp's converter would write (conversion/gemma.py, Gemma4Model)."""
    config = folder.section("text_config")
    found = {PREFIX + key: config[name] for key, name in expected().config.items() if config.get(name) is not None}
    kinds = config.get("layer_types")
    kinds = kinds if isinstance(kinds, list) and len(kinds) <= MAX_SMALL_ARRAY else []
    pattern = [kind == "sliding_attention" for kind in kinds]
    found[PREFIX + "attention.sliding_window_pattern"] = pattern
    for end in ("", "_swa"):  # one length for keys and values alike
        if (length := found.get(f"{PREFIX}attention.key_length{end}")) is not None:
            found[f"{PREFIX}attention.value_length{end}"] = length
    found |= _heads(config, pattern) | _rope(config) | _per_layer(config, pattern)
    return {key: value for key, value in found.items() if value is not None}


def _heads(config: Mapping[str, Any], pattern: list[bool]) -> dict[str, Any]:
    own, everywhere = config.get("num_key_value_heads"), config.get("num_global_key_value_heads")
    key = PREFIX + "attention.head_count_kv"
    return {key: own if everywhere is None else [own if sliding else everywhere for sliding in pattern]}


def _rope(config: Mapping[str, Any]) -> dict[str, Any]:
    rope = config.get("rope_parameters")
    parts = [rope.get(name) if isinstance(rope, dict) else None for name in ("full_attention", "sliding_attention")]
    bases = [part.get("rope_theta") if isinstance(part, dict) else None for part in parts]
    return {PREFIX + "rope.freq_base": bases[0], PREFIX + "rope.freq_base_swa": bases[1]}


def _per_layer(config: Mapping[str, Any], pattern: list[bool]) -> dict[str, Any]:
    """transformers 5.23 and newer write `per_layer_config` where older ones wrote `global_head_dim` and `num_global_key_value_heads`."""
    layers = config.get("per_layer_config")
    wide = pattern.index(False) if False in pattern else -1
    layer = layers.get(str(wide)) if isinstance(layers, dict) else None
    if not isinstance(layer, dict):
        return {}
    length, heads = layer.get("head_dim"), layer.get("num_key_value_heads")
    found: dict[str, Any] = {}
    if length is not None:
        found |= {f"{PREFIX}attention.{part}_length": length for part in ("key", "value")}
    if heads is not None:
        found[PREFIX + "attention.head_count_kv"] = [config.get("num_key_value_heads") if sliding else heads for sliding in pattern]
    return found
