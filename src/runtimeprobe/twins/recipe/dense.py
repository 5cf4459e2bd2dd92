"""twin-31b's architecture: Gemma 4 31B, text alone. Trait by trait in ../README.md."""

from typing import Any

from runtimeprobe.twins.recipe import text_vocabulary
from runtimeprobe.twins.recipe.architecture import HEAD_DIM_GLOBAL, HEAD_DIM_SLIDING

HIDDEN, FEED_FORWARD, HEADS = 64, 128, 2
GROUP = 6  # five sliding layers, then a global one
# What each layer's output is multiplied by. The published files hold numbers well below 1 here, so leaving one out is no small matter.
LAYER_SCALARS = (0.6, 0.35, 0.5, 0.3, 0.45, 0.7)


def text_config() -> dict[str, Any]:
    vocabulary, _ = text_vocabulary.build()
    return {
        "vocab_size": len(vocabulary),
        "vocab_size_per_layer_input": len(vocabulary),
        "hidden_size": HIDDEN,
        "intermediate_size": FEED_FORWARD,
        "num_hidden_layers": GROUP,
        "num_attention_heads": HEADS,
        "num_key_value_heads": 2,
        "num_global_key_value_heads": 1,
        "attention_k_eq_v": True,  # global layers have no v_proj: keys before their norm and rotation are the values
        "head_dim": HEAD_DIM_SLIDING,
        "global_head_dim": HEAD_DIM_GLOBAL,
        "hidden_size_per_layer_input": 0,
        "num_kv_shared_layers": 0,
        "use_double_wide_mlp": False,
        "sliding_window": 1024,
        "final_logit_softcapping": 30.0,
        "max_position_embeddings": 8192,
        "layer_types": ["sliding_attention"] * (GROUP - 1) + ["full_attention"],
        "eos_token_id": [vocabulary["<eos>"], vocabulary["<turn|>"]],
        "bos_token_id": vocabulary["<bos>"],
        "pad_token_id": vocabulary["<pad>"],
    }
