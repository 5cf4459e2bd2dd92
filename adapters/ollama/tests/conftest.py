"""An emulated Ollama with a real engine behind it, and the adapter in front of it, in this process."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from tests.emulators.serving import started

from runtimeprobe.contract import Config, Engine, Loaded, Model, Options
from runtimeprobe.twins import files
from runtimeprobe_ollama import Ollama

TWIN = files.DATA / "twin-e2b"
FILES = f"{TWIN / 'text.gguf'},{TWIN / 'mmproj.gguf'}"
Start = Callable[..., str]


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own Ollama is left alone: port 9 (discard) of this machine is nobody's."""
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")


@pytest.fixture
def start() -> Iterator[Start]:
    """`start("--behaviour", "hang")`: the address of an emulator that ends with the test."""
    with ExitStack() as stack:
        yield lambda *options: stack.enter_context(started("tests.emulators.ollama", *options))[0]


@pytest.fixture
def adapter() -> Iterator[Ollama]:
    made = Ollama()
    yield made
    made.unload()


def discovered(adapter: Ollama, address: str) -> Engine:
    (found,) = adapter.discover(Options(endpoints=(address,)))
    assert isinstance(found, Engine)
    return found


def twin(adapter: Ollama) -> Model:
    return next(model for model in adapter.models("ollama", files.candidates()) if isinstance(model, Model) and model.weights == "twin")


def load(adapter: Ollama, address: str, **levers: str) -> Loaded:
    discovered(adapter, address)
    return adapter.load("ollama", twin(adapter), Config(threads=1, levers=levers))
