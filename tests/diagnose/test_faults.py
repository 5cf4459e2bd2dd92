"""The planted faults: each changes what it says and nothing else, and what they do is what was measured."""

import json
from pathlib import Path
from typing import Any

import pytest

from runtimeprobe.gguf import contents
from runtimeprobe.twins import files
from runtimeprobe.twins.recipe.compare import differences
from tests.diagnose.faults import measure
from tests.diagnose.faults.catalogue import CATALOGUE
from tests.diagnose.faults.plant import plant, twin

LEAST_KINDS_THAT_LOOP = 8


def measured() -> dict[str, Any]:
    return dict(json.loads(measure.MEASURED.read_text(encoding="utf-8")))


def test_taking_a_file_apart_and_putting_it_together_changes_nothing(tmp_path: Path) -> None:
    contents.write(contents.read(twin()), tmp_path / "again.gguf")
    assert differences(twin(), tmp_path / "again.gguf") == []


@pytest.mark.parametrize("name", [fault.id for fault in CATALOGUE.values() if fault.kind == "file"])
def test_a_fault_of_a_file_changes_the_file_and_little_of_it(name: str, tmp_path: Path) -> None:
    changed = differences(twin(), plant(name, twin(), tmp_path).file)
    assert changed
    assert len(changed) <= 6 or CATALOGUE[name].causes == ("G5",)


def test_a_fault_of_configuration_leaves_the_file_alone(tmp_path: Path) -> None:
    assert plant("greedy", twin(), tmp_path).file.read_bytes() == twin().read_bytes()


def test_every_fault_was_measured() -> None:
    assert set(measured()) == set(CATALOGUE)


def test_at_least_eight_single_faults_loop() -> None:
    looping = [name for name, found in measured().items() if found["outcome"] == "loops" and CATALOGUE[name].kind in {"file", "config"}]
    assert len({CATALOGUE[name].causes for name in looping}) >= LEAST_KINDS_THAT_LOOP


def test_no_healthy_variant_loops_or_slips_more_than_drawing_at_random_does() -> None:
    healthy = {name: found for name, found in measured().items() if CATALOGUE[name].kind == "healthy"}
    assert len(healthy) >= 16
    for name, found in healthy.items():
        assert found["loops"] == 0, name
        assert found["wrong"] <= 2, name


def test_the_projector_of_another_width_is_refused_by_llama_cpp(tmp_path: Path) -> None:
    planted = plant("projector-of-e4b", twin(), tmp_path)
    assert planted.candidate.projector_gguf == str(files.folder() / "twin-e4b" / "mmproj.gguf")
    assert "mismatch" in measure.run(planted, ()).words


@pytest.mark.parametrize("name", ["f16", "turn-end-unknown", "wrong-family-template", "rope-freqs-absent"])
def test_what_a_fault_does_is_what_was_measured(name: str, tmp_path: Path) -> None:
    again = measure.run(plant(name, twin(), tmp_path), measure.prompts())
    assert again.outcome == measured()[name]["outcome"]
