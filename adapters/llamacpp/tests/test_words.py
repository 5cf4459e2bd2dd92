"""Engines' words to errors, and what may be imported where."""

import os
import subprocess
import sys
import threading

import pytest

from runtimeprobe.contract import AdapterError, LoadFailed, OutOfMemory, Rejected, RuntimeTooOld
from runtimeprobe_llamacpp import errors
from runtimeprobe_llamacpp.overheard import Overheard

OLD_LOG = """build: 0 (unknown) with GNU 10.2.1 for Linux x86_64
llama_model_loader: - kv  36:            tokenizer.ggml.unknown_token_id u32              = 3
llama_model_load: error loading model: error loading model architecture: unknown model architecture: 'gemma4'
llama_model_load_from_file_impl: failed to load model
"""
NEW_LOG = """0.00.002.338 I srv          init: build_info: b0-unknown
0.00.015.266 E llama_model_load: error loading model: missing tensor 'blk.5.attn_k.weight'
0.00.015.272 E llama_model_load_from_file_impl: failed to load model
0.00.016.047 E llama_model_load: error loading model: missing tensor 'blk.5.attn_k.weight'
"""


def test_an_engine_older_than_the_architecture_is_too_old() -> None:
    """The log is that of xllamacpp 0.2.14 given a Gemma 4."""
    error = errors.from_words("xllamacpp", "could not load the model", errors.complaints(OLD_LOG), errors.LOADING, LoadFailed)
    assert isinstance(error, RuntimeTooOld)
    assert str(error).endswith("unknown model architecture: 'gemma4'")
    assert error.words.count("\n") == 1


def test_a_failure_without_a_row_names_its_cause_once() -> None:
    words = errors.complaints(NEW_LOG)
    error = errors.from_words("xllamacpp", "could not load the model", words, errors.LOADING, LoadFailed)
    assert type(error) is LoadFailed
    assert str(error).endswith("missing tensor 'blk.5.attn_k.weight'")
    assert words.count("missing tensor") == 1
    assert "build_info" not in words


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("ggml_backend_cpu_buffer_type_alloc_buffer: failed to allocate buffer of size 99", OutOfMemory),
        ("CUDA error: out of memory", OutOfMemory),
        ("audio input is not supported - hint: if this is unexpected, you may need to provide the mmproj", Rejected),
        ("unsupported content[].type", Rejected),
        ("something else entirely", AdapterError),
    ],
)
def test_words_of_an_ask(words: str, expected: type[AdapterError]) -> None:
    assert type(errors.from_words("engine", "refused", words, errors.ASKING, AdapterError)) is expected


def test_a_projector_of_another_size_is_a_failed_load_that_says_what_to_do() -> None:
    """The log is that of xllamacpp 2026.10.11549 given projector and model of different widths."""
    log = "0.00.117.870 E mtmd_init_from_file: error: mismatch between text model (n_embd = 64) and mmproj (n_embd = 80)\n"
    error = errors.from_words("xllamacpp", "could not load the model", errors.complaints(log), errors.LOADING, LoadFailed)
    assert type(error) is LoadFailed
    assert "projector published with this model" in error.fix


def test_words_are_bounded() -> None:
    assert len(errors.from_words("engine", "refused", "x" * 10_000, errors.ASKING, AdapterError).words) == errors.MAX_WORDS
    assert len(errors.complaints("\n".join(f"error {number}" for number in range(9999)))) == errors.MAX_WORDS


def test_native_words_are_overheard_and_still_reach_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    with Overheard("") as log:
        os.write(2, b"the engine's own words\n")
    os.write(2, b"after\n")
    assert log.text == "the engine's own words\n"
    assert capfd.readouterr().err == "the engine's own words\nafter\n"


def test_a_reason_that_arrives_late_is_waited_for() -> None:
    """llama.cpp logs from a thread of its own, which may still be writing when the load has already failed."""
    log = Overheard("exiting due to")
    late = threading.Timer(0.3, os.write, (2, b"the reason\nexiting due to model loading error\n"))

    def load() -> None:
        with log:
            late.start()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        load()
    late.join()
    assert "the reason" in log.text


def test_looking_around_imports_no_engine_and_nothing_heavy() -> None:
    program = (
        "import sys; from runtimeprobe_llamacpp import LlamaCpp; from runtimeprobe.contract import Options\n"
        "a = LlamaCpp(); a.discover(Options())\n"
        "[a.routes(e) and a.levers(e) for e in ('xllamacpp', 'llama-cpp-python', 'llama-server')]\n"
        "print(sorted({'xllamacpp', 'llama_cpp', 'numpy', 'httpx', 'msgspec', 'http.client'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"
