"""What a server holds, and what is said of it."""

from typing import Any

import pytest
from adapters.ollama.tests.conftest import FILES, TWIN, Start, discovered

from runtimeprobe.contract import AbsentModel, Claim, Model
from runtimeprobe_ollama import Ollama, models
from runtimeprobe_ollama.server import Server


def show(layers: int = 35, width: int = 1536, *, hears: bool = True, projector_info: Any = None) -> dict[str, Any]:
    info = {"general.architecture": "gemma4", "gemma4.block_count": layers, "gemma4.embedding_length": width}
    return {"model_info": info, "capabilities": ["audio"] if hears else ["vision"], "projector_info": projector_info}


EARS = {"clip.has_audio_encoder": True}


def test_a_library_model_is_listed_with_all_that_is_known(start: Start, adapter: Ollama) -> None:
    discovered(adapter, start("--model", f"gemma4:e2b={FILES}"))
    model, absent = adapter.models("ollama", ())
    assert isinstance(model, Model)
    assert (model.model, model.weights, model.name, model.quantization) == ("gemma-4-e2b", "real", "gemma4:e2b", "F16")
    assert model.digest.startswith("sha256:")
    assert model.size_bytes > 5_000_000
    assert model.claim is Claim.YES
    assert absent == AbsentModel("gemma-4-e4b", "real", "Ollama holds no gemma-4-e4b", "ollama pull gemma4:e4b")


def test_a_model_that_runs_elsewhere_is_refused(start: Start, adapter: Ollama) -> None:
    discovered(adapter, start("--remote-model", f"gemma4:e2b={FILES}"))
    first, _ = adapter.models("ollama", ())
    assert first == AbsentModel(
        "gemma-4-e2b", "real", "gemma4:e2b runs on https://ollama.com:443, not on this machine", "ollama pull gemma4:e2b"
    )


def test_other_models_are_nobodys_business(start: Start, adapter: Ollama) -> None:
    discovered(adapter, start("--model", f"my-own:latest={FILES}", "--model", f"only-ears:latest={TWIN / 'mmproj.gguf'}"))
    assert all(isinstance(model, AbsentModel) for model in adapter.models("ollama", ()))


@pytest.mark.parametrize(
    ("name", "shown", "model"),
    [
        ("my-import:latest", show(), "gemma-4-e2b"),
        ("my-import:latest", show(42, 2560), "gemma-4-e4b"),
        ("my-import:latest", show(42, 1536), ""),
        ("my-import:latest", show(60, 5376), "gemma-4-31b"),
        ("gemma4:e4b", show(1, 1), "gemma-4-e4b"),
        ("gemma4:e2b-it-q8_0", show(1, 1), "gemma-4-e2b"),
        ("gemma4:e2b4", show(1, 1), ""),
        ("gemma4:e2b", {"model_info": {"general.architecture": "llama"}}, ""),
        ("gemma4:e2b", {"model_info": 7}, ""),
        ("gemma4:e2b", {}, ""),
    ],
)
def test_metadata_decides_then_the_librarys_name(name: str, shown: dict[str, Any], model: str) -> None:
    assert models.identify(name, shown) == model


@pytest.mark.parametrize(
    ("shown", "claim", "doubt"),
    [
        (show(projector_info=EARS), Claim.YES, ""),
        (show(), Claim.YES, "Ollama claims audio, and neither"),
        (show(hears=False), Claim.NO, ""),
        (show(hears=False, projector_info=EARS), Claim.NO, "Ollama claims no audio, and the files have"),
        ({"projector_info": EARS}, Claim.UNDECLARED, ""),
        (show(projector_info=[1]), Claim.YES, "Ollama claims audio, and neither"),
    ],
)
def test_the_flag_is_the_claim_and_the_files_may_contradict_it(shown: dict[str, Any], claim: Claim, doubt: str) -> None:
    assert models.claim(shown) is claim
    assert models.doubt(shown).startswith(doubt)
    assert bool(models.doubt(shown)) == bool(doubt)


def test_an_encoder_inside_the_text_model_counts_too() -> None:
    shown = show()
    shown["model_info"]["gemma4.audio.block_count"] = 12
    assert models.encoder(shown)


def test_renderer_and_parser_stand_in_the_modelfile(start: Start) -> None:
    server = Server(start("--model", f"gemma4:e2b={FILES}"))
    details = models.details(server.show("gemma4:e2b"))
    server.close()
    assert (details["renderer"], details["parser"], details["audio_encoder"]) == ("gemma4", "gemma4", True)
    assert "claim" not in details
