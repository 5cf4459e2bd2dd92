"""Model files as they are published, in everything but size: metadata by llama.cpp's own writer, a tensor or two."""

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from safetensors.numpy import save_file

# Written out here, not taken from expected.toml: the tests must not agree with a wrong table.
TEXT: dict[str, dict[str, Any]] = {
    "gemma-4-e2b": {
        "block_count": 35, "context_length": 131072, "embedding_length": 1536, "feed_forward_length": [6144] * 15 + [12288] * 20,
        "head_count": 8, "head_count_kv": 1, "sliding_window": 512, "pattern": ([True] * 4 + [False]) * 7, "shared": 20, "per_layer": 256,
    },
    "gemma-4-e4b": {
        "block_count": 42, "context_length": 131072, "embedding_length": 2560, "feed_forward_length": 10240,
        "head_count": 8, "head_count_kv": 2, "sliding_window": 512, "pattern": ([True] * 5 + [False]) * 7, "shared": 18, "per_layer": 256,
    },
    "gemma-4-31b": {
        "block_count": 60, "context_length": 262144, "embedding_length": 5376, "feed_forward_length": 21504,
        "head_count": 32, "head_count_kv": [16, 16, 16, 16, 16, 4] * 10, "sliding_window": 1024, "pattern": ([True] * 5 + [False]) * 10,
        "shared": 0, "per_layer": 0,
    },
}  # fmt: skip
WIDTH = {model: row["embedding_length"] for model, row in TEXT.items()}


def text(
    path: Path,
    model: str = "gemma-4-e2b",
    *,
    file_type: int = 7,
    name: str = "",
    pad: int = 0,
    words: list[str] | None = None,
    **changed: Any,
) -> Path:
    """A text GGUF. `changed`: rows of TEXT to overwrite. `pad`: bytes of tensor data, to make one file larger than another."""
    path.parent.mkdir(parents=True, exist_ok=True)
    row = TEXT[model] | changed
    writer = gguf.GGUFWriter(str(path), "gemma4")
    writer.add_name(name or f"{model} it")
    writer.add_file_type(file_type)
    writer.add_block_count(row["block_count"])
    writer.add_context_length(row["context_length"])
    writer.add_embedding_length(row["embedding_length"])
    writer.add_feed_forward_length(row["feed_forward_length"])
    writer.add_head_count(row["head_count"])
    writer.add_head_count_kv(row["head_count_kv"])
    writer.add_sliding_window(row["sliding_window"])
    writer.add_sliding_window_pattern(row["pattern"])
    writer.add_shared_kv_layers(row["shared"])
    writer.add_embedding_length_per_layer_input(row["per_layer"])
    writer.add_key_length(512)
    writer.add_value_length(512)
    writer.add_key_length_swa(256)
    writer.add_value_length_swa(256)
    writer.add_rope_dimension_count(512)
    writer.add_rope_dimension_count_swa(256)
    writer.add_rope_freq_base(1e6)
    writer.add_rope_freq_base_swa(1e4)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_final_logit_softcapping(30.0)
    writer.add_tokenizer_model("gemma4")
    writer.add_token_list(words or ["<pad>", "<eos>", "<bos>"])
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(2)
    writer.add_eos_token_id(1)
    writer.add_unk_token_id(3)
    writer.add_pad_token_id(0)
    writer.add_mask_token_id(4)
    writer.add_add_space_prefix(False)
    writer.add_add_bos_token(True)
    writer.add_chat_template("{#- Published: 2026-07-09 -#}{{ '<|turn>user' }}")
    if row.get("audio"):
        writer.add_uint32("gemma4.audio.block_count", 12)
    writer.add_tensor("blk.0.attn_q.weight", np.zeros((4, 32), np.float16))
    writer.add_tensor("token_embd.weight", np.zeros(max(pad, 2) // 2, np.float16))
    return _close(writer, path)


def projector(
    path: Path,
    width: int = 1536,
    *,
    audio: bool | None = True,
    kind: str = "gemma4a",
    vision: str = "gemma4v",
    tensors: bool = True,
    file_type: int = 32,
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(str(path), "clip")
    writer.add_type("mmproj")
    writer.add_file_type(file_type)
    writer.add_clip_has_vision_encoder(True)
    writer.add_clip_vision_projector_type(vision)
    writer.add_vision_projection_dim(width)
    if audio is not None:
        writer.add_clip_has_audio_encoder(audio)
    if audio:
        writer.add_clip_audio_projector_type(kind)
        writer.add_audio_projection_dim(width)
        writer.add_audio_num_mel_bins(128)
        writer.add_audio_block_count(12)
        writer.add_audio_embedding_length(1024)
    writer.add_tensor("v.patch_embd.weight", np.zeros(8, np.float32))
    if tensors:
        writer.add_tensor("a.blk.0.attn_q.weight", np.zeros(8, np.float32))
    return _close(writer, path)


def folder(
    path: Path, model: str = "gemma-4-e2b", *, audio: bool = True, weights: bool = True, bits: int = 0, pad: int = 1, drop: str = ""
) -> Path:
    """A model in Hugging Face's layout."""
    path.mkdir(parents=True, exist_ok=True)
    row = TEXT[model]
    config: dict[str, Any] = {
        "model_type": "gemma4",
        "text_config": {
            "model_type": "gemma4_text", "num_hidden_layers": row["block_count"], "hidden_size": row["embedding_length"],
            "rms_norm_eps": 1e-6,
            "max_position_embeddings": row["context_length"], "num_attention_heads": row["head_count"],
            "sliding_window": row["sliding_window"],
            "num_kv_shared_layers": row["shared"], "hidden_size_per_layer_input": row["per_layer"], "global_head_dim": 512, "head_dim": 256,
            "final_logit_softcapping": 30.0,
        },
        "audio_config": {"model_type": "gemma4_audio"} if audio else None,
    }  # fmt: skip
    if bits:
        config["quantization"] = {"bits": bits, "group_size": 32}
    (path / "config.json").write_text(json.dumps(config))
    (path / "tokenizer.json").write_text("{}")
    (path / "chat_template.jinja").write_text("<|turn>")
    tensors: dict[str, Any] = {"model.language_model.norm.weight": np.zeros(pad, np.float16)}
    if weights:
        tensors["model.audio_tower.layers.0.weight"] = np.zeros(4, np.float16)
    if bits:  # a 64x64 matrix packed into 32-bit words, one scale and one bias per 32 weights
        tensors["l.weight"] = np.zeros((64, 64 * bits // 32), np.uint32)
        tensors |= {"l.scales": np.zeros((64, 2), np.float16), "l.biases": np.zeros((64, 2), np.float16)}
    save_file(tensors, path / "model.safetensors")
    if drop:
        (path / drop).unlink()
    return path


def _close(writer: Any, path: Path) -> Path:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
