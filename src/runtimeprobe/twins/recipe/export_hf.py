"""Writes a checkpoint as a Hugging Face folder, shaped as the published Gemma 4 checkpoints are.

    python -m runtimeprobe.twins.recipe.export_hf CHECKPOINT.pt {e2b,e4b} FOLDER

Every weight is rounded to float16 once, here; the GGUF files are made from this folder, so all formats hold the same numbers. Float16 and
not the bfloat16 of the published files: three more bits of mantissa, which keeps engines that compute in the file's own type (MLX) close
to those that compute in float32 (llama.cpp on a CPU). See ../README.md for the figures.
"""

import argparse
import itertools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from runtimeprobe.twins import files
from runtimeprobe.twins.recipe import architecture
from runtimeprobe.twins.recipe.vocabulary import build, write_tokenizer

SEED = 20_261_124

# tokenizer_config.json of the published checkpoints names its special tokens so; mlx-vlm and llama.cpp's converter read them.
TOKEN_NAMES = {
    "bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>", "mask_token": "<mask>",
    "boi_token": "<|image>", "image_token": "<|image|>", "eoi_token": "<image|>",
    "boa_token": "<|audio>", "audio_token": "<|audio|>", "eoa_token": "<audio|>",
    "sot_token": "<|turn>", "eot_token": "<turn|>", "think_token": "<|think|>", "soc_token": "<|channel>", "eoc_token": "<channel|>",
    "std_token": "<|tool>", "etd_token": "<tool|>", "stc_token": "<|tool_call>", "etc_token": "<tool_call|>",
    "str_token": "<|tool_response>", "etr_token": "<tool_response|>", "escape_token": '<|"|>',
}  # fmt: skip

# What Gemma4AudioFeatureExtractor().to_dict() holds: the real front end, unchanged.
FRONT_END = {
    "feature_extractor_type": "Gemma4AudioFeatureExtractor", "feature_size": 128, "sampling_rate": 16_000, "padding_value": 0.0,
    "padding_side": "right", "return_attention_mask": True, "frame_length": 320, "hop_length": 160, "fft_length": 512,
    "fft_overdrive": False, "min_frequency": 0.0, "max_frequency": 8000.0, "mel_floor": 0.001, "preemphasis": 0.0,
    "preemphasis_htk_flavor": True, "dither": 0.0, "input_scale_factor": 1.0, "per_bin_mean": None, "per_bin_stddev": None,
}  # fmt: skip
IMAGES = {
    "image_processor_type": "Gemma4ImageProcessor", "image_mean": [0.0, 0.0, 0.0], "image_std": [1.0, 1.0, 1.0], "do_convert_rgb": True,
    "do_normalize": False, "do_rescale": True, "do_resize": True, "rescale_factor": 1 / 255, "resample": 3, "patch_size": 16,
    "pooling_kernel_size": 3, "max_soft_tokens": 280, "image_seq_length": 280,
}  # fmt: skip
VIDEOS = IMAGES | {"video_processor_type": "Gemma4VideoProcessor", "max_soft_tokens": 70, "num_frames": 32}
del VIDEOS["image_processor_type"], VIDEOS["image_seq_length"]


def text_config(ours: dict[str, Any]) -> dict[str, Any]:
    """`text_config` with the keys of the published files, `global_head_dim` among them (transformers itself writes `per_layer_config`)."""
    fixed = {
        "attention_bias": False, "attention_dropout": 0.0, "attention_k_eq_v": False, "dtype": "float16", "enable_moe_block": False,
        "expert_intermediate_size": None, "hidden_activation": "gelu_pytorch_tanh", "initializer_range": 0.02, "model_type": "gemma4_text",
        "moe_intermediate_size": None, "num_experts": None, "num_global_key_value_heads": None, "rms_norm_eps": 1e-6,
        "rope_parameters": {
            "full_attention": {"partial_rotary_factor": 0.25, "rope_theta": 1_000_000.0, "rope_type": "proportional"},
            "sliding_attention": {"rope_theta": 10_000.0, "rope_type": "default"},
        },
        "tie_word_embeddings": True, "top_k_experts": None, "use_bidirectional_attention": None, "use_cache": True,
    }  # fmt: skip
    return dict(sorted((fixed | ours | {"eos_token_id": ours["eos_token_id"][0]}).items()))


def config(ours: dict[str, Any], *, hears: bool = True) -> dict[str, Any]:
    """config.json around the text configuration `ours`; 31B and 26B-A4B have no audio tower."""
    audio = {
        "attention_chunk_size": 12, "attention_context_left": 13, "attention_context_right": 0, "attention_invalid_logits_value": -1e9,
        "attention_logit_cap": 50.0, "conv_kernel_size": 5, "dtype": "float16", "gradient_clipping": 1e10, "hidden_act": "silu",
        "initializer_range": 0.02, "model_type": "gemma4_audio", "residual_weight": 0.5, "rms_norm_eps": 1e-6, "use_clipped_linears": True,
    }  # fmt: skip
    vision = {
        "attention_bias": False, "attention_dropout": 0.0, "default_output_length": 280, "dtype": "float16",
        "global_head_dim": architecture.VISION["head_dim"], "hidden_activation": "gelu_pytorch_tanh", "initializer_range": 0.02,
        "max_position_embeddings": 131_072, "model_type": "gemma4_vision", "patch_size": 16, "pooling_kernel_size": 3, "rms_norm_eps": 1e-6,
        "rope_parameters": {"rope_theta": 100.0, "rope_type": "default"}, "standardize": False, "use_clipped_linears": False,
    }  # fmt: skip
    ids = architecture.token_ids()
    return {
        "architectures": ["Gemma4ForConditionalGeneration"],
        "audio_config": audio | architecture.AUDIO if hears else None,
        **ids,
        "dtype": "float16",
        "eoa_token_id": ids["eoa_token_index"],
        "eos_token_id": ours["eos_token_id"],
        "initializer_range": 0.02,
        "model_type": "gemma4",
        "text_config": text_config(ours),
        "tie_word_embeddings": True,
        "transformers_version": "5.23.0",
        "vision_config": vision | architecture.VISION,
        "vision_soft_tokens_per_image": 280,
        # The published files leave it out because it is 262144, which mlx-lm (models/gemma4.py) takes for granted.
        "vocab_size": ours["vocab_size"],
    }


def generation_config() -> dict[str, Any]:
    """As published: sampling 1.0 / 64 / 0.95, and generation ends at `<eos>`, `<turn|>` or `<|tool_response>`."""
    vocabulary, _ = build()
    return {
        "bos_token_id": vocabulary["<bos>"],
        "do_sample": True,
        "eos_token_id": [vocabulary["<eos>"], vocabulary["<turn|>"], vocabulary["<|tool_response>"]],
        "pad_token_id": vocabulary["<pad>"],
        "temperature": 1.0,
        "top_k": 64,
        "top_p": 0.95,
    }


def tokenizer_config() -> dict[str, Any]:
    return TOKEN_NAMES | {
        "extra_special_tokens": ["<|video|>"],
        "model_max_length": 10**30,
        "padding_side": "left",
        "processor_class": "Gemma4Processor",
        "tokenizer_class": "GemmaTokenizer",
    }


def processor_config() -> dict[str, Any]:
    """mlx-vlm#903: without `feature_extractor` here, audio is ignored."""
    return {
        "processor_class": "Gemma4Processor", "audio_ms_per_token": 40, "audio_seq_length": 750, "image_seq_length": 280,
        "feature_extractor": FRONT_END, "image_processor": IMAGES, "video_processor": VIDEOS,
    }  # fmt: skip


def write_json(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def unused_kv(size: str) -> Iterator[tuple[str, Any]]:
    """Key and value weights of the layers that share another's cache: the published files carry them, and nothing may use them.

    Older releases refuse a file without them (llama.cpp b8672, mlx-vlm 0.5.0). Random numbers: a runtime that does use them is found out.
    """
    import torch

    shape = architecture.SHAPES[size]
    random = torch.Generator().manual_seed(SEED)
    types = architecture.text_config(shape)["layer_types"]
    for layer in range(shape.layers - shape.layers_per_group * shape.shared_groups, shape.layers):
        width = architecture.HEAD_DIM_GLOBAL if types[layer] == "full_attention" else architecture.HEAD_DIM_SLIDING
        prefix = f"model.language_model.layers.{layer}.self_attn"
        for part in ("k_proj", "v_proj"):
            weight = torch.randn(shape.kv_heads * width, shape.hidden_size, generator=random)
            yield f"{prefix}.{part}.weight", weight * shape.hidden_size**-0.5
        yield f"{prefix}.k_norm.weight", torch.full((width,), width**-0.25)


def write_weights(checkpoint: Path, size: str, file: Path) -> None:
    """The checkpoint's tensors, with calibrated clipping bounds."""
    import torch

    from runtimeprobe.twins.recipe import calibrate, train

    model = train.build_model(size)
    model.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True)["model"])
    calibrate.calibrate(model)
    save(itertools.chain(model.state_dict().items(), unused_kv(size)), file)


def save(weights: Iterable[tuple[str, Any]], file: Path) -> None:
    """In float16; a value float16 cannot hold is an error."""
    import torch
    from safetensors.torch import save_file

    tensors = {}
    for name, weight in weights:
        if name == "lm_head.weight":
            continue  # tied to the embeddings
        half = weight.detach().to(torch.float16).contiguous()
        if not half.isfinite().all():
            raise ValueError(f"{name} does not fit float16: largest value {weight.abs().max().item():g}")
        tensors[name] = half
    save_file(dict(sorted(tensors.items())), file, metadata={"format": "pt"})


def export(checkpoint: Path, size: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_weights(checkpoint, size, folder / "model.safetensors")
    write_json(folder / "config.json", config(architecture.text_config(architecture.SHAPES[size])))
    write_json(folder / "generation_config.json", generation_config())
    write_tokenizer(folder / "tokenizer.json")
    write_json(folder / "tokenizer_config.json", tokenizer_config())
    write_json(folder / "processor_config.json", processor_config())
    write_json(folder / "preprocessor_config.json", FRONT_END | IMAGES | {"processor_class": "Gemma4Processor"})
    (folder / "chat_template.jinja").write_text(files.chat_template(empty_thought=False), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("size", choices=list(architecture.SHAPES))
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    export(given.checkpoint, given.size, given.folder)


if __name__ == "__main__":
    main()
