"""`inspect`: what is shown, and that every deviation from the published metadata is seen."""

import os
import shutil
from pathlib import Path
from typing import Any

import gguf
import msgspec
import numpy as np
import pytest
from tests.gguf import models

from runtimeprobe.gguf.errors import BadFile
from runtimeprobe.gguf.summary import Check, Summary, summarise

# Facts of the published vocabulary, written out so that a wrong row in expected.toml cannot agree with itself.
SPECIAL = {
    0: "<pad>", 1: "<eos>", 2: "<bos>", 3: "<unk>", 4: "<mask>", 48: "<|tool_call>", 50: "<|tool_response>", 98: "<|think|>",
    100: "<|channel>", 101: "<channel|>", 105: "<|turn>", 106: "<turn|>", 255999: "<|image>", 256000: "<|audio>", 258880: "<|image|>",
    258881: "<|audio|>",
    258882: "<image|>", 258883: "<audio|>",
}  # fmt: skip


LONG = "[6144, 6144, 6144, 6144, 6144, 6144, ...] (35 items)"


def wrong(summary: Summary) -> dict[str, Check]:
    return {check.key: check for check in summary.checks if check.status != "ok"}


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """E2B with a vocabulary of the published size."""
    words = [SPECIAL.get(number, f"t{number}") for number in range(262_144)]
    return models.text(tmp_path_factory.mktemp("whole") / "a.gguf", words=words)


def test_the_published_metadata_passes_every_check(whole: Path) -> None:
    summary = summarise(whole)
    assert summary.model == "gemma-4-e2b"
    assert set(wrong(summary)) == {"tokenizer.ggml.merges"}  # the test file has one merge, not 514906
    assert len(summary.checks) > 40
    assert summary.special_tokens["<|audio>"] == 256000
    assert (summary.template, summary.template_family, summary.template_published) == (True, "gemma-4", "2026-07-09")
    assert (summary.kind, summary.architecture, summary.quantization) == ("text", "gemma4", "Q8_0")


@pytest.mark.parametrize("model", models.TEXT)
def test_the_published_shape_of_every_size_passes(tmp_path: Path, model: str) -> None:
    summary = summarise(models.text(tmp_path / "a.gguf", model))
    assert summary.model == model
    assert {key for key in wrong(summary) if key.startswith("gemma4.")} == set()


@pytest.mark.parametrize(
    ("changed", "key", "seen"),
    [
        ({"context_length": 8192}, "gemma4.context_length", "8192"),
        ({"sliding_window": 1024}, "gemma4.attention.sliding_window", "1024"),
        ({"shared": 0}, "gemma4.attention.shared_kv_layers", "0"),
        ({"pattern": [True] * 35}, "gemma4.attention.sliding_window_pattern", "true x 35"),
        ({"feed_forward_length": 6144}, "gemma4.feed_forward_length", "6144"),
        (
            {"feed_forward_length": [6144] * 20 + [12288] * 15},
            "gemma4.feed_forward_length",
            "[6144, 6144, 6144, 6144, 6144, 6144, ...] (35 items)",
        ),
    ],
)
def test_a_value_that_is_not_the_published_one_is_wrong(tmp_path: Path, changed: dict[str, Any], key: str, seen: str) -> None:
    found = wrong(summarise(models.text(tmp_path / "a.gguf", **changed)))[key]
    assert (found.status, found.seen) == ("wrong", seen)


def test_one_value_per_layer_is_as_good_as_one_for_all(tmp_path: Path) -> None:
    assert "gemma4.attention.head_count_kv" not in wrong(summarise(models.text(tmp_path / "a.gguf", head_count_kv=[1] * 35)))


def test_an_absent_key_is_absent(tmp_path: Path) -> None:
    path = models.text(tmp_path / "a.gguf")
    path.write_bytes(path.read_bytes().replace(b"gemma4.final_logit_softcapping", b"gemma4.final_logit_hardcapping"))
    assert wrong(summarise(path))["gemma4.final_logit_softcapping"].status == "absent"


def test_another_token_in_a_special_tokens_place_is_wrong(tmp_path: Path, whole: Path) -> None:
    path = tmp_path / "a.gguf"
    path.write_bytes(whole.read_bytes().replace(b"<|audio>", b"<|aud10>", 1))
    key = "tokenizer.ggml.tokens[256000]"
    assert wrong(summarise(path))[key] == Check(key, "<|aud10>", "<|audio>", "wrong")


def test_a_template_of_another_family_is_named(tmp_path: Path) -> None:
    path = models.text(tmp_path / "a.gguf")
    path.write_bytes(path.read_bytes().replace(b"Published: 2026-07-09 -#}{{ '<|turn>user", b"<start_of_turn>                         "))
    assert summarise(path).template_family == "gemma-2 or gemma-3"


def test_a_projector_says_whether_it_can_hear(tmp_path: Path) -> None:
    good = summarise(models.projector(tmp_path / "a.gguf", 2560))
    assert (good.kind, good.audio_encoder, good.audio_projector, good.vision_projector) == ("projector", True, "gemma4a", "gemma4v")
    assert (good.audio_tensors, good.projection_dim, good.quantization, good.template) == (1, 2560, "BF16", None)
    assert not wrong(good)
    assert not good.problems
    deaf = summarise(models.projector(tmp_path / "b.gguf", audio=None))
    assert deaf.audio_encoder is False
    assert wrong(deaf)["clip.has_audio_encoder"].status == "absent"
    assert summarise(models.projector(tmp_path / "c.gguf", tensors=False)).problems == ("claims an audio encoder and has no audio tensor",)


def test_parameters_and_bytes_are_counted_from_the_tensor_table(tmp_path: Path) -> None:
    path = tmp_path / "a.gguf"
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_tensor(
        "a", gguf.quantize(np.ones((4, 64), np.float32), gguf.GGMLQuantizationType.Q8_0), raw_dtype=gguf.GGMLQuantizationType.Q8_0
    )
    writer.add_tensor("b", np.zeros((3, 5), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    summary = summarise(path)
    assert (summary.parameters, summary.tensors) == (4 * 64 + 15, 2)
    assert summary.bytes_by_type == {"Q8_0": 4 * 2 * 34, "F32": 60}
    assert summary.quantization == "Q8_0"
    assert summary.checks == ()  # nothing is claimed about other architectures


def test_a_cut_off_file_is_summarised_with_the_problem(tmp_path: Path) -> None:
    path = models.text(tmp_path / "a.gguf", pad=10_000)
    path.write_bytes(path.read_bytes()[:-5_000])
    summary = summarise(path)
    assert summary.missing_bytes > 4_000
    assert summary.problems == (f"cut off: {summary.missing_bytes} bytes of tensor data are missing",)


@pytest.mark.parametrize(("bits", "quantization"), [(0, "F16"), (4, "4bit"), (8, "8bit")])
def test_a_folder_is_counted_in_weights_not_in_packed_words(tmp_path: Path, bits: int, quantization: str) -> None:
    summary = summarise(models.folder(tmp_path / "a", "gemma-4-e4b", bits=bits))
    assert (summary.format, summary.kind, summary.model, summary.audio_encoder, summary.audio_tensors) == (
        "folder",
        "model",
        "gemma-4-e4b",
        True,
        1,
    )
    assert summary.parameters == 1 + 4 + (64 * 64 if bits else 0)
    assert summary.quantization == quantization
    assert not wrong(summary)
    assert (summary.template, summary.template_family) == (True, "gemma-4")


def test_a_folder_without_what_mlx_vlm_needs_is_seen(tmp_path: Path) -> None:
    path = models.folder(tmp_path / "a", weights=False)
    text = (path / "config.json").read_text()
    (path / "config.json").write_text(
        text.replace('"global_head_dim": 512, ', "").replace('"sliding_window": 512', '"sliding_window": 4096')
    )
    summary = summarise(path)
    assert {key: check.status for key, check in wrong(summary).items()} == {
        "text_config.global_head_dim": "absent",
        "text_config.sliding_window": "wrong",
    }
    assert summary.problems == ("config.json has an audio_config and the weights have no audio tensor",)


def test_one_safetensors_file_alone_is_summarised(tmp_path: Path) -> None:
    path = models.folder(tmp_path / "a") / "model.safetensors"
    summary = summarise(path)
    assert (summary.format, summary.kind, summary.parameters, summary.audio_tensors) == ("safetensors", "weights", 5, 1)


@pytest.mark.parametrize("name", ["absent.gguf", "empty.gguf", "text.txt", "folder", "fifo.safetensors", "config"])
def test_what_is_no_model_is_one_clear_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty.gguf").touch()
    (tmp_path / "text.txt").write_text("hello, I am no model")
    (tmp_path / "folder").mkdir()
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.json").write_text('{"text_config": 3}')
    os.mkfifo(tmp_path / "fifo.safetensors")
    with pytest.raises(BadFile) as caught:
        summarise(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert caught.value.fix
    assert str(caught.value).endswith(caught.value.fix)


def test_a_summary_is_json(tmp_path: Path) -> None:
    summary = summarise(models.text(tmp_path / "a.gguf"))
    assert msgspec.json.decode(msgspec.json.encode(summary), type=Summary) == summary


def test_a_hostile_configuration_never_raises_anything_else(tmp_path: Path) -> None:
    path = models.folder(tmp_path / "a")
    for text in (
        '{"model_type": 3}', '{"model_type": "gemma4"}', '{"model_type": "gemma4", "text_config": {"num_hidden_layers": [35]}}',
        '{"model_type": "gemma4", "text_config": {"num_hidden_layers": 35, "hidden_size": {"a": 1}}, "quantization": {"bits": "x"}}',
        '{"model_type": "gemma4", "quantization": [1], "audio_config": 3}',
    ):  # fmt: skip
        (path / "config.json").write_text(text)
        summarise(path)
    shutil.rmtree(path)
