"""Nothing is found in a healthy file: the twins, the published sizes, other types and names of the same weights."""

import shutil
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from runtimeprobe.diagnose.causes.catalogue import examine
from runtimeprobe.diagnose.causes.facts import file_facts
from runtimeprobe.diagnose.causes.interface import RunFacts
from runtimeprobe.diagnose.results import Finding, Status
from runtimeprobe.gguf.summary import summarise
from runtimeprobe.twins import files
from tests.diagnose.causes.conftest import TWINS, Keys, Tensors, copy
from tests.gguf import published

# Rows that a file alone answers, when its vocabulary is walked and its projector given.
OF_FILE = {"T3", "T4", "T6", "T7", "T8", "T9", "T10", "C1", "C2", "C3", "C4", "C6", "G1", "G2", "G3", "G4", "G5", "G6", "G7", "G8"}
GOOD_RUN = RunFacts(
    engine="llama-server", version="b11434", build=11434, device="CPU", kv_type_k="f16", kv_type_v="f16", flash_attention=True,
    context=8192, context_shift=False, parallel=1, prompt_cache=False, draft_model=False, thinking=False, tools_or_format=False,
    prompt_ids=(2, 15, 9),
    sampling={"temperature": 1.0, "top_p": 0.95, "top_k": 64, "min_p": 0.0, "repeat_penalty": 1.0},
)  # fmt: skip


def found(findings: tuple[Finding, ...]) -> dict[str, str]:
    return {finding.id: finding.seen for finding in findings if finding.status is Status.FOUND}


def clear(findings: tuple[Finding, ...]) -> set[str]:
    return {finding.id for finding in findings if finding.status is Status.CLEAR}


@pytest.mark.parametrize("twin", TWINS)
def test_a_shipped_twin_is_clear_in_every_row_a_file_answers(twin: str) -> None:
    folder = files.folder() / twin
    projector = folder / "mmproj.gguf"
    findings = examine(file_facts(folder / "text.gguf", projector if projector.exists() else None), None)
    assert found(findings) == {}
    assert clear(findings) >= OF_FILE - (set() if projector.exists() else {"G6"})


@pytest.mark.parametrize("twin", TWINS)
def test_a_shipped_folder_is_clear(twin: str) -> None:
    findings = examine(file_facts(files.folder() / twin / "hf"), None)
    assert found(findings) == {}
    assert clear(findings) >= OF_FILE - {"G3", "G6", "T9"}  # the first is made by the converter, the last needs the words


def test_a_dense_file_is_clear(dense: Path) -> None:
    findings = examine(file_facts(dense), None)
    assert found(findings) == {}
    assert clear(findings) >= OF_FILE - {"G6"}


def test_every_published_size_is_clear(published_files: dict[str, Path]) -> None:
    for model, path in published_files.items():
        facts = file_facts(path)
        assert facts.model == model
        findings = examine(facts, None)
        assert found(findings) == {}, model
        assert clear(findings) >= OF_FILE - {"G6"}, model
        assert [check.key for check in summarise(path).checks if check.status != "ok" and check.key.startswith("gemma4.")] == []


@pytest.mark.parametrize("kind", ["BF16", "F16", "Q4_0", "Q6_K"])
def test_another_quantization_is_clear(tmp_path: Path, kind: str) -> None:
    assert found(examine(file_facts(published.write(tmp_path / "a.gguf", "gemma-4-e4b", kind, vocabulary=False)), None)) == {}


def as_type(kind: Any) -> Any:
    def edit(_: Keys, tensors: Tensors) -> None:
        for name, (data, type_) in tensors.items():
            if type_ == gguf.GGMLQuantizationType.F16 and data.shape[-1] % 32 == 0 and not name.startswith("rope"):
                tensors[name] = (gguf.quantize(data.astype(np.float32), kind), kind)

    return edit


@pytest.mark.parametrize("kind", ["Q8_0", "Q4_0", "Q5_1", "BF16", "F32"])
def test_the_twins_real_weights_in_another_type_are_clear(tmp_path: Path, e2b: Path, kind: str) -> None:
    path = copy(e2b, tmp_path / "a.gguf", as_type(gguf.GGMLQuantizationType[kind]))
    assert found(examine(file_facts(path), GOOD_RUN)) == {}


def test_four_bits_written_back_to_sixteen_are_clear(tmp_path: Path, e2b: Path) -> None:
    def there_and_back(_: Keys, tensors: Tensors) -> None:
        kind = gguf.GGMLQuantizationType.Q4_0
        for name, (data, type_) in tensors.items():
            if type_ == gguf.GGMLQuantizationType.F16 and data.shape[-1] % 32 == 0:
                tensors[name] = (gguf.dequantize(gguf.quantize(data.astype(np.float32), kind), kind).astype(np.float16), type_)

    assert found(examine(file_facts(copy(e2b, tmp_path / "a.gguf", there_and_back)), GOOD_RUN)) == {}


def test_ollamas_name_for_the_tokenizer_and_the_other_end_are_clear(tmp_path: Path, e2b: Path) -> None:
    def edit(keys: Keys, _: Tensors) -> None:
        string = keys["tokenizer.ggml.model"][1]
        keys["tokenizer.ggml.model"] = ("llama", string, None)
        keys["tokenizer.ggml.pre"] = ("gemma4", string, None)
        words = keys["tokenizer.ggml.tokens"][0]
        keys["tokenizer.ggml.eos_token_id"] = (words.index("<turn|>"), *keys["tokenizer.ggml.eos_token_id"][1:])

    assert found(examine(file_facts(copy(e2b, tmp_path / "a.gguf", edit)), None)) == {}


@pytest.mark.parametrize("engine", ["llama-server", "xllamacpp", "llama-cpp-python", "mlx-vlm", "mlx-lm", "ollama", "lmstudio"])
def test_a_current_runtime_with_the_recommended_sampling_is_clear(e2b: Path, engine: str) -> None:
    versions = {"mlx-vlm": "0.7.10", "mlx-lm": "0.32.2", "ollama": "0.33.0", "lmstudio": "0.4.23"}
    mlx = engine.startswith("mlx")
    changes: dict[str, Any] = {"engine": engine, "version": versions.get(engine, "b11434"), "build": None if mlx else 11434}
    run = RunFacts(**{**{name: getattr(GOOD_RUN, name) for name in GOOD_RUN.__slots__}, **changes})
    findings = examine(file_facts(e2b), run)
    assert found(findings) == {}
    never = {"M2", "X2"} | ({"K8"} if engine == "lmstudio" else set()) | {"G6"}
    assert {finding.id for finding in findings if finding.status is Status.NOT_CHECKED} <= never


def test_a_split_model_is_clear(tmp_path: Path, e2b: Path) -> None:
    reader = gguf.GGUFReader(str(e2b))
    writer = gguf.GGUFWriter(str(tmp_path / "twin.gguf"), "gemma4", split_max_tensors=100)
    for name, field in reader.fields.items():
        if not name.startswith("GGUF.") and name != "general.architecture":
            writer.add_key_value(name, field.contents(), field.types[0], field.types[-1] if len(field.types) > 1 else None)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    parts = sorted(tmp_path.glob("twin-*.gguf"))
    assert len(parts) == 2
    findings = examine(file_facts(parts[1]), None)
    assert found(findings) == {}
    assert clear(findings) >= OF_FILE - {"G6"}


def test_a_folder_with_its_template_in_the_old_place_is_clear(tmp_path: Path) -> None:
    import json

    folder = shutil.copytree(files.folder() / "twin-e2b/hf", tmp_path / "hf")
    template = (folder / "chat_template.jinja").read_text()
    (folder / "chat_template.jinja").unlink()
    config = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**config, "chat_template": template}))
    facts = file_facts(folder)
    assert facts.template == template
    assert found(examine(facts, None)) == {}
