from pathlib import Path
from typing import Any

import pytest
from tests.gguf import models

from runtimeprobe.gguf.header import read_header
from runtimeprobe.weights import fit

LOGITS = 512 * 3 * 4  # one batch, a vocabulary of three, 32-bit floats


# Cache of 4096 tokens in f16: layers that keep their own x tokens x heads x (key + value length) x 2 bytes.
@pytest.mark.parametrize(
    ("model", "own"),
    [
        ("gemma-4-e2b", 3 * 4096 * 1 * 1024 * 2 + 12 * 1024 * 1 * 512 * 2),
        ("gemma-4-e4b", 4 * 4096 * 2 * 1024 * 2 + 20 * 1024 * 2 * 512 * 2),
        ("gemma-4-31b", 10 * 4096 * 4 * 1024 * 2 + 50 * 1536 * 16 * 512 * 2),
    ],
)
def test_only_layers_with_a_cache_of_their_own_count_and_sliding_ones_keep_their_window(tmp_path: Path, model: str, own: int) -> None:
    assert fit.cache_bytes(read_header(models.text(tmp_path / "a.gguf", model))) == own + LOGITS


@pytest.mark.parametrize(
    "changed",
    [
        {"block_count": 2**32 - 1},
        {"shared": 2**32 - 1},
        {"head_count_kv": []},
        {"pattern": [True]},
        {"pattern": [True] * 5000},
        {"head_count_kv": 2**32 - 1},
    ],
)
def test_metadata_that_lies_gives_a_number_and_no_endless_loop(tmp_path: Path, changed: dict[str, Any]) -> None:
    assert fit.cache_bytes(read_header(models.text(tmp_path / "a.gguf", **changed))) >= 0


def test_the_reason_names_both_sizes() -> None:
    assert fit.why_not(7_000_000_000, 4_000_000_000) == "too little memory: about 7.00 GB needed, 4.00 GB available"
    assert fit.why_not(7_000_000_000, 7_000_000_000) is None
    assert fit.why_not(7_000_000_000, 0) is None
