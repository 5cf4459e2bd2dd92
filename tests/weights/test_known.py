from pathlib import Path

import pytest

from runtimeprobe.gguf.expected import expected
from runtimeprobe.plan import AUDIO_MODELS
from runtimeprobe.weights import fit
from runtimeprobe.weights.known import known, missing


def test_every_model_that_hears_has_a_row() -> None:
    assert tuple(known()) == AUDIO_MODELS
    assert set(known()) <= set(expected().sizes)


@pytest.mark.parametrize("model", AUDIO_MODELS)
def test_memory_needs_are_at_least_the_files_and_the_engine(model: str) -> None:
    row = known()[model]
    assert all(fit.needed_bytes(one.text_bytes, one.projector_bytes, 0) <= one.memory_bytes for one in row.gguf)
    assert all(fit.needed_bytes(one.bytes, 0, 0) <= one.memory_bytes for one in row.mlx)


def test_what_is_missing_names_files_sizes_place_and_command(tmp_path: Path) -> None:
    first = missing({"HF_HOME": str(tmp_path)}, Path("/home/nobody"))[0]
    assert first.model == "gemma-4-e2b"
    assert "Gemma 4 E2B" in first.reason
    for part in (
        "gemma-4-E2B-it-Q8_0.gguf (4.97 GB)", "mmproj-gemma-4-E2B-it-bf16.gguf (0.99 GB)", "ggml-org/gemma-4-E2B-it-GGUF",
        "7.00 GB of memory",
        "mlx-community/gemma-4-e2b-it-4bit (3.60 GB)", f"{tmp_path}/hub",
        "runtimeprobe matrix --weights real --download --model gemma-4-e2b",
    ):  # fmt: skip
        assert part in first.fix
