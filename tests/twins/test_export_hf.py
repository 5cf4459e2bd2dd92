"""The Hugging Face folder: shaped as the published ones, loadable, and tokenized as llama.cpp tokenizes its GGUF twin."""

import json
import subprocess
import sys
from typing import Any

import pytest
from safetensors import safe_open
from tests.twins.conversations import CASES
from tokenizers import Tokenizer

from runtimeprobe.twins import files

TWINS = ("twin-e2b", "twin-e4b")
FILES = {
    "chat_template.jinja",
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "preprocessor_config.json",
    "processor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
}
SAYINGS = [
    *(case.prompt for case in CASES),
    "three nine",
    " leading and  double spaces ",
    "Zürich, 9°, 東京, 🙂\n\n\n\ttab",
    "<|turn>user\n<|audio><|audio|><|audio|><audio|>Transcribe.<turn|>\n<|turn>model\n<|channel>thought\nListen.\n<channel|>",
]
TOKENIZE = """
import json, sys, llama_cpp
llama = llama_cpp.Llama(sys.argv[1], vocab_only=True, verbose=False)
sayings = json.load(sys.stdin)
print(json.dumps([llama.tokenize(saying.encode(), add_bos=False, special=True) for saying in sayings]))
"""


def read(twin: str, file: str) -> dict[str, Any]:
    return dict(json.loads((files.folder() / twin / "hf" / file).read_text(encoding="utf-8")))


@pytest.mark.parametrize("twin", TWINS)
def test_the_folder_holds_what_a_published_one_holds(twin: str) -> None:
    assert {file.name for file in (files.folder() / twin / "hf").iterdir()} == FILES


@pytest.mark.parametrize("twin", TWINS)
def test_config_has_the_published_keys_that_runtimes_read(twin: str) -> None:
    config = read(twin, "config.json")
    text = config["text_config"]
    assert config["architectures"] == ["Gemma4ForConditionalGeneration"]
    assert (text["head_dim"], text["global_head_dim"], text["num_global_key_value_heads"]) == (256, 512, None)
    assert "per_layer_config" not in text
    assert text["layer_types"][-1] == "full_attention"
    assert text["rope_parameters"]["full_attention"]["partial_rotary_factor"] == 0.25
    vocabulary = read(twin, "tokenizer.json")["model"]["vocab"]
    assert text["vocab_size"] == len(vocabulary)
    named = {"audio_token_id": "<|audio|>", "boa_token_id": "<|audio>", "eoa_token_id": "<audio|>", "image_token_id": "<|image|>"}
    assert {key: config[key] for key in named} == {key: vocabulary[token] for key, token in named.items()}
    assert config["eos_token_id"] == [vocabulary["<eos>"], vocabulary["<turn|>"]]


@pytest.mark.parametrize("twin", TWINS)
def test_the_real_front_end_is_declared(twin: str) -> None:
    front = read(twin, "processor_config.json")["feature_extractor"]
    assert (front["feature_size"], front["sampling_rate"], front["frame_length"], front["hop_length"]) == (128, 16_000, 320, 160)


@pytest.mark.parametrize("twin", TWINS)
def test_every_weight_is_float16_and_finite_clipping_bounds_included(twin: str) -> None:
    import numpy as np

    with safe_open(files.folder() / twin / "hf" / "model.safetensors", "numpy") as weights:
        for name in weights.keys():  # noqa: SIM118  it has no __iter__
            weight = weights.get_tensor(name)
            assert weight.dtype == np.float16, name
            assert np.isfinite(weight).all(), name


@pytest.mark.parametrize("twin", TWINS)
def test_llama_cpp_tokenizes_as_hugging_face_does(twin: str) -> None:
    tokenizer = Tokenizer.from_file(str(files.folder() / twin / "hf" / "tokenizer.json"))
    expected = [tokenizer.encode(saying, add_special_tokens=False).ids for saying in SAYINGS]
    command = [sys.executable, "-c", TOKENIZE, str(files.folder() / twin / "text.gguf")]
    done = subprocess.run(command, input=json.dumps(SAYINGS), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout) == expected
