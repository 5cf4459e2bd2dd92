"""The twins' architecture: Gemma 4's own configuration classes, filled with miniature numbers.

Trait by trait against the published checkpoints: see the table in ../README.md.
"""

from dataclasses import dataclass
from typing import Any

from runtimeprobe.twins.recipe.vocabulary import build

HEAD_DIM_SLIDING = 256
HEAD_DIM_GLOBAL = 512


@dataclass(frozen=True)
class Shape:
    """The numbers in which one twin differs from the other."""

    hidden_size: int
    intermediate_size: int
    layers_per_group: int  # sliding layers, then one global layer
    groups: int
    shared_groups: int  # groups at the end that reuse the key-value cache of the last own layers
    heads: int
    kv_heads: int
    double_wide_mlp: bool  # the layers that share KV have twice the feed-forward width

    @property
    def layers(self) -> int:
        return self.layers_per_group * self.groups


SHAPES = {
    "e2b": Shape(64, 128, 5, 2, 1, heads=2, kv_heads=1, double_wide_mlp=True),
    "e4b": Shape(48, 96, 6, 2, 1, heads=4, kv_heads=2, double_wide_mlp=False),
}


def text_config(shape: Shape) -> dict[str, Any]:
    vocabulary, _ = build()
    group = ["sliding_attention"] * (shape.layers_per_group - 1) + ["full_attention"]
    return {
        "vocab_size": len(vocabulary),
        "vocab_size_per_layer_input": len(vocabulary),
        "hidden_size": shape.hidden_size,
        "intermediate_size": shape.intermediate_size,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": HEAD_DIM_SLIDING,
        "global_head_dim": HEAD_DIM_GLOBAL,
        "hidden_size_per_layer_input": 16,
        "num_kv_shared_layers": shape.layers_per_group * shape.shared_groups,
        "use_double_wide_mlp": shape.double_wide_mlp,
        "sliding_window": 512,
        "final_logit_softcapping": 30.0,
        "max_position_embeddings": 8192,
        "layer_types": group * shape.groups,
        "eos_token_id": [vocabulary["<eos>"], vocabulary["<turn|>"]],
        "bos_token_id": vocabulary["<bos>"],
        "pad_token_id": vocabulary["<pad>"],
    }


# The first channel count must be 128: llama.cpp and the checkpoints derive the projection as 128 / 4 x second.
AUDIO = {
    "hidden_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4, "output_proj_dims": 96, "subsampling_conv_channels": [128, 12],
}  # fmt: skip
VISION = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 2,
    "head_dim": 16, "position_embedding_size": 64,
}  # fmt: skip


def token_ids() -> dict[str, int]:
    """Multimodal token ids of the top-level configuration."""
    vocabulary, _ = build()
    names = {
        "boi_token_id": "<|image>", "eoi_token_id": "<image|>", "image_token_id": "<|image|>", "video_token_id": "<|video|>",
        "boa_token_id": "<|audio>", "eoa_token_index": "<audio|>", "audio_token_id": "<|audio|>",
    }  # fmt: skip
    return {key: vocabulary[token] for key, token in names.items()}
