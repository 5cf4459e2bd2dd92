"""Files that lie. Native code never sees a header that cannot be one; what only the engine can find, it says in its own words."""

import dataclasses
import random
import struct
import time
from pathlib import Path

import pytest

from runtimeprobe.contract import Candidate, Config, LoadFailed, Model
from runtimeprobe.kit import gguf
from runtimeprobe_llamacpp import LlamaCpp

EMBEDDING_ENGINES = ("xllamacpp", "llama-cpp-python")


def text(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


def header(*pairs: bytes, version: int = 3, count: int | None = None) -> bytes:
    return struct.pack("<4sIQQ", b"GGUF", version, 0, len(pairs) if count is None else count) + b"".join(pairs)


LIES = {
    "empty": b"",
    "no magic": random.Random(7).randbytes(100_000),
    "magic only": b"GGUF",
    "version of another byte order": header(version=0x03000000),
    "more keys than any model": header(count=1 << 40),
    "more keys than it has": header(count=40),
    "key longer than the file": header(struct.pack("<Q", 1 << 62)),
    "value longer than the file": header(text(b"general.name") + struct.pack("<IQ", 8, 1 << 62)),
    "array longer than the file": header(text(b"x") + struct.pack("<IIQ", 9, 4, 1 << 61)),
    "array of texts longer than the file": header(text(b"x") + struct.pack("<IIQ", 9, 8, 1 << 61)),
    "array of arrays": header(text(b"x") + struct.pack("<IIQ", 9, 9, 2)),
    "type that does not exist": header(text(b"x") + struct.pack("<I", 77)),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_header_that_cannot_be_one_fails_at_once_in_plain_words(tmp_path: Path, model: Model, lie: str, config: Config) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(LIES[lie])
    started = time.perf_counter()
    with pytest.raises(LoadFailed, match="is not a whole GGUF file") as caught:
        LlamaCpp().load("xllamacpp", dataclasses.replace(model, name=str(file), projector=""), config)
    assert time.perf_counter() - started < 2
    assert "\n" not in str(caught.value)
    assert caught.value.fix


def test_every_cut_through_the_twins_header_fails(tmp_path: Path, model: Model) -> None:
    """With no key to find, the whole header is read: each cut must be noticed."""
    data = Path(model.name).read_bytes()
    file = tmp_path / "model.gguf"
    for size in range(0, 12_000, 97):
        file.write_bytes(data[:size])
        with pytest.raises(LoadFailed):
            gguf.read_keys(str(file), ["no.such.key"])


def test_a_header_larger_than_the_first_look_is_read_on(tmp_path: Path) -> None:
    words = b"".join(text(b"word%d" % number) for number in range(200_000))
    pairs = (
        text(b"tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 200_000) + words,
        text(gguf.FILE_TYPE.encode()) + struct.pack("<II", 4, 15),
    )
    file = tmp_path / "model.gguf"
    file.write_bytes(header(*pairs))
    assert file.stat().st_size > 1 << 20
    assert gguf.quantization(gguf.read_keys(str(file))) == "Q4_K_M"


@pytest.mark.parametrize("engine", EMBEDDING_ENGINES)
def test_weights_that_are_cut_off_fail_in_the_engines_words(tmp_path: Path, model: Model, engine: str, config: Config) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(Path(model.name).read_bytes()[: model.size_bytes // 3])
    with pytest.raises(LoadFailed) as caught:
        LlamaCpp().load(engine, dataclasses.replace(model, name=str(file)), config)
    assert "not within the file bounds" in caught.value.words
    assert caught.value.fix


@pytest.mark.parametrize("engine", EMBEDDING_ENGINES)
def test_a_text_model_given_as_projector_fails(model: Model, engine: str, config: Config) -> None:
    with pytest.raises(LoadFailed, match="Failed to load CLIP model") as caught:
        LlamaCpp().load(engine, dataclasses.replace(model, projector=model.name), config)
    assert "projector" in caught.value.fix


@pytest.mark.parametrize("engine", EMBEDDING_ENGINES)
def test_a_projector_given_as_model_fails(model: Model, engine: str, config: Config) -> None:
    with pytest.raises(LoadFailed, match="CLIP cannot be used as main model"):
        LlamaCpp().load(engine, dataclasses.replace(model, name=model.projector, projector=""), config)


def test_the_twin_is_described_by_its_files(twin: Candidate, model: Model) -> None:
    assert model.quantization
    assert model.projector_quantization
    assert model.digest.startswith("sha256:")
    assert model.projector_digest.startswith("sha256:")
    assert model.digest != model.projector_digest
    assert model.size_bytes == sum(Path(path).stat().st_size for path in (twin.text_gguf, twin.projector_gguf))


def test_a_broken_file_is_still_listed_so_that_its_cell_can_say_why(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(LIES["no magic"])
    (listed,) = LlamaCpp().models("xllamacpp", [Candidate("gemma-4-e2b", "real", text_gguf=str(file))])
    assert (listed.quantization, listed.size_bytes) == ("", 100_000)
