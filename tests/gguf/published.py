"""GGUF files of the published models in their real size, but for the tensor data: the file has a hole where that would be.

Metadata by llama.cpp's own writer, numbers written out here and not taken from expected.toml; shapes after src/models/gemma4.cpp.
"""

from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from runtimeprobe.twins import files

VOCABULARY, MERGES = 262_144, 514_906
SPECIAL = {
    0: "<pad>", 1: "<eos>", 2: "<bos>", 3: "<unk>", 4: "<mask>", 46: "<|tool>", 47: "<tool|>", 48: "<|tool_call>", 49: "<tool_call|>",
    50: "<|tool_response>", 51: "<tool_response|>", 52: '<|"|>', 98: "<|think|>", 100: "<|channel>", 101: "<channel|>", 105: "<|turn>",
    106: "<turn|>", 212: "</s>", 255999: "<|image>", 256000: "<|audio>", 258880: "<|image|>", 258881: "<|audio|>", 258882: "<image|>",
    258883: "<audio|>", 258884: "<|video|>",
}  # fmt: skip
SHOWN = {48, 49, 50, 51, 52, 100, 101}
TEMPLATE = files.DATA.parent / "chat_template.jinja"


@dataclass(frozen=True)
class Size:
    layers: int
    period: int  # every such layer is global
    width: int
    context: int
    window: int
    heads: int
    kv: tuple[int, int]  # heads of sliding and of global layers
    ffn: tuple[int, int]  # of layers with a cache of their own, and of the others
    per_layer: int = 0
    shared: int = 0
    experts: int = 0
    expert_ffn: int = 0

    def slides(self, layer: int) -> bool:
        return (layer + 1) % self.period != 0


SIZES = {
    "gemma-4-e2b": Size(35, 5, 1536, 131_072, 512, 8, (1, 1), (6144, 12_288), per_layer=256, shared=20),
    "gemma-4-e4b": Size(42, 6, 2560, 131_072, 512, 8, (2, 2), (10_240, 10_240), per_layer=256, shared=18),
    "gemma-4-26b-a4b": Size(30, 6, 2816, 262_144, 1024, 16, (8, 2), (2112, 2112), experts=128, expert_ffn=704),
    "gemma-4-31b": Size(60, 6, 5376, 262_144, 1024, 32, (16, 4), (21_504, 21_504)),
}


def shapes(model: str) -> dict[str, tuple[int, ...]]:
    """Tensor -> shape, the innermost dimension first."""
    size = SIZES[model]
    found: dict[str, tuple[int, ...]] = {"rope_freqs.weight": (256,), "token_embd.weight": (size.width, VOCABULARY)}
    if size.per_layer:
        found["per_layer_token_embd.weight"] = (size.per_layer * size.layers, VOCABULARY)
        found["per_layer_model_proj.weight"] = (size.width, size.per_layer * size.layers)
        found["per_layer_proj_norm.weight"] = (size.per_layer,)
    for layer in range(size.layers):
        found |= {f"blk.{layer}.{name}": shape for name, shape in _layer(size, layer).items()}
    return found | {"output_norm.weight": (size.width,)}


def _layer(size: Size, layer: int) -> dict[str, tuple[int, ...]]:
    sliding, width = size.slides(layer), size.width
    head, kv = (256, size.kv[0]) if sliding else (512, size.kv[1])
    ffn = size.ffn[layer >= size.layers - size.shared]
    found: dict[str, tuple[int, ...]] = {
        "attn_norm.weight": (width,), "layer_output_scale.weight": (1,),
        "ffn_down.weight": (ffn, width), "ffn_gate.weight": (width, ffn), "ffn_up.weight": (width, ffn), "ffn_norm.weight": (width,),
        "post_attention_norm.weight": (width,), "post_ffw_norm.weight": (width,),
        "attn_k_norm.weight": (head,), "attn_k.weight": (width, kv * head), "attn_output.weight": (size.heads * head, width),
        "attn_q_norm.weight": (head,), "attn_q.weight": (width, size.heads * head),
    }  # fmt: skip
    if sliding or size.per_layer:
        found["attn_v.weight"] = (width, kv * head)
    if size.per_layer:
        found |= {"inp_gate.weight": (width, size.per_layer), "proj.weight": (size.per_layer, width), "post_norm.weight": (width,)}
    if size.experts:
        found |= {
            "ffn_gate_inp.weight": (width, size.experts), "ffn_gate_inp.scale": (width,), "ffn_down_exps.scale": (size.experts,),
            "ffn_gate_up_exps.weight": (width, 2 * size.expert_ffn, size.experts),
            "ffn_down_exps.weight": (size.expert_ffn, width, size.experts), "post_ffw_norm_1.weight": (width,),
            "post_ffw_norm_2.weight": (width,), "pre_ffw_norm_2.weight": (width,),
        }  # fmt: skip
    return found


def template(model: str) -> str:
    """The twins' template, as the exporter writes it for this size."""
    text = TEMPLATE.read_text(encoding="utf-8")
    wanted = "size_wants_empty_thought = false"
    assert wanted in text
    return text if SIZES[model].per_layer else text.replace(wanted, wanted.replace("false", "true"))


def write(path: Path, model: str, kind: str = "Q8_0", *, vocabulary: bool = True) -> Path:
    """`kind`: the type of every matrix. `vocabulary`: of the published size; else the special tokens that stand low, and two merges."""
    size = SIZES[model]
    writer = gguf.GGUFWriter(str(path), "gemma4")
    writer.add_name(model)
    writer.add_file_type(int(gguf.LlamaFileType[f"MOSTLY_{kind}"]))
    pattern = [size.slides(layer) for layer in range(size.layers)]
    writer.add_block_count(size.layers)
    writer.add_context_length(size.context)
    writer.add_embedding_length(size.width)
    double = size.ffn[0] != size.ffn[1]
    writer.add_feed_forward_length([size.ffn[n >= size.layers - size.shared] for n in range(size.layers)] if double else size.ffn[0])
    writer.add_head_count(size.heads)
    same = size.kv[0] == size.kv[1]
    writer.add_head_count_kv(size.kv[0] if same else [size.kv[not sliding] for sliding in pattern])
    writer.add_sliding_window(size.window)
    writer.add_sliding_window_pattern(pattern)
    writer.add_shared_kv_layers(size.shared)
    writer.add_embedding_length_per_layer_input(size.per_layer)
    for part in ("key", "value"):
        getattr(writer, f"add_{part}_length")(512)
        getattr(writer, f"add_{part}_length_swa")(256)
    writer.add_rope_dimension_count(512)
    writer.add_rope_dimension_count_swa(256)
    writer.add_rope_freq_base(1e6)
    writer.add_rope_freq_base_swa(1e4)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_final_logit_softcapping(30.0)
    if size.experts:
        writer.add_expert_count(size.experts)
        writer.add_expert_used_count(8)
        writer.add_expert_feed_forward_length(size.expert_ffn)
    _tokenizer(writer, model, VOCABULARY if vocabulary else 300)
    return _tensors(writer, path, model, kind)


def _tokenizer(writer: Any, model: str, words: int) -> None:
    ordinary, control, shown = (int(gguf.TokenType[name]) for name in ("NORMAL", "CONTROL", "USER_DEFINED"))
    writer.add_tokenizer_model("gemma4")
    writer.add_token_list(
        [SPECIAL.get(number, f"word{number}" if words == VOCABULARY else chr(0x4E00 + number)) for number in range(words)]
    )
    writer.add_token_scores([-1000.0] * words)
    writer.add_token_types(
        [ordinary if number not in SPECIAL or number == 212 else shown if number in SHOWN else control for number in range(words)]
    )
    writer.add_token_merges([f"w{number:x} ord" for number in range(MERGES)] if words == VOCABULARY else ["< /s>"])
    for name, number in (("bos", 2), ("eos", 1), ("unk", 3), ("pad", 0), ("mask", 4)):
        getattr(writer, f"add_{name}_token_id")(number)
    writer.add_chat_template(template(model))
    writer.add_add_space_prefix(False)
    writer.add_add_bos_token(True)


def _tensors(writer: Any, path: Path, model: str, kind: str) -> Path:
    block, block_bytes = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[kind]]
    small = {"rope_freqs.weight": np.array([1.0] * 64 + [1e30] * 192, np.float32)}
    for name, shape in shapes(model).items():
        matrix = len(shape) > 1 and shape[0] % block == 0
        width, length, type_ = (block, block_bytes, kind) if matrix else (1, 4, "F32")
        size = prod(shape) // width * length
        writer.add_tensor_info(name, shape[::-1], np.dtype(np.float32), size, raw_dtype=gguf.GGMLQuantizationType[type_])
        if shape == (1,):
            small[name] = np.ones(1, np.float32)
        elif name.endswith("attn_v.weight"):
            small[name] = np.full(8, 0.5, np.float32)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()
    from runtimeprobe.gguf.header import read_header

    header = read_header(path)
    with path.open("r+b") as file:
        for tensor in header.tensors:
            if tensor.name in small:
                file.seek(tensor.offset)
                file.write(small[tensor.name].tobytes())
        file.truncate(max(tensor.offset + (tensor.nbytes or 0) for tensor in header.tensors))
    return path
