"""What is probed, what is skipped and why, and what a wrong name gets."""

import pytest

from runtimeprobe.contract import Absent, Engine, Model, Route
from runtimeprobe.plan import Plan, Selection, UnknownName, plan, too_large
from runtimeprobe.registry import Found, FoundEngine, MissingEngine
from runtimeprobe.results import Verdict
from runtimeprobe.worker.process import Target


def engine(name: str, *models: Model) -> FoundEngine:
    return FoundEngine(
        runtime="llama.cpp", target=Target("m:C"), engine=Engine(name, "1"), routes=(Route("chat"), Route("speech")), models=models
    )


E2B, E4B = Model("gemma-4-e2b", "twin", "a", size_bytes=1000), Model("gemma-4-e4b", "twin", "b", size_bytes=1000)
FOUND = Found(
    engines=(engine("one", E2B, E4B), engine("two", E2B)),
    missing=(MissingEngine(runtime="Ollama", absent=Absent("ollama", "nothing answers", "ollama serve")),),
)


def planned(**chosen: object) -> Plan:
    return plan(FOUND, Selection(**chosen), {})  # type: ignore[arg-type]


def test_every_engine_and_model_is_a_load_and_every_gap_a_skipped_cell() -> None:
    result = planned()
    assert [(load.found.engine.name, load.model.model) for load in result.loads] == [
        ("one", "gemma-4-e2b"), ("one", "gemma-4-e4b"), ("two", "gemma-4-e2b"),
    ]  # fmt: skip
    assert {(cell.engine, cell.route, cell.model) for cell in result.skipped} == {
        ("two", "chat", "gemma-4-e4b"), ("two", "speech", "gemma-4-e4b"), ("ollama", "-", "gemma-4-e2b"), ("ollama", "-", "gemma-4-e4b"),
    }  # fmt: skip
    assert all(cell.verdict is Verdict.SKIPPED and cell.reason for cell in result.skipped)


def test_filters_choose() -> None:
    result = planned(engines=("one",), models=("gemma-4-e4b",), routes=("speech",))
    assert [(load.model, [route.name for route in load.routes]) for load in result.loads] == [(E4B, ["speech"])]
    assert result.skipped == ()
    assert planned(runtimes=("Ollama",)).loads == ()


def test_shards_share_the_loads_without_loss_and_one_reports_the_skipped() -> None:
    whole = planned()
    parts = [planned(shard=(number, 2)) for number in (1, 2)]
    assert sorted((load.found.engine.name, load.model.model) for part in parts for load in part.loads) == sorted(
        (load.found.engine.name, load.model.model) for load in whole.loads
    )
    assert [len(part.skipped) for part in parts] == [len(whole.skipped), 0]


def test_weights_that_are_nowhere_say_what_to_download() -> None:
    told = {("gemma-4-e2b", "real"): ("not here", "download it")}
    result = plan(FOUND, Selection(weights=("real",), models=("gemma-4-e2b",), engines=("one",)), told)
    assert {(cell.reason, cell.fix) for cell in result.skipped} == {("not here", "download it")}


def test_a_model_that_does_not_fit_is_skipped_with_the_figures() -> None:
    large = Model("gemma-4-e2b", "real", "c", size_bytes=8 * 2**30)
    result = plan(Found(engines=(engine("one", large),)), Selection(weights=("real",), memory_available_bytes=4 * 2**30), {})
    assert result.loads == ()
    assert "about 10.0 GiB needed, 4.0 GiB available" in result.skipped[0].reason
    assert too_large(large, 0) is None


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ({"engines": ("tow",)}, "no engine named 'tow'; did you mean two?"),
        ({"models": ("e2b",)}, "gemma-4-e2b"),
        ({"routes": ("spech",)}, "did you mean speech?"),
        ({"runtimes": ("vllm",)}, "known: Ollama, llama.cpp"),
    ],
)
def test_an_unknown_name_gets_the_nearest_match(chosen: dict[str, tuple[str, ...]], told: str) -> None:
    with pytest.raises(UnknownName, match=r"no (engine|model|route|runtime) named") as caught:
        planned(**chosen)
    assert told in str(caught.value)
