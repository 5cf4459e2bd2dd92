"""The static half of the fault bench: every fault of the table is found for what it is, and nothing else with it.

Planted in E4B's twin made over into a 31B of the table's six layers, so that this needs no training: what a model says plays no part here.
"""

import re
from pathlib import Path

import pytest

from runtimeprobe.diagnose.causes.catalogue import examine
from runtimeprobe.diagnose.causes.facts import file_facts
from runtimeprobe.diagnose.causes.interface import RunFacts
from runtimeprobe.diagnose.results import Status
from runtimeprobe.twins import files
from tests.diagnose.causes.conftest import Keys, Tensors, copy, to_31b, value
from tests.diagnose.faults.catalogue import CATALOGUE, LAYERS, Fault
from tests.diagnose.faults.plant import plant

RECOMMENDED = {"temperature": 1.0, "top_p": 0.95, "top_k": 64.0, "min_p": 0.0, "repeat_penalty": 1.0}


def run_of(fault: Fault) -> RunFacts:
    """As the adapter for xllamacpp would say it."""
    levers, sampling = fault.levers, fault.sampling
    return RunFacts(
        engine="xllamacpp",
        version="2026.10.11549",
        build=11_549,
        device="CPU",
        kv_type_k=levers.get("kv_type_k", "f16"),
        kv_type_v=levers.get("kv_type_v", "f16"),
        context=int(levers.get("context", "4096")),
        context_shift=levers.get("context_shift") == "on",
        parallel=int(levers.get("parallel", "1")),
        sampling={name: float(getattr(sampling, name)) for name in (*RECOMMENDED, "presence_penalty", "frequency_penalty")}
        if sampling
        else RECOMMENDED,
        thinking=bool(fault.thinking),
    )


@pytest.fixture(scope="session")
def six_layers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def edit(keys: Keys, tensors: Tensors) -> None:
        to_31b(keys, tensors)
        for name in [name for name in tensors if (layer := re.match(r"blk\.(\d+)\.", name)) and int(layer[1]) >= LAYERS]:
            del tensors[name]
        value("gemma4.block_count", LAYERS)(keys, tensors)
        value("gemma4.attention.sliding_window_pattern", [True] * (LAYERS - 1) + [False])(keys, tensors)

    return copy(files.folder() / "twin-e4b/text.gguf", tmp_path_factory.mktemp("six") / "six.gguf", edit)


@pytest.mark.parametrize("fault", CATALOGUE.values(), ids=list(CATALOGUE))
def test_what_was_planted_is_found_and_nothing_else(fault: Fault, six_layers: Path, tmp_path: Path) -> None:
    projector = files.folder() / fault.projector / "mmproj.gguf" if fault.projector else None
    planted = plant(fault.id, six_layers, tmp_path)
    findings = examine(file_facts(planted.file, projector), run_of(fault))
    found = {finding.id: finding.seen for finding in findings if finding.status is Status.FOUND}
    assert set(found) == set(fault.causes), found
