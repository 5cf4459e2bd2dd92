"""`runtimeprobe inspect`, as it is typed."""

import json
from pathlib import Path

from click.testing import CliRunner, Result
from tests.gguf import published

from runtimeprobe.cli import group
from runtimeprobe.twins import files

TWIN = files.folder() / "twin-e2b"


def inspect(*words: str | Path) -> Result:
    return CliRunner().invoke(group, ["inspect", *map(str, words)])


def test_the_arithmetic_of_the_e_is_shown_line_by_line(tmp_path: Path) -> None:
    shown = inspect(published.write(tmp_path / "a.gguf", "gemma-4-e2b", vocabulary=False)).output
    for line in (
        "layers  1,895,986,723  counted", "token embedding    402,653,184  counted", "per-layer embeddings  2,348,810,240  not counted",
        "= total  4,647,450,147", "= effective  2,298,639,907  2.30 billion",
    ):  # fmt: skip
        assert line in shown


def test_the_cache_is_counted_at_any_context() -> None:
    assert (
        "KV cache at 4,096 tokens, 16 bits: 12.0 MiB (global layers: 1 x 4,096 cells, 8.0 MiB; sliding"
        in inspect(TWIN / "text.gguf").output
    )
    shown = inspect(TWIN / "text.gguf", "--context", "2000").output
    assert shown.count("KV cache at") == 1
    assert "KV cache at 2,000 tokens, 16 bits: 8.0 MiB" in shown


def test_what_is_found_is_shown_with_its_fix(tmp_path: Path) -> None:
    path = tmp_path / "a.gguf"
    path.write_bytes((TWIN / "text.gguf").read_bytes().replace(b"blk.3.layer_output_scale", b"blk.3.layer_output_scala"))
    shown = inspect(path).output
    assert "found G2: " in shown
    assert "seen: no layer_output_scale in layers 3" in shown
    assert "fix: convert the model again" in shown
    assert "found" not in inspect(TWIN / "text.gguf", "--projector", TWIN / "mmproj.gguf").output


def test_json_holds_every_finding() -> None:
    seen = json.loads(inspect(TWIN / "hf", "--json").output)
    statuses = {finding["id"]: finding["status"] for finding in seen["findings"]}
    assert (statuses["C1"], statuses["K1"]) == ("clear", "not_checked")
    assert seen["effective_parameters"] == sum(term["parameters"] for term in seen["terms"] if term["effective"])
    assert seen["parameters"] == sum(term["parameters"] for term in seen["terms"])
    assert {cache["context"] for cache in seen["caches"]} == {4096, 8192}


def test_a_file_that_is_no_projector_is_refused() -> None:
    done = inspect(TWIN / "text.gguf", "--projector", TWIN / "text.gguf")
    assert done.exit_code != 0
    assert "is no projector" in done.output


def test_nothing_is_claimed_about_a_projector_alone() -> None:
    done = inspect(TWIN / "mmproj.gguf")
    assert done.exit_code == 0
    assert "effective" not in done.output
    assert "found" not in done.output
