"""What is known of a runtime, row by row: the release that has a fault, the one that has not, and the one that cannot be told."""

from dataclasses import replace
from typing import Any

import pytest

from runtimeprobe.diagnose.causes.catalogue import CATALOGUE, examine
from runtimeprobe.diagnose.causes.interface import FileFacts, RunFacts
from runtimeprobe.diagnose.causes.tokenizer import logged_ends
from runtimeprobe.diagnose.causes.versions import build_number, numbers
from runtimeprobe.diagnose.results import Status

FOUND, CLEAR, NOT = Status.FOUND, Status.CLEAR, Status.NOT_CHECKED
DENSE = FileFacts("gguf", architecture="gemma4", model="gemma-4-31b", metadata={"gemma4.block_count": 60, "gemma4.context_length": 262_144})
SMALL = FileFacts(
    "gguf",
    architecture="gemma4",
    model="gemma-4-e2b",
    quantization="4bit",
    metadata={"gemma4.block_count": 35, "gemma4.embedding_length_per_layer_input": 256, "gemma4.attention.shared_kv_layers": 20},
)
CUDA = RunFacts(engine="llama-server", build=11_000, device="CUDA0")
ENDS = (
    "load: printing all EOG tokens:",
    "load:   - 1 ('<eos>')",
    "load:   - 50 ('<|tool_response>')",
    "load:   - 106 ('<turn|>')",
    "load: special tokens cache size = 24",
)
GOOD = {"temperature": 1.0, "top_p": 0.95, "top_k": 64.0, "min_p": 0.0, "repeat_penalty": 1.0}


def run(**known: Any) -> RunFacts:
    return RunFacts(**known)


def server(build: int | None, **known: Any) -> RunFacts:
    return RunFacts(engine="llama-server", build=build, **known)


CASES: list[tuple[str, FileFacts | None, RunFacts, Status]] = [
    ("T1", None, server(8645), FOUND),
    ("T1", None, server(8646), CLEAR),
    ("T1", None, server(None), NOT),
    ("T1", None, run(engine="ollama", version="0.33.0"), NOT),
    ("T1", None, run(engine="mlx-lm", version="0.32.2"), CLEAR),
    ("T2", None, server(8640), FOUND),
    ("T2", None, server(8700), NOT),
    ("T2", None, server(8746), CLEAR),
    ("T3", None, run(prompt_ids=(105, 2364)), FOUND),
    ("T3", None, run(prompt_ids=(2, 105)), CLEAR),
    ("T3", replace(DENSE, metadata={"tokenizer.ggml.bos_token_id": 7}), run(prompt_ids=(7, 8)), CLEAR),
    ("T4", None, run(prompt_ids=(2, 2, 105)), FOUND),
    ("T4", None, run(prompt_ids=(2, 105)), CLEAR),
    ("T4", None, run(log=("llama: ... So now the final prompt starts with 2 BOS tokens. Are you sure",)), FOUND),
    ("T5", None, server(11_000, log=(*ENDS[:2], "load:   - 212 ('</s>')", *ENDS[2:])), FOUND),
    (
        "T5",
        None,
        server(11_000, log=(*ENDS[:2], "load:   - 212 ('</s>')", *ENDS[2:], "load: '</s>' is a normal token here, removing")),
        CLEAR,
    ),
    ("T5", None, server(8640), FOUND),
    ("T5", None, server(9000), CLEAR),
    ("T6", None, server(11_000, log=ENDS), CLEAR),
    ("T6", None, server(11_000, log=(*ENDS[:3], ENDS[4])), FOUND),
    ("C2", DENSE, run(engine="ollama", version="0.20.7"), FOUND),
    ("C2", SMALL, run(engine="ollama", version="0.20.7"), NOT),
    ("C5", None, run(thinking=True), FOUND),
    ("C5", None, run(thinking=False), CLEAR),
    ("C5", None, run(), NOT),
    ("K1", None, replace(CUDA, build=8640), FOUND),
    ("K1", None, replace(CUDA, build=8640, flags={"GGML_CUDA_DISABLE_FUSION": "1"}), CLEAR),
    ("K1", None, replace(CUDA, build=8640, device="CPU"), CLEAR),
    ("K1", None, replace(CUDA, build=8700), NOT),
    ("K1", None, replace(CUDA, device=""), NOT),
    ("K2", replace(DENSE, bytes_by_type={"IQ1_S": 9, "F32": 1}), replace(CUDA, toolkit="13.2.1"), FOUND),
    ("K2", replace(DENSE, bytes_by_type={"IQ1_S": 9}), replace(CUDA, toolkit="13.2"), FOUND),
    ("K2", replace(DENSE, bytes_by_type={"IQ1_S": 9}), replace(CUDA, toolkit="13.2.2"), CLEAR),
    ("K2", replace(DENSE, bytes_by_type={"IQ1_S": 9}), CUDA, NOT),
    ("K2", replace(DENSE, bytes_by_type={"Q4_K": 9}), CUDA, CLEAR),
    ("K3", None, replace(CUDA, flags={"-nkvo": ""}), FOUND),
    ("K3", None, CUDA, CLEAR),
    ("K3", None, server(11_000, device="CPU", flags={"-nkvo": ""}), CLEAR),
    ("K4", None, run(engine="ollama", version="0.20.3"), FOUND),
    ("K4", None, run(engine="ollama", version="0.20.3", flash_attention=False), CLEAR),
    ("K4", None, run(engine="ollama", version="0.20.4"), CLEAR),
    ("K4", None, CUDA, CLEAR),
    ("K5", None, run(device="Vulkan0", flash_attention=True, draft_model=True), FOUND),
    ("K5", None, run(device="Vulkan0", flash_attention=True, draft_model=False), CLEAR),
    ("K5", None, run(device="Vulkan0", flash_attention=True), NOT),
    ("K6", DENSE, CUDA, NOT),
    ("K6", SMALL, CUDA, CLEAR),
    ("K8", None, run(engine="lmstudio", flags={"runtime": "2.13.0"}, devices=2), FOUND),
    ("K8", None, run(engine="lmstudio", flags={"runtime": "2.13.0"}, devices=1), CLEAR),
    ("K8", None, run(engine="lmstudio", flags={"runtime": "2.14.1"}), CLEAR),
    ("K8", None, run(engine="lmstudio"), NOT),
    ("K9", None, server(8745), FOUND),
    ("K9", None, server(8746), CLEAR),
    ("V1", None, server(11_000, kv_type_k="q4_0", kv_type_v="q4_0"), FOUND),
    ("V1", None, server(11_000, kv_type_k="f16", kv_type_v="q4_0"), FOUND),
    ("V1", None, server(11_000, kv_type_k="q8_0", kv_type_v="q8_0"), CLEAR),
    ("V1", None, server(8640, kv_type_k="q8_0", kv_type_v="q8_0"), FOUND),
    ("V1", None, server(11_000, kv_type_k="q8_0", kv_type_v="q8_0", flags={"LLAMA_ATTN_ROT_DISABLE": "1"}), FOUND),
    ("V1", None, server(11_000, kv_type_k="q8_0", kv_type_v="q8_0", log=("llama_kv_cache: attn_rot_k = 0",)), FOUND),
    ("V1", None, server(None, kv_type_k="q8_0", kv_type_v="q8_0"), NOT),
    ("V1", None, server(11_000, kv_type_k="F16", kv_type_v="bf16"), CLEAR),
    ("V1", None, server(11_000), NOT),
    ("V2", None, server(11_000, parallel=1, prompt_cache=False), CLEAR),
    ("V2", None, server(11_000, parallel=4, prompt_cache=True), NOT),
    ("S1", None, run(sampling={"temperature": 0.0}), FOUND),
    ("S1", None, run(sampling={"temperature": 1.0, "top_k": 1}), FOUND),
    ("S1", None, run(sampling={"temperature": 0.0, "repeat_penalty": 1.1}), CLEAR),
    ("S1", None, run(sampling={"temperature": 0.0, "presence_penalty": 0.5}), CLEAR),
    ("S1", None, run(sampling={"temperature": 2.0, "top_k": 0, "top_p": 1.0}), FOUND),
    ("S1", None, run(sampling=GOOD), CLEAR),
    ("S1", None, run(engine="mlx-lm", version="0.32.2"), FOUND),
    ("S1", None, run(), NOT),
    ("S2", None, run(sampling={**GOOD, "repeat_penalty": 1.8}), FOUND),
    ("S2", None, run(sampling={**GOOD, "presence_penalty": 1.5}), FOUND),
    ("S2", None, run(sampling={**GOOD, "repeat_penalty": 1.1}), CLEAR),
    ("S3", None, server(11_000), FOUND),
    ("S3", None, server(11_000, sampling=GOOD), CLEAR),
    ("S3", None, server(11_000, sampling={"temperature": 1.0}), FOUND),
    ("S3", None, run(engine="ollama", version="0.32.9", sampling={"temperature": 1.0}), FOUND),
    ("S3", None, run(engine="ollama", version="0.32.10", sampling={"temperature": 1.0}), CLEAR),
    ("S3", None, run(engine="x", defaults={"temperature": 1.0, "top_k": 64}), CLEAR),
    ("S3", None, run(engine="x"), NOT),
    ("L1", None, server(11_000, context=256, context_shift=True), FOUND),
    ("L1", None, server(11_000, context=256, context_shift=False), CLEAR),
    ("L1", None, server(11_000, context=256), NOT),
    ("L1", None, server(11_000, context=4096, context_shift=True), CLEAR),
    ("L1", None, server(11_000, context=4096, context_shift=True, prompt_tokens=4000, max_tokens=512), FOUND),
    ("L1", None, server(11_000, context=256, context_shift=True, prompt_tokens=100, max_tokens=100), CLEAR),
    ("L1", None, server(11_000, context=2048, parallel=4, context_shift=True), FOUND),
    ("L2", DENSE, server(11_000, context=300_000), FOUND),
    ("L2", DENSE, server(11_000, context=262_144), CLEAR),
    ("M1", None, run(tools_or_format=False), CLEAR),
    ("M1", None, run(tools_or_format=True), NOT),
    ("M3", None, run(thinking=False), CLEAR),
    ("M3", None, run(thinking=True), NOT),
    ("M4", None, run(context=8192), CLEAR),
    ("M4", None, run(context=65_536), NOT),
    ("X1", None, run(engine="mlx-vlm", version="0.4.9"), FOUND),
    ("X1", None, run(engine="mlx-vlm", version="0.4.9", parallel=1), CLEAR),
    ("X1", None, run(engine="mlx-vlm", version="0.5.0"), CLEAR),
    ("X1", None, CUDA, CLEAR),
    ("X3", SMALL, run(engine="mlx-lm", version="0.31.1"), FOUND),
    ("X3", SMALL, run(engine="mlx-lm", version="0.31.2"), CLEAR),
    ("X3", replace(SMALL, quantization="BF16"), run(engine="mlx-lm", version="0.31.1"), CLEAR),
    ("X4", SMALL, run(engine="mlx-lm", version="0.31.2"), FOUND),
    ("X4", DENSE, run(engine="mlx-lm", version="0.31.2"), CLEAR),
    ("X4", SMALL, run(engine="mlx-lm", version="0.31.3"), CLEAR),
]


@pytest.mark.parametrize(("cause", "file", "known", "status"), CASES, ids=[f"{case[0]}-{index}" for index, case in enumerate(CASES)])
def test_what_the_run_says(cause: str, file: FileFacts | None, known: RunFacts, status: Status) -> None:
    finding = next(finding for finding in examine(file, known) if finding.id == cause)
    assert finding.status is status, finding.seen
    assert finding.seen


def test_every_row_about_a_run_has_a_case_of_each_outcome_it_can_have() -> None:
    """Rows that only running can tell are never found; those of a file alone are in test_file_faults.py."""
    seen = {cause: {status for other, *_, status in CASES if other == cause} for cause, *_ in CASES}
    never_found = {"K6", "V2", "M1", "M3", "M4"}
    assert all(FOUND in statuses for cause, statuses in seen.items() if cause not in never_found)
    letters = {"K", "V", "S", "L", "X", "M"}
    assert {row.id for row in CATALOGUE if row.id[0] in letters} - set(seen) == {"M2", "X2"}


def test_the_files_own_sampling_is_llama_cpps_default() -> None:
    said = {"general.sampling.temp": 1.0, "general.sampling.top_k": 64, "general.sampling.top_p": 0.95, "general.sampling.min_p": 0.0}
    file = replace(DENSE, metadata={**DENSE.metadata, **said})
    assert next(finding for finding in examine(file, server(11_000)) if finding.id == "S3").status is CLEAR


def test_a_bos_that_the_build_forces_is_found_with_little_confidence() -> None:
    file = replace(DENSE, special={}, named={"bos": "<bos>"}, metadata={**DENSE.metadata, "tokenizer.ggml.add_bos_token": False})
    old, new = (next(finding for finding in examine(file, server(build)) if finding.id == "T3") for build in (8640, 11_000))
    assert (old.status, old.confidence, new.status, new.confidence) == (FOUND, "high", FOUND, "low")


def test_the_list_of_ends_is_read_from_the_log() -> None:
    assert logged_ends(ENDS) == {1: "<eos>", 50: "<|tool_response>", 106: "<turn|>"}
    assert logged_ends(ENDS[1:]) == {}


BUILDS = {"b11549": 11_549, "11549": 11_549, "2026.10.11549": 11_549, "8643 (f49e91787)": 8643, "0.3.36": None, "": None, "unknown": None}


@pytest.mark.parametrize("text", BUILDS)
def test_builds_are_read_in_every_spelling(text: str) -> None:
    assert build_number(text) == BUILDS[text]


@pytest.mark.parametrize(("text", "version"), [("v0.20.4", (0, 20, 4)), ("0.31.2rc1", (0, 31, 2)), ("b8746", (8746,)), ("unknown", ())])
def test_versions_are_read_as_numbers(text: str, version: tuple[int, ...]) -> None:
    assert numbers(text) == version
