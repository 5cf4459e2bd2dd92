"""Discovery: every adapter in a child of its own, a broken one reported and never fatal."""

from importlib.metadata import EntryPoint

import pytest

from runtimeprobe import registry
from runtimeprobe.contract import Candidate, Options
from runtimeprobe.registry import adapters, discover, discover_one
from runtimeprobe.worker.process import Target


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setenv("PYTHONPATH", str(request.config.rootpath))


def entry(name: str) -> EntryPoint:
    return EntryPoint(name, f"tests.worker.bad_adapters:{name}", registry.GROUP)


def test_the_four_runtimes_are_found_by_entry_point_alone() -> None:
    assert [item.name for item in adapters()] == ["llamacpp", "lmstudio", "mlx", "ollama"]


def test_engines_routes_models_and_what_is_missing() -> None:
    candidates = (Candidate("gemma-4-e2b", "twin", "x.gguf"),)
    found = discover_one(entry("Good"), Target("tests.worker.bad_adapters:Good"), Options(endpoints=("http://127.0.0.1:1",)), candidates)
    assert not found.problems
    (item,) = found.engines
    assert (item.runtime, item.engine.name, item.engine.endpoint) == ("Test", "good", "http://127.0.0.1:1")
    assert [route.name for route in item.routes] == ["one", "two"]
    assert item.models[0].name == "x.gguf"
    assert found.missing[0].absent.fix == "install it"


@pytest.mark.parametrize(
    ("name", "told"), [("NotConstructible", "RuntimeError: no licence file"), ("Nowhere", "has no attribute 'Nowhere'")]
)
def test_a_broken_adapter_is_a_problem_beside_what_works(monkeypatch: pytest.MonkeyPatch, name: str, told: str) -> None:
    import sys

    monkeypatch.setattr(registry, "adapters", lambda: (entry(name), entry("Good")))
    found = discover(Options(), (), sys.executable)
    (problem,) = found.problems
    assert f"adapter {name} is broken" in problem
    assert told in problem
    assert [item.engine.name for item in found.engines] == ["good"]
