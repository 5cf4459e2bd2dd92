"""Model folders: what is read from them, and what a hostile one may not do."""

import hashlib
import json
import struct
from collections.abc import Mapping
from pathlib import Path

import pytest

from runtimeprobe.contract import Candidate, Claim, LoadFailed, ModelMissing
from runtimeprobe_mlx import Mlx, folder


def safetensors(path: Path, table: Mapping[str, object], data: bytes = b"") -> Path:
    header = json.dumps(table).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + data)
    return path


def test_the_twin_is_described_from_its_own_files(twin: Candidate) -> None:
    weights = Path(twin.hf_folder) / "model.safetensors"
    (model,) = Mlx().models("mlx-vlm", [twin])
    assert model.digest == f"sha256:{hashlib.sha256(weights.read_bytes()).hexdigest()}"
    assert model.size_bytes == weights.stat().st_size
    assert (model.quantization, model.projector_quantization) == ("F16", "F16")
    assert model.claim is Claim.YES


def test_mlx_lm_claims_no_sound_of_the_same_folder(twin: Candidate) -> None:
    (model,) = Mlx().models("mlx-lm", [twin])
    assert (model.claim, model.projector_quantization) == (Claim.NO, "")


def test_a_candidate_in_gguf_alone_is_nothing_mlx_can_load() -> None:
    assert Mlx().models("mlx-vlm", [Candidate("gemma-4-e2b", "real", text_gguf="a.gguf", projector_gguf="b.gguf")]) == []


def test_mlx_quantization_is_read_from_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"quantization": {"group_size": 64, "bits": 4, "mode": "affine"}, "audio_config": null}')
    safetensors(tmp_path / "model.safetensors", {"x": {"dtype": "U32", "shape": [4, 8], "data_offsets": [0, 0]}})
    found = folder.facts(tmp_path)
    assert (found.quantization, found.claim) == ("affine 4-bit group 64", Claim.NO)


def test_the_commonest_dtype_counts_by_elements_not_by_tensors(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    table = {"big": {"dtype": "BF16", "shape": [100, 100]}, "a": {"dtype": "F32", "shape": [1]}, "b": {"dtype": "F32", "shape": [1]}}
    safetensors(tmp_path / "model.safetensors", table)
    assert folder.facts(tmp_path).quantization == "BF16"


def test_the_digest_of_shards_depends_on_each_of_them(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    for number in (1, 2):
        safetensors(tmp_path / f"model-{number}.safetensors", {}, bytes([number]))
    before = folder.facts(tmp_path).digest
    safetensors(tmp_path / "model-2.safetensors", {}, b"\x03")
    assert before.startswith("sha256:")
    assert folder.facts(tmp_path).digest != before


def test_a_blob_of_the_hub_cache_is_not_read_for_its_digest(tmp_path: Path) -> None:
    (tmp_path / "blobs").mkdir()
    blob = safetensors(tmp_path / "blobs" / ("ab" * 32), {})
    (tmp_path / "model.safetensors").symlink_to(blob)
    assert folder.digest_of([tmp_path / "model.safetensors"]) == f"sha256:{'ab' * 32}"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "claims 0 bytes"),
        (struct.pack("<Q", 2**60) + b"{}", f"claims {2**60} bytes"),
        (struct.pack("<Q", 5000) + b"{}", "cut off"),
        (struct.pack("<Q", 200_000) + b"[" * 200_000, "nested too deeply"),
        (struct.pack("<Q", 2) + b"[]", "no JSON object"),
        (struct.pack("<Q", 4) + b"{nop", "cannot be read"),
    ],
)
def test_damaged_weights_are_refused_before_an_engine_sees_them(tmp_path: Path, data: bytes, says: str) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(data)
    assert folder.facts(tmp_path).digest == ""
    with pytest.raises(LoadFailed, match=says):
        folder.check(tmp_path)


def test_a_folder_without_safetensors_is_a_missing_model(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.gguf").touch()
    with pytest.raises(ModelMissing, match="no safetensors"):
        folder.check(tmp_path)


@pytest.mark.parametrize("text", ["{nope", "[" * 100_000, '{"a": "' + "x" * folder.MAX_JSON_BYTES + '"}'])
def test_a_configuration_that_is_not_readable_claims_nothing(twin_copy: Path, text: str) -> None:
    (twin_copy / "config.json").write_text(text)
    assert folder.facts(twin_copy).claim is Claim.UNDECLARED
    with pytest.raises(LoadFailed, match="cannot be read"):
        folder.check(twin_copy)


@pytest.mark.parametrize(
    ("name", "key"), [("config.json", "model_file"), ("config.json", "auto_map"), ("tokenizer_config.json", "auto_map")]
)
def test_a_folder_that_brings_its_own_python_code_is_not_loaded(twin_copy: Path, name: str, key: str) -> None:
    path = twin_copy / name
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: "evil.py"}))
    with pytest.raises(LoadFailed, match="Python code of its own"):
        folder.check(twin_copy)
