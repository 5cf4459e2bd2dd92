"""What is here, said without importing an engine."""

import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import runtimeprobe
import runtimeprobe_mlx
from runtimeprobe.contract import AdapterError, Ask, Config, Engine, Model, ModelMissing, Options
from runtimeprobe_mlx import Mlx, engines

SOURCES = (str(Path(runtimeprobe.__file__).parents[1]), str(Path(runtimeprobe_mlx.__file__).parents[1]))
PROGRAM = """
import json, sys
from runtimeprobe.contract import Options
from runtimeprobe_mlx import Mlx
found = Mlx().discover(Options())
engines = [name for name in sys.modules if name.split(".")[0] in ("mlx", "mlx_lm", "mlx_vlm", "numpy", "transformers")]
print(json.dumps([[[type(item).__name__, item.name, getattr(item, "fix", "")] for item in found], engines]))
"""


def run(*flags: str) -> list[list[list[str]]]:
    done = subprocess.run(
        [sys.executable, *flags, "-c", PROGRAM],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(SOURCES)},
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[list[list[str]]] = json.loads(done.stdout)
    return found


def test_discovery_names_both_engines_and_imports_neither() -> None:
    found, imported = run()
    assert [item[:2] for item in found] == [["Engine", "mlx-vlm"], ["Engine", "mlx-lm"]]
    assert imported == []


def test_an_environment_without_the_engines_says_how_to_install_them() -> None:
    found, _ = run("-S")  # no site-packages: the sources alone are importable
    assert [item[:2] for item in found] == [["Absent", "mlx-vlm"], ["Absent", "mlx-lm"]]
    assert all(item[2].startswith("pip install") and item[2].endswith(item[1]) for item in found)


def test_versions_are_those_of_the_installed_distributions() -> None:
    found = {item.name: item for item in Mlx().discover(Options())}
    for name in ("mlx-vlm", "mlx-lm"):
        engine = found[name]
        assert isinstance(engine, Engine)
        assert engine.version == importlib.metadata.version(name)
        assert engine.build == f"mlx {importlib.metadata.version('mlx')}"


def test_an_mlx_without_its_native_library_is_no_engine(tmp_path: Path) -> None:
    assert not engines.has_backend([str(tmp_path)])
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "libmlx.so").touch()
    assert engines.has_backend([str(tmp_path)])


def test_an_unknown_engine_is_named_in_the_error() -> None:
    with pytest.raises(AdapterError, match="no engine mlx-whisper"):
        Mlx().routes("mlx-whisper")


def test_asking_before_loading_is_an_error_of_the_contract() -> None:
    with pytest.raises(ModelMissing):
        Mlx().ask(Ask("generate.audio", "Transcribe."))


def test_a_folder_that_is_not_there_is_a_missing_model(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"no config\.json"):
        Mlx().load("mlx-vlm", Model("gemma-4-e2b", "real", str(tmp_path / "nowhere")), Config())
