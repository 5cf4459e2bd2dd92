"""Installing an adapter package is all it takes to add a runtime: a toy one, built and installed into a scratch environment."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import BIN

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("click", "rich", "msgspec", "psutil", "jiwer", "packaging")  # what `matrix` imports of the core's dependencies

PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "toy-adapter"
version = "1"
[project.entry-points."runtimeprobe.adapters"]
toy = "toy_adapter:Toy"
[tool.hatch.build.targets.wheel]
only-include = ["toy_adapter.py"]
"""

TOY = """
from runtimeprobe.contract import Engine, Loaded, Model, Reply, Route

class Toy:
    runtime = "Toy"
    def discover(self, options):
        return [Engine("toy", "7.1")]
    def routes(self, engine):
        return [Route("whistle")]
    def models(self, engine, candidates):
        return [Model(item.model, item.weights, item.text_gguf) for item in candidates]
    def levers(self, engine):
        return []
    def load(self, engine, model, config):
        return Loaded(device="imagination")
    def ask(self, ask):
        return Reply("la la la", prompt_tokens=10)
    def unload(self):
        pass
"""


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the core and no adapter, and the toy's source beside it."""
    folder = tmp_path_factory.mktemp("third-party")
    toy = folder / "toy"
    toy.mkdir()
    (toy / "pyproject.toml").write_text(PYPROJECT)
    (toy / "toy_adapter.py").write_text(TOY)
    environment = folder / "environment"
    uv = [str(BIN / "uv"), "--quiet"]
    subprocess.run([*uv, "venv", "--python", sys.executable, environment], check=True, timeout=120)
    install = [*uv, "pip", "install", "--python", str(environment)]
    subprocess.run([*install, "-c", str(ROOT / "constraints.txt"), *NEEDED], check=True, timeout=250)
    subprocess.run([*install, "--no-deps", str(ROOT)], check=True, timeout=250)
    return folder


def matrix(folder: Path) -> dict[str, list[dict[str, str]]]:
    command = [str(folder / "environment" / "bin" / "runtimeprobe"), "matrix", "--json", "-", "--attempts", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr
    result: dict[str, list[dict[str, str]]] = json.loads(done.stdout)
    return result


def install(folder: Path) -> None:
    subprocess.run(
        [str(BIN / "uv"), "-q", "pip", "install", "--python", str(folder / "environment"), "--no-deps", "--reinstall", str(folder / "toy")],
        check=True,
        timeout=120,
    )


@pytest.mark.timeout(600)
def test_an_installed_adapter_is_a_runtime_and_a_broken_one_is_reported(scratch: Path) -> None:
    assert matrix(scratch)["cells"] == []
    install(scratch)
    cells = matrix(scratch)["cells"]
    assert {(cell["runtime"], cell["engine"], cell["route"], cell["verdict"]) for cell in cells} == {("Toy", "toy", "whistle", "ignored")}
    assert {cell["model"] for cell in cells} == {"gemma-4-e2b", "gemma-4-e4b"}
    (scratch / "toy" / "toy_adapter.py").write_text("import a_module_that_is_not_there\n" + TOY)
    install(scratch)
    (problem,) = matrix(scratch)["problems"]
    assert "adapter toy is broken: ModuleNotFoundError" in problem
    assert "pip uninstall toy-adapter" in problem
