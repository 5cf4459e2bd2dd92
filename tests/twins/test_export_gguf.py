"""The GGUF writer: what it makes of the shipped safetensors is what is shipped, and is named as llama.cpp's own converter names it."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from gguf import GGUFReader

from runtimeprobe.twins import files
from runtimeprobe.twins.recipe import export_gguf
from runtimeprobe.twins.recipe.compare import differences, listing
from runtimeprobe.twins.recipe.vocabulary import SPECIAL_TOKENS

TWINS = ("twin-e2b", "twin-e4b")
# What convert_hf_to_gguf.py of llama.cpp (in llama-cpp-python 0.3.36) made of the same folders; written by recipe/compare.py --listing.
CONVERTER = Path(__file__).parent / "converter"


@cache
def text_keys(twin: str) -> dict[str, Any]:
    return {name: field.contents() for name, field in GGUFReader(files.folder() / twin / "text.gguf").fields.items()}


@pytest.mark.parametrize("twin", TWINS)
def test_shipped_files_come_from_the_shipped_safetensors(twin: str, tmp_path: Path) -> None:
    export_gguf.export(files.folder() / twin / "hf", tmp_path, twin)
    for file in ("text.gguf", "mmproj.gguf"):
        assert differences(tmp_path / file, files.folder() / twin / file) == []


@pytest.mark.parametrize("twin", TWINS)
def test_keys_tensors_types_and_shapes_are_those_of_llama_cpps_converter(twin: str) -> None:
    ours = [f"{file} {line}" for file in ("text.gguf", "mmproj.gguf") for line in listing(files.folder() / twin / file)]
    assert ours == (CONVERTER / f"{twin}.txt").read_text(encoding="utf-8").splitlines()


# Values a good Gemma 4 file has (the published E2B and E4B).
@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("general.architecture", "gemma4"),
        ("gemma4.attention.key_length", 512),
        ("gemma4.attention.value_length", 512),
        ("gemma4.attention.key_length_swa", 256),
        ("gemma4.attention.value_length_swa", 256),
        ("gemma4.attention.sliding_window", 512),
        ("gemma4.rope.dimension_count", 512),
        ("gemma4.rope.dimension_count_swa", 256),
        ("gemma4.rope.freq_base", 1e6),
        ("gemma4.rope.freq_base_swa", 1e4),
        ("gemma4.attention.layer_norm_rms_epsilon", pytest.approx(1e-6)),
        ("gemma4.final_logit_softcapping", 30.0),
        ("tokenizer.ggml.model", "gemma4"),
        ("tokenizer.ggml.add_space_prefix", False),
        ("tokenizer.ggml.add_bos_token", True),
        ("tokenizer.ggml.padding_token_id", 0),
        ("tokenizer.ggml.eos_token_id", 1),
        ("tokenizer.ggml.bos_token_id", 2),
        ("tokenizer.ggml.unknown_token_id", 3),
        ("tokenizer.ggml.mask_token_id", 4),
    ],
)
def test_metadata_is_that_of_a_real_file(twin: str, key: str, value: object) -> None:
    assert text_keys(twin)[key] == value


@pytest.mark.parametrize(("twin", "group"), [("twin-e2b", 5), ("twin-e4b", 6)])
def test_one_layer_in_a_group_is_global_and_the_last_groups_share_keys(twin: str, group: int) -> None:
    keys = text_keys(twin)
    layers = keys["gemma4.block_count"]
    pattern = ([True] * (group - 1) + [False]) * (layers // group)
    assert keys["gemma4.attention.sliding_window_pattern"] == pattern
    names = {tensor.name for tensor in GGUFReader(files.folder() / twin / "text.gguf").tensors}
    assert keys["gemma4.attention.shared_kv_layers"] == group
    # As in the published files, the sharing layers carry weights that nothing may use: older releases refuse a file without them.
    assert all(f"blk.{layer}.attn_k.weight" in names for layer in range(layers))
    assert "output.weight" not in names


@pytest.mark.parametrize("twin", TWINS)
def test_rope_stands_still_in_three_quarters_of_a_global_head(twin: str) -> None:
    factors = {tensor.name: tensor for tensor in GGUFReader(files.folder() / twin / "text.gguf").tensors}["rope_freqs.weight"].data
    assert factors.tolist()[:64] == [1.0] * 64
    assert factors[64:].min() == factors[64:].max() == pytest.approx(1e30)
    assert len(factors) == 256


@pytest.mark.parametrize("twin", TWINS)
def test_special_tokens_are_control_tokens_and_those_the_chat_parser_reads_are_visible(twin: str) -> None:
    keys = text_keys(twin)
    kinds = dict(zip(keys["tokenizer.ggml.tokens"], keys["tokenizer.ggml.token_type"], strict=True))
    assert {token for token, kind in kinds.items() if kind == 4} == export_gguf.VISIBLE
    assert {token for token, kind in kinds.items() if kind == 3} == set(SPECIAL_TOKENS) - export_gguf.VISIBLE
    assert sum(kind == 6 for kind in kinds.values()) == 256
