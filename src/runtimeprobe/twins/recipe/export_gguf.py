"""Writes text.gguf and mmproj.gguf from a twin's Hugging Face folder. Needs numpy, safetensors and gguf, no torch.

    python -m runtimeprobe.twins.recipe.export_gguf HF_FOLDER OUT_FOLDER NAME

Key and tensor names, shapes and types are those of llama.cpp's converter (conversion/gemma.py, classes Gemma4Model and
Gemma4VisionAudioModel, as vendored in llama-cpp-python 0.3.36); compare.py holds the two against each other.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGMLQuantizationType, GGUFValueType, GGUFWriter, LlamaFileType, TokenType
from safetensors.numpy import load_file

Tensor = tuple[str, np.ndarray]

TEXT_GLOBALS = {
    "embed_tokens": "token_embd", "embed_tokens_per_layer": "per_layer_token_embd", "norm": "output_norm",
    "per_layer_model_projection": "per_layer_model_proj", "per_layer_projection_norm": "per_layer_proj_norm",
}  # fmt: skip
TEXT_LAYER = {
    "input_layernorm": "attn_norm", "post_attention_layernorm": "post_attention_norm",
    "pre_feedforward_layernorm": "ffn_norm", "post_feedforward_layernorm": "post_ffw_norm",
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
    "per_layer_input_gate": "inp_gate", "per_layer_projection": "proj", "post_per_layer_input_norm": "post_norm",
    "layer_scalar": "layer_output_scale",
}  # fmt: skip
AUDIO_GLOBALS = {
    "subsample_conv_projection.layer0.conv": "a.conv1d.0", "subsample_conv_projection.layer0.norm": "a.conv1d.0.norm",
    "subsample_conv_projection.layer1.conv": "a.conv1d.1", "subsample_conv_projection.layer1.norm": "a.conv1d.1.norm",
    "subsample_conv_projection.input_proj_linear": "a.input_projection", "output_proj": "a.pre_encode.out",
}  # fmt: skip
AUDIO_LAYER = {
    "feed_forward1.pre_layer_norm": "ffn_norm", "feed_forward1.ffw_layer_1": "ffn_up", "feed_forward1.ffw_layer_2": "ffn_down",
    "feed_forward1.post_layer_norm": "ffn_post_norm",
    "feed_forward2.pre_layer_norm": "ffn_norm_1", "feed_forward2.ffw_layer_1": "ffn_up_1", "feed_forward2.ffw_layer_2": "ffn_down_1",
    "feed_forward2.post_layer_norm": "ffn_post_norm_1",
    "norm_pre_attn": "attn_pre_norm", "norm_post_attn": "attn_post_norm", "norm_out": "ln2",
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.post": "attn_out",
    "self_attn.relative_k_proj": "attn_k_rel", "self_attn.per_dim_scale": "per_dim_scale",
    "lconv1d.pre_layer_norm": "conv_norm", "lconv1d.linear_start": "conv_pw1", "lconv1d.depthwise_conv1d": "conv_dw",
    "lconv1d.conv_norm": "norm_conv", "lconv1d.linear_end": "conv_pw2",
}  # fmt: skip
VISION_LAYER = {
    "input_layernorm": "ln1", "post_attention_layernorm": "attn_post_norm", "pre_feedforward_layernorm": "ln2",
    "post_feedforward_layernorm": "ffn_post_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_out", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
}  # fmt: skip

# Tokens that llama.cpp must print, because its chat parser reads them (conversion/gemma.py, `visible_tokens`).
VISIBLE = {"<|channel>", "<channel|>", "<|tool_call>", "<tool_call|>", "<|tool_response>", "<tool_response|>", '<|"|>'}


def split_name(name: str, layers: str) -> tuple[str, str, str]:
    """Name below `layers` to (layer number or "", module, kind): kind is `weight`, `bias`, a clipping bound, or "" for a bare tensor."""
    number = ""
    if name.startswith(layers):
        number, _, name = name.removeprefix(layers).partition(".")
    module, _, kind = name.rpartition(".")
    if kind not in {"weight", "bias", "input_min", "input_max", "output_min", "output_max"}:
        return number, name, ""
    return number, module.removesuffix(".linear"), kind


def text_tensors(weights: dict[str, np.ndarray], text: dict[str, Any]) -> Iterator[Tensor]:
    # p-RoPE: the first quarter of the pairs of a global head turn, the rest stand still. ggml wants that as frequency factors:
    # 1e30 makes an angle zero (conversion/gemma.py, generate_extra_tensors).
    pairs = text["global_head_dim"] // 2
    turning = int(pairs * text["rope_parameters"]["full_attention"]["partial_rotary_factor"])
    yield "rope_freqs.weight", np.array([1.0] * turning + [1e30] * (pairs - turning), np.float32)
    for name, weight in weights.items():
        if name.startswith("model.language_model."):
            number, module, kind = split_name(name.removeprefix("model.language_model."), "layers.")
            target = f"blk.{number}.{TEXT_LAYER[module]}" if number else TEXT_GLOBALS[module]
            yield f"{target}.{kind or 'weight'}", weight


def projector_tensors(weights: dict[str, np.ndarray]) -> Iterator[Tensor]:
    for name, weight in weights.items():
        if name.startswith("model.audio_tower."):
            number, module, kind = split_name(name.removeprefix("model.audio_tower."), "layers.")
            target = f"a.blk.{number}.{AUDIO_LAYER[module]}" if number else AUDIO_GLOBALS[module]
            if module.endswith("per_dim_scale"):
                weight = np.logaddexp(0, weight.astype(np.float32)).astype(weight.dtype)  # noqa: PLW2901  softplus: llama.cpp leaves it out
            elif module.endswith("depthwise_conv1d"):
                weight = weight.squeeze(1)  # noqa: PLW2901
            yield f"{target}.{kind or 'weight'}", np.atleast_1d(weight)
        elif name.startswith("model.vision_tower.encoder."):
            number, module, kind = split_name(name.removeprefix("model.vision_tower.encoder."), "layers.")
            yield f"v.blk.{number}.{VISION_LAYER[module]}.{kind}", np.atleast_1d(weight)
        elif name == "model.vision_tower.patch_embedder.position_embedding_table":
            yield "v.position_embd.weight", weight
        elif name == "model.vision_tower.patch_embedder.input_proj.weight":
            width, values = weight.shape
            side = int((values // 3) ** 0.5)
            yield "v.patch_embd.weight", np.ascontiguousarray(weight.reshape(width, side, side, 3).transpose(0, 3, 1, 2))
        elif name == "model.embed_audio.embedding_projection.weight":
            yield "mm.a.input_projection.weight", weight
        elif name == "model.embed_vision.embedding_projection.weight":
            yield "mm.input_projection.weight", weight


# Two-dimensional and larger tensors that the converter keeps in float32: convolutions, and what sits in the convolutional subsampling.
ALWAYS_FLOAT32 = ("a.conv1d.", "a.input_projection.", "v.position_embd.")


def add_tensor(writer: GGUFWriter, name: str, weight: np.ndarray) -> None:
    wide = weight.ndim <= 1 or name.endswith((".conv_dw.weight", "_norm.weight")) or name.startswith(ALWAYS_FLOAT32)
    kind = GGMLQuantizationType.F32 if wide else GGMLQuantizationType.F16
    writer.add_tensor(name, weight.astype(np.float32 if wide else np.float16), raw_dtype=kind)


def add_general(writer: GGUFWriter, kind: str, name: str, generation: dict[str, Any]) -> None:
    writer.add_type(kind)
    writer.add_name(name)
    writer.add_license("apache-2.0")
    writer.add_int32("general.sampling.top_k", generation["top_k"])
    writer.add_float32("general.sampling.top_p", generation["top_p"])
    writer.add_float32("general.sampling.temp", generation["temperature"])
    writer.add_file_type(LlamaFileType.MOSTLY_F16)
    writer.add_quantization_version(2)


def add_tokenizer(writer: GGUFWriter, folder: Path) -> None:
    model = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    names = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    vocabulary: dict[str, int] = model["model"]["vocab"]
    special = {token["content"] for token in model["added_tokens"]}

    def kind(token: str) -> TokenType:
        if token in VISIBLE:
            return TokenType.USER_DEFINED
        if token in special:
            return TokenType.CONTROL
        return TokenType.BYTE if len(token) == len("<0x00>") and token.startswith("<0x") else TokenType.NORMAL

    tokens = sorted(vocabulary, key=vocabulary.__getitem__)
    writer.add_tokenizer_model("gemma4")
    writer.add_token_list(tokens)
    writer.add_token_scores([-1000.0] * len(tokens))
    writer.add_token_types([kind(token) for token in tokens])
    writer.add_token_merges([" ".join(pair) for pair in model["model"]["merges"]])
    for name, add in (
        ("bos_token", writer.add_bos_token_id),
        ("eos_token", writer.add_eos_token_id),
        ("unk_token", writer.add_unk_token_id),
        ("pad_token", writer.add_pad_token_id),
        ("mask_token", writer.add_mask_token_id),
    ):
        add(vocabulary[names[name]])
    writer.add_chat_template((folder / "chat_template.jinja").read_text(encoding="utf-8"))
    writer.add_add_space_prefix(False)
    writer.add_add_bos_token(True)


def heads_kv(text: dict[str, Any]) -> int | list[int]:
    """Key-value heads: one number, or one per layer where global layers have another number of them."""
    sliding, everywhere = text["num_key_value_heads"], text["num_global_key_value_heads"]
    if everywhere is None:
        return int(sliding)
    return [sliding if kind == "sliding_attention" else everywhere for kind in text["layer_types"]]


def add_text_keys(writer: GGUFWriter, text: dict[str, Any]) -> None:
    layers, shared = text["num_hidden_layers"], text["num_kv_shared_layers"]
    rope = text["rope_parameters"]
    whole = {
        "block_count": layers,
        "context_length": text["max_position_embeddings"],
        "embedding_length": text["hidden_size"],
        "embedding_length_per_layer_input": text["hidden_size_per_layer_input"],
        "attention.head_count": text["num_attention_heads"],
        "attention.head_count_kv": heads_kv(text),
        "attention.key_length": text["global_head_dim"],
        "attention.value_length": text["global_head_dim"],
        "attention.key_length_swa": text["head_dim"],
        "attention.value_length_swa": text["head_dim"],
        "attention.sliding_window": text["sliding_window"],
        "attention.shared_kv_layers": shared,
        "rope.dimension_count": text["global_head_dim"],
        "rope.dimension_count_swa": text["head_dim"],
    }
    for key, number in whole.items():
        if isinstance(number, list):
            writer.add_key_value(f"gemma4.{key}", number, GGUFValueType.ARRAY, GGUFValueType.INT32)
        else:
            writer.add_uint32(f"gemma4.{key}", number)
    wide = text["intermediate_size"]
    if text["use_double_wide_mlp"]:
        widths = [wide if layer < layers - shared else 2 * wide for layer in range(layers)]
        writer.add_key_value("gemma4.feed_forward_length", widths, GGUFValueType.ARRAY, GGUFValueType.INT32)
    else:
        writer.add_uint32("gemma4.feed_forward_length", wide)
    sliding = [kind == "sliding_attention" for kind in text["layer_types"]]
    writer.add_key_value("gemma4.attention.sliding_window_pattern", sliding, GGUFValueType.ARRAY, GGUFValueType.BOOL)
    writer.add_float32("gemma4.rope.freq_base", rope["full_attention"]["rope_theta"])
    writer.add_float32("gemma4.rope.freq_base_swa", rope["sliding_attention"]["rope_theta"])
    writer.add_float32("gemma4.attention.layer_norm_rms_epsilon", text["rms_norm_eps"])
    writer.add_float32("gemma4.final_logit_softcapping", text["final_logit_softcapping"])


def add_projector_keys(writer: GGUFWriter, config: dict[str, Any], front: dict[str, Any]) -> None:
    vision, audio, width = config["vision_config"], config["audio_config"], config["text_config"]["hidden_size"]
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_bool("clip.has_audio_encoder", True)
    writer.add_string("clip.vision.projector_type", "gemma4v")
    writer.add_string("clip.audio.projector_type", "gemma4a")
    whole = {
        "vision.projection_dim": width,
        "vision.image_size": 224,  # not used: the size follows from the picture
        "vision.patch_size": vision["patch_size"],
        "vision.embedding_length": vision["hidden_size"],
        "vision.feed_forward_length": vision["intermediate_size"],
        "vision.block_count": vision["num_hidden_layers"],
        "vision.attention.head_count": vision["num_attention_heads"],
        "audio.projection_dim": width,
        "audio.embedding_length": audio["hidden_size"],
        "audio.feed_forward_length": 4 * audio["hidden_size"],
        "audio.block_count": audio["num_hidden_layers"],
        "audio.attention.head_count": audio["num_attention_heads"],
        "audio.num_mel_bins": front["feature_size"],
    }
    for key, number in whole.items():
        writer.add_uint32(f"clip.{key}", number)
    writer.add_array("clip.vision.image_mean", [float(value) for value in front["image_mean"]])
    writer.add_array("clip.vision.image_std", [float(value) for value in front["image_std"]])
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", vision["rms_norm_eps"])
    writer.add_float32("clip.audio.attention.layer_norm_epsilon", audio["rms_norm_eps"])


def finish(writer: GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def export(hf: Path, out: Path, name: str, text_file: str = "text.gguf", projector_file: str = "mmproj.gguf") -> None:
    """Both files; the text file alone where the model does not hear."""
    out.mkdir(parents=True, exist_ok=True)
    weights = load_file(hf / "model.safetensors")
    config, generation, front = (
        json.loads((hf / file).read_text(encoding="utf-8"))
        for file in ("config.json", "generation_config.json", "preprocessor_config.json")
    )
    writer = GGUFWriter(out / text_file, "gemma4")
    add_general(writer, "model", name, generation)
    add_text_keys(writer, config["text_config"])
    add_tokenizer(writer, hf)
    for target, weight in text_tensors(weights, config["text_config"]):
        add_tensor(writer, target, weight)
    finish(writer)
    if config["audio_config"] is None:
        return

    writer = GGUFWriter(out / projector_file, "clip")
    add_general(writer, "mmproj", name, generation)
    add_projector_keys(writer, config, front)
    for target, weight in projector_tensors(weights):
        add_tensor(writer, target, weight)
    finish(writer)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("hf", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("name", help="general.name, such as twin-e2b")
    given = parser.parse_args()
    export(given.hf, given.out, given.name)


if __name__ == "__main__":
    main()
