"""Parameters and memory: published sizes against published numbers, the twins against what llama.cpp allocates."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.gguf import models, published

from runtimeprobe.gguf import metadata
from runtimeprobe.gguf.account import Term, terms
from runtimeprobe.gguf.folder import read_folder
from runtimeprobe.gguf.header import Tensor, read_header
from runtimeprobe.gguf.memory import Cache, cache
from runtimeprobe.gguf.summary import summarise
from runtimeprobe.twins import files

# Of the text model, in billions. E2B: the count that a GGUF of it is listed with; the large two: Google's model card.
TOTAL = {"gemma-4-e2b": 4.65, "gemma-4-26b-a4b": 25.2, "gemma-4-31b": 30.7}


def counted(model: str) -> tuple[Term, ...]:
    return terms(Tensor(name, shape, "F32", 0, 0) for name, shape in published.shapes(model).items())


@pytest.mark.parametrize("model", TOTAL)
def test_the_total_is_the_published_one(model: str) -> None:
    total = sum(term.parameters for term in counted(model)) / 1e9
    assert total == pytest.approx(TOTAL[model], abs=0.05 if TOTAL[model] > 10 else 0.005)


def test_the_e_of_e2b_leaves_the_per_layer_embeddings_out() -> None:
    found = {term.component: term for term in counted("gemma-4-e2b")}
    assert found["per-layer embeddings"].parameters == 262_144 * 35 * 256
    assert not found["per-layer embeddings"].effective
    assert sum(term.parameters for term in found.values() if term.effective) / 1e9 == pytest.approx(2.3, abs=0.05)


@pytest.mark.parametrize("model", ["gemma-4-26b-a4b", "gemma-4-31b"])
def test_without_per_layer_embeddings_all_are_effective(model: str) -> None:
    assert all(term.effective for term in counted(model))


@pytest.mark.parametrize("twin", ["twin-e2b", "twin-e4b"])
def test_text_file_and_projector_together_hold_what_the_folder_holds(twin: str) -> None:
    """But for the 256 rope frequencies, which only GGUF writes out."""
    folder = {term.component: term.parameters for term in summarise(files.folder() / twin / "hf").terms}
    text = {term.component: term.parameters for term in summarise(files.folder() / twin / "text.gguf").terms}
    projector = {term.component: term.parameters for term in summarise(files.folder() / twin / "mmproj.gguf").terms}
    assert {**text, **projector, "layers": text["layers"] - 256} == folder


@pytest.mark.parametrize("bits", [4, 8])
def test_packed_weights_are_counted_as_weights(tmp_path: Path, bits: int) -> None:
    assert sum(term.parameters for term in summarise(models.folder(tmp_path / "a", bits=bits)).terms) == 1 + 4 + 64 * 64


def of(header_of: Path, context: int) -> Cache:
    found = cache(metadata.of_header(read_header(header_of)), context)
    assert found is not None
    return found


LOGGED = re.compile(r"llama_kv_cache: size = +([\d.]+) MiB \( *(\d+) cells, +(\d+) layers")


@pytest.mark.parametrize("context", [300, 1024, 5000])
@pytest.mark.parametrize("twin", sorted(path.name for path in files.DATA.glob("twin-*")))
def test_llama_cpp_allocates_the_cache_we_count(twin: str, context: int) -> None:
    """With `swa_full` off, as llama-server has it; llama-cpp-python alone gives sliding layers a cell per token by default."""
    path = files.folder() / twin / "text.gguf"
    code = "import sys, llama_cpp; llama_cpp.Llama(sys.argv[1], n_ctx=int(sys.argv[2]), flash_attn=True, swa_full=False, verbose=True)"
    done = subprocess.run([sys.executable, "-c", code, str(path), str(context)], capture_output=True, text=True, check=True)
    ours, sizes = of(path, context), LOGGED.findall(done.stderr)
    wanted = (
        (ours.global_bytes, ours.global_cells, ours.global_layers),
        (ours.sliding_bytes, ours.sliding_cells, ours.sliding_layers),
    )
    assert sizes == [(f"{size / 2**20:.2f}", str(cells), str(layers)) for size, cells, layers in wanted]


def test_layers_that_share_a_cache_cost_nothing() -> None:
    ours = of(files.folder() / "twin-e2b/text.gguf", 4096)
    assert (ours.shared_layers, ours.global_layers, ours.sliding_layers) == (5, 1, 4)


@pytest.mark.parametrize("twin", ["twin-e2b", "twin-e4b"])
def test_a_folder_counts_as_its_gguf_does(twin: str) -> None:
    folder = cache(metadata.of_folder(read_folder(files.folder() / twin / "hf")), 4096)
    assert folder == of(files.folder() / twin / "text.gguf", 4096)


@pytest.mark.parametrize("changed", [{"pattern": []}, {"pattern": [True] * 3}, {"shared": 35}, {"block_count": 0}, {"head_count_kv": 0}])
def test_a_file_that_does_not_say_enough_has_no_count(tmp_path: Path, changed: dict[str, Any]) -> None:
    header = read_header(models.text(tmp_path / "a.gguf", **changed))
    assert cache(metadata.of_header(header), 4096) is None


@pytest.mark.parametrize("model", published.SIZES)
def test_the_page_on_the_e_shows_these_numbers(model: str) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs/inspect.md").read_text(encoding="utf-8")
    found = counted(model)
    numbers = [term.parameters for term in found]
    total, effective = sum(numbers), sum(term.parameters for term in found if term.effective)
    numbers = numbers if len(numbers) > 2 else [*numbers, 0]
    row = " | ".join(f"{number:,}" for number in (*numbers, total, effective))
    assert f" {row} |" in page
