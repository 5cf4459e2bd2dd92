"""The table of faults: what is wrong, which cause of docs/causes.md it is, and whether the file alone gives it away."""

from dataclasses import dataclass, field
from typing import Literal

from gguf import GGUFValueType, TokenType

from runtimeprobe.contract import Sampling
from runtimeprobe.gguf.contents import Edit
from tests.diagnose.faults import edits

LAYERS = 6
GLOBAL = LAYERS - 1
TURNS = ("<|turn>", "<turn|>")


@dataclass(frozen=True)
class Fault:
    """One thing made wrong, or with `parts` two. A `file` fault is in the GGUF; a `config` fault is in how it is loaded or asked.

    causes: ids, empty for a healthy variant. expected_static: a look at the file alone finds it. sampling None: the recommended one.
    projector: a twin whose projector is loaded beside the text model.
    """

    id: str
    title: str
    causes: tuple[str, ...]
    kind: Literal["file", "config", "pair", "healthy"]
    edit: Edit | None = None
    levers: dict[str, str] = field(default_factory=dict)
    sampling: Sampling | None = None
    thinking: bool | None = None
    projector: str = ""
    quantization: str = ""  # by llama.cpp's own quantizer, after the edit
    expected_static: bool = False
    parts: tuple[str, ...] = ()


def in_file(name: str, title: str, cause: str, edit: Edit, *, static: bool = True) -> Fault:
    return Fault(name, title, (cause,), "file", edit, expected_static=static)


LACKS_TURN = edits.spelled("<turn|>", "<turn_end|>")
OPENAI_TOOLS = "{%- elif turn.get('tool_calls') -%}"

FILES = (
    in_file("wrong-family-template", "The template of Gemma 2 and 3", "C1", edits.key(edits.TEMPLATE, edits.GEMMA_3)),
    in_file("chatml-template", "The template of ChatML", "C1", edits.key(edits.TEMPLATE, edits.CHATML)),
    in_file("other-size-template", "No empty thought with thinking off", "C2",
            edits.in_template("size_wants_empty_thought = true", "size_wants_empty_thought = false")),
    in_file("outdated-template", "A template without the section on OpenAI's tool results", "C3",
            edits.in_template(OPENAI_TOOLS, "{%- elif false -%}")),
    in_file("template-thinks", "A template that always turns thinking on", "C5",
            edits.in_template("{%- set thinking = enable_thinking | default(false) -%}", "{%- set thinking = true -%}")),
    in_file("bos-missing", "No <bos> by file and template", "T3",
            edits.together(edits.key("tokenizer.ggml.add_bos_token", False), edits.in_template("{{- bos_token -}}", ""))),
    in_file("bos-other", "Another token is named <bos>", "T3", edits.special("bos_token_id", "<unk>")),
    in_file("bos-doubled", "The template writes <bos> twice", "T4",
            edits.in_template("{{- bos_token -}}", "{{- bos_token + bos_token -}}")),
    in_file("turn-end-unknown", "The token that ends a turn has a name that llama.cpp does not know", "T6", LACKS_TURN),
    in_file("turn-end-visible", "... and is typed as text to show", "T6",
            edits.together(LACKS_TURN, edits.typed(TokenType.USER_DEFINED, "<turn_end|>"))),
    in_file("eos-wrong", "A comma is named as the end of the sequence", "T10", edits.special("eos_token_id", ",")),
    in_file("eos-unused", "A token that is never said is named as the end of the sequence", "T10",
            edits.special("eos_token_id", "<|image>")),
    in_file("specials-normal", "The marks of turns are typed as normal words", "T7", edits.typed(TokenType.NORMAL, *TURNS)),
    in_file("all-specials-normal", "All marks of turns and thoughts are typed as normal words", "T7",
            edits.typed(TokenType.NORMAL, *TURNS, "<|channel>", "<channel|>", "<|think|>")),
    in_file("tokenizer-llama", "The tokenizer is named llama", "T8", edits.key("tokenizer.ggml.model", "llama")),
    in_file("tokenizer-gpt2", "The tokenizer is named gpt2", "T8",
            edits.together(edits.key("tokenizer.ggml.model", "gpt2"),
                           edits.add_key("tokenizer.ggml.pre", "default", GGUFValueType.STRING))),
    in_file("merges-truncated", "Half of the merges are missing", "T9", edits.merges_kept(0.5)),
    in_file("merges-few", "All but a tenth of the merges are missing", "T9", edits.merges_kept(0.1)),
    in_file("softcap-absent", "No soft-cap", "G1", edits.without_key("gemma4.final_logit_softcapping")),
    in_file("softcap-0", "Soft-cap 0", "G1", edits.key("gemma4.final_logit_softcapping", 0.0)),
    in_file("softcap-1", "Soft-cap 1", "G1", edits.key("gemma4.final_logit_softcapping", 1.0)),
    in_file("softcap-300", "Soft-cap 300", "G1", edits.key("gemma4.final_logit_softcapping", 300.0)),
    in_file("rope-freqs-absent", "No rope_freqs", "G3", edits.without_tensors("rope_freqs.weight")),
    in_file("rope-freqs-ones", "rope_freqs turns every pair", "G3", edits.filled("rope_freqs.weight", 1.0)),
    in_file("rope-freqs-still", "rope_freqs turns no pair", "G3", edits.filled("rope_freqs.weight", 1e30)),
    in_file("scale-dropped", "One layer's output scale is missing", "G2", edits.without_tensors("blk.3.layer_output_scale.weight")),
    in_file("scales-dropped", "All layers' output scales are missing", "G2",
            edits.without_tensors(*(f"blk.{layer}.layer_output_scale.weight" for layer in range(LAYERS)))),
    in_file("scale-zero", "One layer's output scale is 0", "G2", edits.filled("blk.2.layer_output_scale.weight", 0.0)),
    in_file("values-zero", "The global layer has an attn_v of zeros", "G2",
            edits.made_up(f"blk.{GLOBAL}.attn_v.weight", f"blk.{GLOBAL}.attn_k.weight", 0.0)),
    in_file("values-made-up", "The global layer has an attn_v of noise", "G2",
            edits.made_up(f"blk.{GLOBAL}.attn_v.weight", f"blk.{GLOBAL}.attn_k.weight", 0.1)),
    in_file("values-dropped", "The sliding layers have no attn_v", "G2",
            edits.without_tensors(*(f"blk.{layer}.attn_v.weight" for layer in range(GLOBAL)))),
    in_file("values-dropped-once", "One sliding layer has no attn_v", "G2", edits.without_tensors("blk.2.attn_v.weight")),
    in_file("pattern-shifted", "The global layer is said to come first", "G4",
            edits.key("gemma4.attention.sliding_window_pattern", [False] + [True] * GLOBAL)),
    in_file("pattern-all-sliding", "Every layer is said to slide", "G4",
            edits.key("gemma4.attention.sliding_window_pattern", [True] * LAYERS)),
    in_file("window-8", "A sliding window of 8", "G7", edits.key("gemma4.attention.sliding_window", 8)),
    in_file("rope-base-10000", "The global layers turn as the sliding ones", "G7", edits.key("gemma4.rope.freq_base", 10_000.0)),
    in_file("rope-base-swa-million", "The sliding layers turn as the global ones", "G7", edits.key("gemma4.rope.freq_base_swa", 1e6)),
    in_file("key-length-256", "Global heads are said to be 256 wide", "G7",
            edits.together(edits.key("gemma4.attention.key_length", 256), edits.key("gemma4.attention.value_length", 256))),
    in_file("rms-epsilon", "The norms' epsilon is 1", "G7", edits.key("gemma4.attention.layer_norm_rms_epsilon", 1.0)),
    in_file("two-bits", "Weights rounded to four levels", "G5", edits.few_levels(4), static=False),
    in_file("three-levels", "Weights rounded to three levels", "G5", edits.few_levels(3), static=False),
)  # fmt: skip

GREEDY = Sampling()
PENALISED = Sampling(temperature=1.0, top_k=64, top_p=0.95, repeat_penalty=1.8, presence_penalty=1.5, frequency_penalty=1.0)
CONFIGS = (
    Fault("greedy", "Greedy, without a penalty", ("S1",), "config", sampling=GREEDY),
    Fault("hot", "Temperature 2, nothing cut off", ("S1",), "config", sampling=Sampling(temperature=2.0, top_k=0, top_p=1.0)),
    Fault("penalty-high", "Penalties that forbid what the answer needs", ("S2",), "config", sampling=PENALISED),
    Fault("context-shifted", "A context shorter than the answer, with shift", ("L1",), "config",
          levers={"context": "256", "context_shift": "on"}),
    Fault("kv-q4", "A KV cache of four bits", ("V1",), "config",
          levers={"kv_type_k": "q4_0", "kv_type_v": "q4_0", "flash_attention": "on"}),
    Fault("thinking-on", "Thinking left on", ("C5",), "config", thinking=True),
    Fault("projector-of-e4b", "E4B's projector", ("G6",), "config", projector="twin-e4b"),
    Fault("projector-of-e2b", "E2B's projector, which happens to be as wide", ("G6",), "config", projector="twin-e2b"),
)  # fmt: skip

PAIRS = (
    ("turn-end-unknown", "other-size-template"), ("turn-end-unknown", "wrong-family-template"), ("turn-end-unknown", "greedy"),
    ("values-dropped", "softcap-absent"), ("values-dropped", "wrong-family-template"), ("rope-freqs-ones", "turn-end-unknown"),
    ("scales-dropped", "thinking-on"), ("specials-normal", "turn-end-unknown"), ("thinking-on", "turn-end-unknown"),
    ("merges-truncated", "turn-end-unknown"), ("values-zero", "greedy"), ("context-shifted", "turn-end-unknown"),
)  # fmt: skip

HEALTHY = (
    Fault("f16", "As shipped", (), "healthy"),
    Fault("q8-0", "Q8_0", (), "healthy", quantization="MOSTLY_Q8_0"),
    Fault("q5-k-m", "Q5_K_M, as near as the twin's rows allow", (), "healthy", quantization="MOSTLY_Q5_K_M"),
    Fault("q4-k-m", "Q4_K_M, as near as the twin's rows allow", (), "healthy", quantization="MOSTLY_Q4_K_M"),
    Fault("bf16", "BF16", (), "healthy", quantization="MOSTLY_BF16"),
    Fault("f32", "F32", (), "healthy", quantization="ALL_F32"),
    Fault("llama-cpp-sampling", "llama.cpp's default sampling", (), "healthy",
          sampling=Sampling(temperature=0.8, top_k=40, top_p=0.95, min_p=0.05)),
    Fault("ollama-sampling", "A light repeat penalty on top of the recommended values", (), "healthy",
          sampling=Sampling(temperature=1.0, top_k=64, top_p=0.95, repeat_penalty=1.0, min_p=0.05)),
    Fault("cool", "Temperature 0.7", (), "healthy", sampling=Sampling(temperature=0.7, top_k=64, top_p=0.95)),
    Fault("context-2048", "A context of 2048", (), "healthy", levers={"context": "2048"}),
    Fault("context-8192", "A context of 8192", (), "healthy", levers={"context": "8192"}),
    Fault("kv-q8", "A KV cache of eight bits", (), "healthy",
          levers={"kv_type_k": "q8_0", "kv_type_v": "q8_0", "flash_attention": "on"}),
    Fault("flash-attention-off", "Without flash attention", (), "healthy", levers={"flash_attention": "off"}),
    Fault("swa-full", "A full cache for sliding layers", (), "healthy", levers={"swa_full": "on"}),
    Fault("parallel-4", "Four slots", (), "healthy", levers={"parallel": "4"}),
    Fault("eos-is-turn-end", "eos names <turn|>, as some files do", (), "healthy", edits.special("eos_token_id", "<turn|>")),
    Fault("renamed", "Other names, other keys", (), "healthy",
          edits.together(edits.key("general.name", "Some 31B, merged"), edits.add_key("general.author", "nobody", GGUFValueType.STRING),
                         edits.add_key("quantize.imatrix.file", "imatrix.dat", GGUFValueType.STRING),
                         edits.add_key("tokenizer.ggml.eot_token_id", 16, GGUFValueType.UINT32))),
)  # fmt: skip


def together(first: Fault, second: Fault) -> Fault:
    found = [part.edit for part in (first, second) if part.edit]
    return Fault(
        f"{first.id} + {second.id}",
        f"{first.title}; {second.title[0].lower()}{second.title[1:]}",
        tuple(dict.fromkeys(first.causes + second.causes)),
        "pair",
        edits.together(*found) if found else None,
        {**first.levers, **second.levers},
        first.sampling or second.sampling,
        second.thinking if first.thinking is None else first.thinking,
        first.projector or second.projector,
        expected_static=first.expected_static or second.expected_static,
        parts=(first.id, second.id),
    )


SINGLE = {fault.id: fault for fault in (*FILES, *CONFIGS)}
CATALOGUE = SINGLE | {fault.id: fault for fault in (*(together(SINGLE[one], SINGLE[two]) for one, two in PAIRS), *HEALTHY)}
