"""Real engines on the shipped twin and the shipped clips. Each engine is loaded once."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runtimeprobe.contract import Candidate, Config, Model
from runtimeprobe.twins import files
from runtimeprobe_mlx import Mlx

SAMPLES = Path(__file__).parents[3] / "audio_samples"
# What the engines' own imports and loads warn of; our code must not warn.
ENGINE_WARNINGS = ("ignore:At least one mel filter:UserWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            for warning in ENGINE_WARNINGS:
                item.add_marker(pytest.mark.filterwarnings(warning))


@pytest.fixture(scope="session")
def twin() -> Candidate:
    return next(candidate for candidate in files.candidates() if candidate.model == "gemma-4-e2b")


@pytest.fixture
def twin_copy(twin: Candidate, tmp_path: Path) -> Path:
    """A folder that a test may damage."""
    return Path(shutil.copytree(twin.hf_folder, tmp_path / "hf"))


def described(engine: str, folder: Path) -> Model:
    (model,) = Mlx().models(engine, [Candidate("gemma-4-e2b", "twin", hf_folder=str(folder))])
    return model


@pytest.fixture(scope="session")
def describe() -> Callable[[str, Path], Model]:
    return described


@pytest.fixture(scope="session")
def clip_a() -> str:
    return str(SAMPLES / "digits-1a.wav")


@pytest.fixture(scope="session")
def clip_b() -> str:
    return str(SAMPLES / "digits-1b.wav")


def with_engine(engine: str, folder: str) -> Iterator[Mlx]:
    adapter = Mlx()
    adapter.load(engine, described(engine, Path(folder)), Config())
    yield adapter
    adapter.unload()


@pytest.fixture(scope="session")
def vlm(twin: Candidate) -> Iterator[Mlx]:
    yield from with_engine("mlx-vlm", twin.hf_folder)


@pytest.fixture(scope="session")
def lm(twin: Candidate) -> Iterator[Mlx]:
    yield from with_engine("mlx-lm", twin.hf_folder)
