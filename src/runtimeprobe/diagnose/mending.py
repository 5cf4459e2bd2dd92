"""Mends what a GGUF file says wrongly about itself: which values, from what was found in it (pure), and a copy of the file that has them.

Only what is known for every Gemma 4 is mended: numbers and texts of the metadata, types of special tokens, the frequencies in
`rope_freqs.weight`. A tensor that is missing or broken cannot be mended; that file must be downloaded or converted again.
"""

import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runtimeprobe.diagnose.causes.interface import CONTROL, GEMMA, USER_DEFINED, FileFacts
from runtimeprobe.diagnose.changes import Patch
from runtimeprobe.diagnose.results import Finding, Status

MOST_BYTES = 4 << 30  # a larger file is not copied: what would mend it is named instead
# Numbers every size shares (the table of expected metadata, gguf/expected.toml).
ALIKE = {"rope.freq_base": 1e6, "rope.freq_base_swa": 1e4, "attention.layer_norm_rms_epsilon": 1e-6}
FREQUENCIES = "rope_freqs.weight"
ROTATED, STILL = 1.0, 1e30  # p-RoPE: a quarter of the pairs turns, the others stand still (conversion/gemma.py of llama.cpp)
# Special tokens that are typed user-defined, so that their text is shown; all others are control (conversion/gemma.py of llama.cpp).
SHOWN = {"<|channel>", "<channel|>", "<|tool_call>", "<tool_call|>", "<|tool_response>", "<tool_response|>", '<|"|>'}


def patches(file: FileFacts, findings: Sequence[Finding]) -> tuple[tuple[str, Patch], ...]:
    """(cause, what would mend it) for each finding that a change of metadata can mend."""
    found = {finding.id for finding in findings if finding.status is Status.FOUND}
    return tuple((cause, patch) for cause, make in MENDED.items() if cause in found for patch in make(file))


def _turn_end(file: FileFacts) -> Sequence[Patch]:
    """The token that ends a turn is named as the end; if it is spelled otherwise it still follows the one that begins a turn (105, 106)."""
    special = file.special or {}
    if "<turn|>" in special:
        return [Patch(key="tokenizer.ggml.eos_token_id", value=special["<turn|>"].id, kind="int")]
    if "<|turn>" not in special:
        return []
    number = special["<|turn>"].id + 1
    hidden = Patch(key=f"tokenizer.ggml.token_type[{number}]", value=CONTROL)
    return [Patch(key="tokenizer.ggml.eos_token_id", value=number, kind="int"), hidden]


def _soft_cap(_: FileFacts) -> Sequence[Patch]:
    return [Patch(key="gemma4.final_logit_softcapping", value=30.0, kind="float")]


def _begin(file: FileFacts) -> Sequence[Patch]:
    bos = (file.special or {}).get("<bos>")
    named = [Patch(key="tokenizer.ggml.bos_token_id", value=bos.id, kind="int")] if bos and file.named.get("bos") != "<bos>" else []
    return [*named, Patch(key="tokenizer.ggml.add_bos_token", value=True, kind="bool")]


def _model(_: FileFacts) -> Sequence[Patch]:
    return [Patch(key="tokenizer.ggml.model", value="gemma4", kind="str")]


def _published(file: FileFacts) -> Sequence[Patch]:
    """Numbers that are the same in all sizes; a width is taken from the tensors, which cannot lie about it."""
    found = [Patch(key=GEMMA + key, value=value, kind="float") for key, value in ALIKE.items() if _differs(file, key, value)]
    for layer, slides in enumerate(file.sliding):
        norm = file.tensors.get(f"blk.{layer}.attn_q_norm.weight")
        if norm and not slides and norm.shape[0] != file.number("attention.key_length"):
            keys = ("attention.key_length", "attention.value_length", "rope.dimension_count")
            return [*found, *(Patch(key=GEMMA + key, value=norm.shape[0], kind="int") for key in keys)]
    return found


def _differs(file: FileFacts, key: str, value: float) -> bool:
    seen = file.metadata.get(GEMMA + key)
    return not isinstance(seen, int | float) or not math.isclose(seen, value, rel_tol=1e-4)


def _types(file: FileFacts) -> Sequence[Patch]:
    wrong = {
        token.id: USER_DEFINED if text in SHOWN else CONTROL
        for text, token in (file.special or {}).items()
        if token.type != (USER_DEFINED if text in SHOWN else CONTROL)
    }
    return [Patch(key=f"tokenizer.ggml.token_type[{number}]", value=kind) for number, kind in sorted(wrong.items())]


def _frequencies(file: FileFacts) -> Sequence[Patch]:
    pairs = (file.number("attention.key_length") or 512) // 2
    turning = pairs // 4
    return [Patch(key=FREQUENCIES, value=(ROTATED,) * turning + (STILL,) * (pairs - turning))]


def _pattern(file: FileFacts) -> Sequence[Patch]:
    """Which layers slide, from what they are made of: a global layer's heads are twice as long (512 and 256)."""
    wide = {}
    for layer in range(file.layers):
        norm = file.tensors.get(f"blk.{layer}.attn_q_norm.weight")
        if norm is None:
            return []
        wide[layer] = norm.shape[0] == file.number("attention.key_length")
    return [Patch(key="gemma4.attention.sliding_window_pattern", value=tuple(not wide[layer] for layer in range(file.layers)))]


# By cause (docs/causes.md).
MENDED = {
    "T3": _begin,
    "T6": _turn_end,
    "T7": _types,
    "T8": _model,
    "T10": _turn_end,
    "G1": _soft_cap,
    "G3": _frequencies,
    "G4": _pattern,
    "G7": _published,
}


def can_copy(path: Path, folder: Path) -> bool:
    """Whether a copy of the file fits, with as much room left as it takes."""
    size = path.stat().st_size
    return size <= MOST_BYTES and 2 * size <= shutil.disk_usage(folder).free


def write_copy(source: Path, wanted: Sequence[Patch], destination: Path) -> None:
    """The file with the patches in it."""
    from gguf import GGMLQuantizationType, GGUFValueType

    from runtimeprobe.gguf import contents

    kinds = {bool: GGUFValueType.BOOL, int: GGUFValueType.UINT32, float: GGUFValueType.FLOAT32, str: GGUFValueType.STRING}
    opened = contents.read(source)
    for patch in wanted:
        key, bracket, number = patch.key.partition("[")
        value: Any = list(patch.value) if isinstance(patch.value, tuple) else patch.value
        if key == FREQUENCIES:
            import numpy as np

            opened.tensors[key] = (np.asarray(value, dtype=np.float32), GGMLQuantizationType.F32)
        elif bracket:
            opened.value(key)[int(number.rstrip("]"))] = value
        elif key in opened.keys:
            opened.change(key, value)
        elif isinstance(value, list):
            opened.add(key, value, GGUFValueType.ARRAY, kinds[type(value[0])])
        else:
            opened.add(key, value, kinds[type(value)])
    contents.write(opened, destination)
