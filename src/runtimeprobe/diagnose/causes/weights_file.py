"""G: what is in the weights file beside the vocabulary: hyperparameters, the census of its tensors, its small tensors, its types."""

import math
from itertools import pairwise

from runtimeprobe.diagnose.causes.interface import GEMMA, Cause, FileFacts, Look, clear, found, listed, of_file, unknown

SOFT_CAP = 30.0
ROTATED = 4  # p-RoPE: one in four frequencies of a global layer is used (partial_rotary_factor 0.25)
STILL = 1e29  # a divisor that large leaves a frequency standing still; the converter writes 1e30
FEWEST_BITS = 3.2  # per weight; Q3_K_S has 3.44, IQ3_XXS 3.06, Q2_K 2.63
WINDOWS = (512, 1024)  # tokens; every published size has one of them
FEW_LEVELS = 8  # of 3 bits; Q4_0 written back to 16 bits has up to 16
OTHER_CHECKS = ("final_logit_softcapping", "sliding_window_pattern")  # metadata that has a row of its own


def soft_cap(file: FileFacts) -> Look:
    value = file.metadata.get(GEMMA + "final_logit_softcapping")
    if value is None:
        return found("the file does not say it")
    same = isinstance(value, int | float) and math.isclose(value, SOFT_CAP, rel_tol=1e-5)
    return clear("30") if same else found(f"{value:.6g}" if isinstance(value, float) else str(value))


def census(file: FileFacts) -> Look:
    if not file.layers or not file.tensors:
        return unknown("the file does not say how many layers it has")
    problems, faked = _missing(file), _values_of_keys(file)
    if not problems and not faked:
        return clear(f"{file.layers} layers have every tensor that llama.cpp would do without")
    # Of a size that is not published, it is only likely that its values are its keys.
    return found("; ".join(problems + faked), confidence=None if problems or file.model else "medium")


def _missing(file: FileFacts) -> list[str]:
    dead = sorted(layer for layer, scale in file.layer_scales.items() if not math.isfinite(scale) or scale == 0)
    no_values = _without(file, "attn_v", file.cached_layers)
    cases = (
        (_without(file, "layer_output_scale", file.layers), "no layer_output_scale in layers {}"),
        (dead, "layer_output_scale is nothing in layers {}"),
        ([layer for layer in no_values if file.slides(layer)], "no attn_v in sliding layers {}, where llama.cpp silently takes attn_k"),
        (
            [layer for layer in no_values if file.slides(layer) is False and file.per_layer_embeddings],
            "no attn_v in global layers {}, which have one in E2B and E4B",
        ),
        (_without(file, "attn_k", file.cached_layers), "no attn_k in layers {}"),
        (_made_of(file, "zero"), "attn_v is all zeros in layers {}"),
        ([layer for layer in _made_of(file, "key") if file.slides(layer)], "attn_v is a copy of attn_k in sliding layers {}"),
    )
    return [words.format(listed(layers)) for layers, words in cases if layers]


def _values_of_keys(file: FileFacts) -> list[str]:
    """In 31B and 26B-A4B the global layers' values are their keys: a matrix of values there is somebody's invention."""
    own = [layer for layer in _made_of(file, "own") if file.slides(layer) is False]
    return (
        [] if file.per_layer_embeddings or not own else [f"attn_v of its own in global layers {listed(own)}, whose values are their keys"]
    )


def _made_of(file: FileFacts, kind: str) -> list[int]:
    return sorted(layer for layer, made in file.values.items() if made == kind)


def _without(file: FileFacts, part: str, layers: int) -> list[int]:
    return [layer for layer in range(layers) if not _has(file, layer, part)]


def _has(file: FileFacts, layer: int, part: str) -> bool:
    fused = part in {"attn_k", "attn_v"} and f"blk.{layer}.attn_qkv.weight" in file.tensors
    return fused or f"blk.{layer}.{part}.weight" in file.tensors


def rope_freqs(file: FileFacts) -> Look:
    if file.format == "folder":
        return unknown("a Hugging Face folder has no such tensor: it is made when the model is converted")
    tensor = file.tensors.get("rope_freqs.weight")
    if tensor is None:
        return found("there is no rope_freqs.weight")
    norms = [file.tensors[name].shape for layer in range(file.layers) if (name := f"blk.{layer}.attn_q_norm.weight") in file.tensors]
    length = max((shape[0] for shape in norms if len(shape) == 1), default=file.number("attention.key_length"))
    if length is not None and tensor.shape != (length // 2,):
        return found(f"shape {tensor.shape}", expected=f"({length // 2},), half a global head")
    values = file.rope_freqs
    if values is None:
        return unknown(f"its values cannot be read: {tensor.type_name} of shape {tensor.shape}")
    turning = len(values) // ROTATED
    wrong = sum(value != 1 for value in values[:turning]) + sum(not value >= STILL for value in values[turning:])
    if wrong:
        begins = ", ".join(f"{value:.3g}" for value in values[:3])
        return found(f"{wrong} of {len(values)} values are others; it begins {begins}")
    return clear(f"{turning} x 1, {len(values) - turning} x 1e30")


def pattern(file: FileFacts) -> Look:
    said, layers = file.sliding, file.layers
    if not layers:
        return unknown("the file does not say how many layers it has")
    if not said:
        return found("the file does not say which layers slide")
    if len(said) < layers:
        return found(f"{len(said)} entries for {layers} layers")
    said = said[:layers]
    if differing := [layer for layer in range(layers) if file.slides(layer) != said[layer]]:
        return found(f"the shapes of layers {listed(differing)} say otherwise", confidence="high")
    wide = [layer for layer, sliding in enumerate(said) if not sliding]
    if not wide or wide[-1] != layers - 1:
        return found("the last layer slides" if wide else "every layer slides", confidence="high")
    steps = {after - before for before, after in pairwise([-1, *wide])}
    if len(steps) > 1:
        return found(f"global layers {listed(wide)} are not evenly spread", confidence="medium")
    if differs := next((seen for key, seen, _ in file.metadata_checks if key.endswith("sliding_window_pattern")), ""):
        return found(differs, confidence="high")
    return clear(f"every {steps.pop()}th layer is global, as the shapes are")


def heavy(file: FileFacts) -> Look:
    bits = file.bits_per_weight
    if bits is None:
        return unknown("the types of its tensors are not known")
    seen = f"{bits:.2f} bits per weight in the layers ({file.quantization})"
    if file.levels is not None and file.levels <= FEW_LEVELS:
        return found(f"{seen}, but {file.levels} different weights in a block of 32: it was quantized before", confidence="medium")
    return found(seen) if bits < FEWEST_BITS else clear(seen)


def projector(file: FileFacts) -> Look:
    beside = file.projector
    if beside is None:
        return unknown("no projector was given")
    width = file.number("embedding_length")
    problems = list(beside.problems)
    if width is not None and (wrong := [dim for dim in beside.projection_dims if dim != width]):
        problems.append(f"{beside.name} projects to {wrong[0]}, the model takes {width}")
    if beside.claims_audio and not beside.audio_tensors:
        problems.append(f"{beside.name} claims to hear and has no audio tensor")
    if beside.audio_tensors and not file.per_layer_embeddings:
        problems.append(f"{beside.name} has an audio tower, which no size without per-layer embeddings has")
    return found("; ".join(dict.fromkeys(problems))) if problems else clear(f"{beside.name} projects to {width}")


def hyperparameters(file: FileFacts) -> Look:
    wrong = [(key, seen, wanted) for key, seen, wanted in file.metadata_checks if not key.endswith(OTHER_CHECKS)]
    window = file.number("attention.sliding_window")
    if window not in WINDOWS and not file.model:
        wrong.append((GEMMA + "attention.sliding_window", str(window or ""), "512 or 1024"))
    if not wrong:
        return clear("every known value is the published one" if file.model else "the values that all sizes share are the published ones")
    return found(
        "; ".join(f"{key} {seen or 'absent'}" for key, seen, _ in wrong[:4]),
        expected="; ".join(wanted for _, _, wanted in wrong[:4]),
    )


def cut_off(file: FileFacts) -> Look:
    return found(f"{file.missing_bytes} bytes of tensor data are missing") if file.missing_bytes else clear("all tensor data is there")


AGAIN = "convert the model again with a current llama.cpp, or download a newer conversion"
ROWS = (
    Cause(
        "G1", "The soft-cap of the logits is wrong", "file", "medium", of_file(soft_cap),
        "gemma4.final_logit_softcapping 30", AGAIN, "llama.cpp#21390",
    ),
    Cause(
        "G2", "Tensors that llama.cpp does without are missing or made up", "file", "high", of_file(census),
        "layer_output_scale in every layer, attn_v in every sliding one", AGAIN, "llama.cpp src/models/gemma4.cpp: TENSOR_NOT_REQUIRED",
    ),
    Cause(
        "G3", "rope_freqs is wrong", "file", "high", of_file(rope_freqs),
        "a quarter of the values 1, the others 1e30", AGAIN, "llama.cpp conversion/gemma.py, generate_extra_tensors",
    ),
    Cause(
        "G4", "The pattern of sliding layers is wrong", "file", "high", of_file(pattern),
        "evenly spread global layers, the last layer one of them, as the shapes are", AGAIN, "the published config.json, layer_types",
    ),
    Cause(
        "G5", "The weights are quantized heavily", "file", "low", of_file(heavy),
        f"{FEWEST_BITS} bits per weight or more", "a larger quantization, such as Q4_K_M", "general experience; ablate with a larger file",
    ),
    Cause(
        "G6", "The projector is another model's", "file", "high", of_file(projector),
        "it projects to the width of the model and has the towers it claims", "the projector published with this model",
        "llama.cpp#21421; a 12B projector claimed an audio encoder without a tensor of it",
    ),
    Cause(
        "G7", "Hyperparameters are not the published ones", "file", "medium", of_file(hyperparameters),
        "the values of its size", AGAIN, "the published config.json files",
    ),
    Cause(
        "G8", "The file is cut off", "file", "high", of_file(cut_off), "every tensor's data is in the file", "finish the download",
        "the file's own tensor table",
    ),
)  # fmt: skip
