"""Files for the checks: the shipped twins, a small 31B as its architecture asks, and copies of them with one thing made different."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from runtimeprobe.twins import files
from tests.gguf import published

TWINS = tuple(sorted(path.name for path in files.DATA.glob("twin-*")))

Keys = dict[str, tuple[Any, Any, Any]]
Tensors = dict[str, tuple[Any, Any]]
Edit = Callable[[Keys, Tensors], None]


def copy(source: Path, path: Path, edit: Edit) -> Path:
    """`source` written again by llama.cpp's own writer, after `edit` had its way with it."""
    reader = gguf.GGUFReader(str(source))
    keys: Keys = {
        name: (field.contents(), field.types[0], field.types[-1] if len(field.types) > 1 else None)
        for name, field in reader.fields.items()
        if not name.startswith("GGUF.") and name != "general.architecture"
    }
    tensors: Tensors = {tensor.name: (np.array(tensor.data), tensor.tensor_type) for tensor in reader.tensors}
    edit(keys, tensors)
    writer = gguf.GGUFWriter(str(path), "gemma4")
    for name, (value, kind, inner) in keys.items():
        writer.add_key_value(name, value, kind, inner)
    for name, (data, type_) in tensors.items():
        writer.add_tensor(name, data, raw_dtype=type_)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def value(name: str, new: Any) -> Edit:
    def edit(keys: Keys, _: Tensors) -> None:
        keys[name] = (new, *keys[name][1:])

    return edit


def to_31b(keys: Keys, tensors: Tensors) -> None:
    """A twin as 31B is built: no per-layer embeddings, no shared caches, the values of global layers made from their keys."""
    for name in [name for name in tensors if name.startswith("per_layer_") or ".inp_gate." in name or ".proj." in name]:
        del tensors[name]
    for layer, sliding in enumerate(keys["gemma4.attention.sliding_window_pattern"][0]):
        if not sliding:
            del tensors[f"blk.{layer}.attn_v.weight"]
    value("gemma4.embedding_length_per_layer_input", 0)(keys, tensors)
    value("gemma4.attention.shared_kv_layers", 0)(keys, tensors)
    value("tokenizer.chat_template", published.template("gemma-4-31b"))(keys, tensors)


@pytest.fixture(scope="session")
def e2b() -> Path:
    return files.folder() / "twin-e2b/text.gguf"


@pytest.fixture(scope="session")
def dense(tmp_path_factory: pytest.TempPathFactory, e2b: Path) -> Path:
    """A healthy file of 31B's kind."""
    return copy(e2b, tmp_path_factory.mktemp("dense") / "dense.gguf", to_31b)


@pytest.fixture(scope="session")
def published_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One with the published vocabulary, which takes its time to write; the rows about words are the same for all sizes."""
    folder = tmp_path_factory.mktemp("published")
    return {model: published.write(folder / f"{model}.gguf", model, vocabulary=model == "gemma-4-31b") for model in published.SIZES}
