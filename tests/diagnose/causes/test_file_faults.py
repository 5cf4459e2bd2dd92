"""A fault planted in a healthy file of 31B's kind is found, by its id, and nothing else with it."""

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from runtimeprobe.diagnose.causes.catalogue import examine
from runtimeprobe.diagnose.causes.facts import file_facts
from runtimeprobe.diagnose.results import Finding, Status
from runtimeprobe.twins import files
from tests.diagnose.causes.conftest import Edit, Keys, Tensors, copy, value
from tests.gguf import published

TEMPLATE = "tokenizer.chat_template"
PATTERN = "gemma4.attention.sliding_window_pattern"
GEMMA_2 = (
    "{{ bos_token }}{% for message in messages %}{{ '<start_of_turn>' + message['role'] + '\n' + message['content'] + '<end_of_turn>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
GLOBAL = (4, 9)  # layers of the twin that is made a 31B here


def without(*names: str) -> Edit:
    def edit(keys: Keys, tensors: Tensors) -> None:
        for name in names:
            keys.pop(name, None)
            tensors.pop(name, None)

    return edit


def written(old: str, new: str) -> Edit:
    """In the template."""

    def edit(keys: Keys, _: Tensors) -> None:
        text = keys[TEMPLATE][0]
        assert old in text
        value(TEMPLATE, text.replace(old, new))(keys, _)

    return edit


def token(old: str, new: str, kind: int | None = None) -> Edit:
    def edit(keys: Keys, tensors: Tensors) -> None:
        words, kinds = (list(keys[f"tokenizer.ggml.{name}"][0]) for name in ("tokens", "token_type"))
        number = words.index(old)
        words[number] = new
        kinds[number] = kind or kinds[number]
        value("tokenizer.ggml.tokens", words)(keys, tensors)
        value("tokenizer.ggml.token_type", kinds)(keys, tensors)

    return edit


def named(key: str, word: str) -> Edit:
    return lambda keys, tensors: value(key, keys["tokenizer.ggml.tokens"][0].index(word))(keys, tensors)


def numbers(name: str, new: list[float]) -> Edit:
    def edit(_: Keys, tensors: Tensors) -> None:
        tensors[name] = (np.array(new, np.float32), gguf.GGMLQuantizationType.F32)

    return edit


def values_of(layer: int, scale: float, like: str = "") -> Edit:
    """An attn_v for a layer that has none: noise, or a copy."""

    def edit(_: Keys, tensors: Tensors) -> None:
        key, kind = tensors[f"blk.{layer}.attn_k.weight"]
        noise = (np.random.default_rng(3).normal(size=key.shape) * scale).astype(key.dtype)
        tensors[f"blk.{layer}.attn_v.weight"] = (key if like else noise, kind)

    return edit


def levels(count: int) -> Edit:
    """Every matrix rounded to few levels per block of 32, and still said to be of 16 bits."""

    def edit(_: Keys, tensors: Tensors) -> None:
        for name, (data, kind) in tensors.items():
            if kind == gguf.GGMLQuantizationType.F16:
                blocks = data.astype(np.float32).reshape(-1, 32)
                low, high = blocks.min(1, keepdims=True), blocks.max(1, keepdims=True)
                step = np.maximum((high - low) / (count - 1), 1e-8)
                tensors[name] = ((np.round((blocks - low) / step) * step + low).reshape(data.shape).astype(np.float16), kind)

    return edit


def merges(share: float) -> Edit:
    def edit(keys: Keys, tensors: Tensors) -> None:
        all_of_them = keys["tokenizer.ggml.merges"][0]
        value("tokenizer.ggml.merges", all_of_them[: int(len(all_of_them) * share)])(keys, tensors)

    return edit


FAULTS: dict[str, tuple[str, Edit]] = {
    "wrong-family template": ("C1", value(TEMPLATE, GEMMA_2)),
    "no template": ("C1", without(TEMPLATE)),
    "another size's empty thought": ("C2", written("size_wants_empty_thought = true", "size_wants_empty_thought = false")),
    "outdated template": ("C3", written("{%- elif turn.get('tool_calls') -%}", "{%- elif false -%}")),
    "thoughts kept": ("C4", written("{{- answer_alone(content) if speaker == 'model' else content | trim -}}", "{{- content -}}")),
    "thoughts of tool turns kept": ("C4", written("turn.get('tool_calls') and position > question.index", "true")),
    "template that always thinks": (
        "C5",
        written("{%- set thinking = enable_thinking | default(false) -%}", "{%- set thinking = true -%}"),
    ),
    "template that does not end": ("C6", written("{{- bos_token -}}", "{{- bos_token.nothing.at.all -}}")),
    "BOS not added": ("T3", value("tokenizer.ggml.add_bos_token", False)),
    "BOS not named": ("T3", without("tokenizer.ggml.bos_token_id")),
    "another BOS": ("T3", named("tokenizer.ggml.bos_token_id", "<unk>")),
    "BOS doubled": ("T4", written("{{- bos_token -}}", "{{- bos_token + bos_token -}}")),
    "turn end renamed": ("T6", token("<turn|>", "<turn_end|>")),
    "a mark of turns typed normal": ("T7", token("<|turn>", "<|turn>", 1)),
    "tokenizer called llama": ("T8", value("tokenizer.ggml.model", "llama")),
    "tokenizer called gpt2": ("T8", value("tokenizer.ggml.model", "gpt2")),
    "half of the merges": ("T9", merges(0.5)),
    "the last tenth of the merges": ("T9", merges(0.9)),
    "no merges": ("T9", without("tokenizer.ggml.merges")),
    "EOS a comma": ("T10", named("tokenizer.ggml.eos_token_id", ",")),
    "no EOS": ("T10", without("tokenizer.ggml.eos_token_id")),
    "soft-cap 1": ("G1", value("gemma4.final_logit_softcapping", 1.0)),
    "no soft-cap": ("G1", without("gemma4.final_logit_softcapping")),
    "a layer scale dropped": ("G2", without("blk.3.layer_output_scale.weight")),
    "a layer scale of nothing": ("G2", numbers("blk.3.layer_output_scale.weight", [0.0])),
    "a layer scale that is no number": ("G2", numbers("blk.3.layer_output_scale.weight", [float("nan")])),
    "values of sliding layers dropped": ("G2", without(*(f"blk.{layer}.attn_v.weight" for layer in range(10)))),
    "values of one sliding layer dropped": ("G2", without("blk.2.attn_v.weight")),
    "values of a global layer made up": ("G2", values_of(GLOBAL[1], 0.1)),
    "values of a global layer all zero": ("G2", values_of(GLOBAL[1], 0.0)),
    "rope_freqs absent": ("G3", without("rope_freqs.weight")),
    "rope_freqs all 1": ("G3", numbers("rope_freqs.weight", [1.0] * 256)),
    "rope_freqs turn too many": ("G3", numbers("rope_freqs.weight", [1.0] * 128 + [1e30] * 128)),
    "rope_freqs too short": ("G3", numbers("rope_freqs.weight", [1.0] * 32 + [1e30] * 96)),
    "rope_freqs that are no numbers": ("G3", numbers("rope_freqs.weight", [1.0] * 64 + [float("nan")] * 192)),
    "pattern shifted": ("G4", value(PATTERN, [False, True, True, True, True] * 2)),
    "every layer slides": ("G4", value(PATTERN, [True] * 10)),
    "no pattern": ("G4", without(PATTERN)),
    "pattern too short": ("G4", value(PATTERN, [True] * 4 + [False])),
    "two bits": ("G5", levels(4)),
    "window of 8": ("G7", value("gemma4.attention.sliding_window", 8)),
    "another rotary base": ("G7", value("gemma4.rope.freq_base", 10_000.0)),
    "another epsilon": ("G7", value("gemma4.attention.layer_norm_rms_epsilon", 1.0)),
    "global heads said to be 256 wide": ("G7", value("gemma4.attention.key_length", 256)),
}


def found(findings: tuple[Finding, ...]) -> dict[str, str]:
    return {finding.id: finding.seen for finding in findings if finding.status is Status.FOUND}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_and_nothing_else(tmp_path: Path, dense: Path, fault: str) -> None:
    cause, edit = FAULTS[fault]
    findings = found(examine(file_facts(copy(dense, tmp_path / "a.gguf", edit)), None))
    assert set(findings) == {cause}, findings
    assert findings[cause]


def test_a_copy_of_the_key_is_what_llama_cpp_does_anyway(tmp_path: Path, dense: Path) -> None:
    assert found(examine(file_facts(copy(dense, tmp_path / "a.gguf", values_of(GLOBAL[0], 1.0, "key"))), None)) == {}


def test_values_missing_where_small_models_have_them(tmp_path: Path, e2b: Path) -> None:
    findings = found(examine(file_facts(copy(e2b, tmp_path / "a.gguf", without("blk.4.attn_v.weight"))), None))
    assert set(findings) == {"G2"}
    assert "global layers 4" in findings["G2"]


def test_an_empty_thought_on_a_small_model(tmp_path: Path, e2b: Path) -> None:
    path = copy(e2b, tmp_path / "a.gguf", written("size_wants_empty_thought = false", "size_wants_empty_thought = true"))
    assert set(found(examine(file_facts(path), None))) == {"C2"}


def test_an_old_date_is_outdated_with_little_confidence(tmp_path: Path, dense: Path) -> None:
    path = copy(dense, tmp_path / "a.gguf", written("{{- bos_token -}}", "{#- Published: 2026-04-02 -#}{{- bos_token -}}"))
    finding = next(finding for finding in examine(file_facts(path), None) if finding.id == "C3")
    assert (finding.status, finding.seen, finding.confidence) == (Status.FOUND, "published 2026-04-02", "low")


@pytest.mark.parametrize("kind", ["Q2_K", "IQ2_XXS", "IQ1_S"])
def test_types_of_two_bits_and_less_are_heavy(tmp_path: Path, kind: str) -> None:
    """31B's rows are multiples of 256, as these types need; the tensor data is a hole."""
    path = published.write(tmp_path / "a.gguf", "gemma-4-31b", kind, vocabulary=False)
    findings = found(examine(file_facts(path), None))
    assert set(findings) == {"G5"}
    assert kind in findings["G5"]


@pytest.mark.parametrize("other", ["twin-e2b", "twin-e4b"])
def test_a_projector_of_another_model(dense: Path, other: str) -> None:
    """E2B's twin is as wide as this file: what gives its projector away is that it hears."""
    findings = found(examine(file_facts(dense, files.folder() / other / "mmproj.gguf"), None))
    assert set(findings) == {"G6"}
    assert ("projects to" in findings["G6"]) == (other == "twin-e4b")
    assert "audio tower" in findings["G6"]


def test_a_cut_off_file(tmp_path: Path, dense: Path) -> None:
    path = tmp_path / "a.gguf"
    path.write_bytes(dense.read_bytes()[:-4096])
    assert "G8" in found(examine(file_facts(path), None))


@pytest.mark.parametrize("model", ["gemma-4-31b", "gemma-4-e4b"])
def test_a_published_size_with_another_number_is_found(tmp_path: Path, model: str) -> None:
    path = published.write(tmp_path / "a.gguf", model, vocabulary=False)
    data = path.open("r+b")
    with data:
        start = data.read(200_000)
        place = start.index(b"gemma4.attention.sliding_window") + len(b"gemma4.attention.sliding_window") + 4
        data.seek(place)
        data.write((4096).to_bytes(4, "little"))
    findings = found(examine(file_facts(path), None))
    assert findings == {"G7": "gemma4.attention.sliding_window 4096"}


def test_another_architecture_is_not_judged_by_gemmas_rules(tmp_path: Path) -> None:
    writer = gguf.GGUFWriter(str(tmp_path / "a.gguf"), "llama")
    writer.add_token_list(["a"])
    writer.add_tensor("token_embd.weight", np.zeros(4, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    findings = examine(file_facts(tmp_path / "a.gguf"), None)
    assert found(findings) == {}
    assert any("llama" in finding.seen for finding in findings if finding.status is Status.NOT_CHECKED)


def test_a_template_given_on_the_command_line_is_the_one_examined(dense: Path) -> None:
    assert set(found(examine(file_facts(dense, template=GEMMA_2), None))) == {"C1"}


FOLDER_FAULTS: dict[str, tuple[str, Any]] = {
    "soft-cap": ("G1", {"final_logit_softcapping": 5.0}),
    "pattern": ("G4", {"layer_types": ["sliding_attention"] * 10}),
    "base": ("G7", {"rms_norm_eps": 1e-3}),
}


@pytest.mark.parametrize("fault", FOLDER_FAULTS)
def test_a_fault_in_a_folders_configuration_is_found(tmp_path: Path, fault: str) -> None:
    import json
    import shutil

    cause, change = FOLDER_FAULTS[fault]
    folder = shutil.copytree(files.folder() / "twin-e2b/hf", tmp_path / "hf")
    config = json.loads((folder / "config.json").read_text())
    config["text_config"] |= change
    (folder / "config.json").write_text(json.dumps(config))
    assert set(found(examine(file_facts(folder), None))) == {cause}
