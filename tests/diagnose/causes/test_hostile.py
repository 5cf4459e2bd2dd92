"""Files that lie about themselves cost nothing but a finding: every check survives whatever a key holds."""

import contextlib
import json
import random
import shutil
from pathlib import Path
from typing import Any

import gguf
import pytest

from runtimeprobe.diagnose.causes import rendering
from runtimeprobe.diagnose.causes.catalogue import CATALOGUE, MOST_SEEN, examine
from runtimeprobe.diagnose.causes.facts import file_facts
from runtimeprobe.diagnose.causes.interface import Renders, RunFacts
from runtimeprobe.gguf.errors import BadFile
from runtimeprobe.gguf.summary import summarise
from runtimeprobe.twins import files
from tests.diagnose.causes.conftest import Keys, Tensors, copy

STRANGE: tuple[Any, ...] = (None, True, -1, 0, 2**63, 10**30, 1e308, "x", [], {}, [1, "a"], [[]], "9" * 5000)
ODD: tuple[tuple[Any, gguf.GGUFValueType, gguf.GGUFValueType | None], ...] = (
    (2**64 - 1, gguf.GGUFValueType.UINT64, None),
    (-(2**63), gguf.GGUFValueType.INT64, None),
    (float("nan"), gguf.GGUFValueType.FLOAT32, None),
    (True, gguf.GGUFValueType.BOOL, None),
    ("x" * 5000, gguf.GGUFValueType.STRING, None),
    ([0.5, -1.0], gguf.GGUFValueType.ARRAY, gguf.GGUFValueType.FLOAT32),
    (["a", ""], gguf.GGUFValueType.ARRAY, gguf.GGUFValueType.STRING),
)
RUN = RunFacts(engine="llama-server", build=11_000, device="CUDA0", sampling={"temperature": 1.0}, context=4096, kv_type_k="q4_0")
NO_TEXTS = (b"", b"[]", b"{}", b"\xff\xfe", b'{"added_tokens": 3}', b'{"added_tokens":[{"id":1,"content":"<eos>"}],"model":{"type":"BPE"}}')


@pytest.fixture(autouse=True)
def _not_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "render", lambda _: Renders(plain="<|turn>user\n", no_think="<|turn>model\n"))


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory, e2b: Path) -> Path:
    """A twin with few tensors and words, which say nothing about keys and take their time to write."""

    def edit(keys: Keys, tensors: Tensors) -> None:
        for name in list(tensors)[20:]:
            del tensors[name]
        for name in ("tokens", "token_type", "scores", "merges"):
            value, *types = keys[f"tokenizer.ggml.{name}"]
            keys[f"tokenizer.ggml.{name}"] = (value[:40], types[0], types[1])

    return copy(e2b, tmp_path_factory.mktemp("bare") / "bare.gguf", edit)


def survives(path: Path) -> None:
    with contextlib.suppress(BadFile):
        summarise(path)
    with contextlib.suppress(BadFile):
        findings = examine(file_facts(path), RUN)
        assert len(findings) == len(CATALOGUE)
        assert all(len(finding.seen) <= MOST_SEEN + 3 for finding in findings)


def places(config: dict[str, Any]) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = [(name,) for name in config]
    found += [("text_config", name) for name in config["text_config"]]
    return [*found, ("text_config", "rope_parameters", "full_attention"), ("text_config", "per_layer_config", "4")]


@pytest.mark.parametrize("seed", range(60))
def test_whatever_a_configuration_holds(tmp_path: Path, seed: int) -> None:
    folder = shutil.copytree(files.folder() / "twin-e2b/hf", tmp_path / "hf")
    dice, config = random.Random(seed), json.loads((folder / "config.json").read_text())
    for *outer, last in dice.sample(places(config), 4):
        place = config
        for name in outer:
            inner = place.get(name)
            place[name] = place = inner if isinstance(inner, dict) else {}
        place[last] = dice.choice(STRANGE)
    (folder / "config.json").write_text(json.dumps(config))
    survives(folder)


@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja"])
@pytest.mark.parametrize("text", NO_TEXTS)
def test_whatever_the_files_beside_it_hold(tmp_path: Path, name: str, text: bytes) -> None:
    folder = shutil.copytree(files.folder() / "twin-e2b/hf", tmp_path / "hf")
    if name == "tokenizer_config.json":
        (folder / "chat_template.jinja").unlink()
    (folder / name).write_bytes(text)
    survives(folder)


@pytest.mark.parametrize("seed", range(150))
def test_whatever_keys_hold(tmp_path: Path, bare: Path, seed: int) -> None:
    dice = random.Random(seed)

    def edit(keys: Keys, _: Tensors) -> None:
        for name in dice.sample(sorted(set(keys) - {"general.alignment"}), 4):
            keys[name] = dice.choice(ODD)

    survives(copy(bare, tmp_path / "odd.gguf", edit))


@pytest.mark.parametrize("name", ["attention.shared_kv_layers", "block_count"])
@pytest.mark.parametrize("odd", ODD[:2])
def test_an_endless_number_of_layers_is_not_counted(tmp_path: Path, bare: Path, name: str, odd: Any) -> None:
    """Minus 2**63 shared layers once made 2**63 layers to look at."""

    def edit(keys: Keys, _: Tensors) -> None:
        keys[f"gemma4.{name}"] = odd

    survives(copy(bare, tmp_path / "odd.gguf", edit))


def test_a_layer_with_a_number_of_thousands_of_digits(tmp_path: Path, e2b: Path) -> None:
    def edit(_: Keys, tensors: Tensors) -> None:
        for part in ("attn_v", "layer_output_scale"):
            tensors[f"blk.{'9' * 5000}.{part}.weight"] = tensors[f"blk.1.{part}.weight"]

    survives(copy(e2b, tmp_path / "a.gguf", edit))
