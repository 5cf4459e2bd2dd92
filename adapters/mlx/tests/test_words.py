"""The engines' words as the contract's errors, and thoughts taken out of answers. The words are those of real
runs, or of the engines' sources where a run was not to be had (Metal, older releases)."""

import pytest

from runtimeprobe.contract import (
    AdapterError,
    Ask,
    Config,
    LoadFailed,
    OutOfMemory,
    Rejected,
    RouteMissing,
    RuntimeTooOld,
    Sampling,
)
from runtimeprobe_mlx import failures, options, thoughts

STT = (
    "Unsupported audio model: 'x' is a chat/multimodal model that mlx-vlm serves natively (model_type='gemma4'); the /v1/audio/* endpoints "
    "only support dedicated speech-to-text/text-to-speech checkpoints."
)
MISSING_KV = "ValueError: Missing 15 parameters: \nlanguage_model.model.layers.5.self_attn.k_norm.weight,\n"


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("ValueError: Model type gemma9 not supported. Error: No module named 'mlx_vlm.models.gemma9'", RuntimeTooOld),
        (MISSING_KV, RuntimeTooOld),
        (
            "RuntimeError: [metal::malloc] Attempting to allocate 31 bytes which is greater than the maximum allowed buffer size.",
            OutOfMemory,
        ),
        ("AttributeError: 'TextConfig' object has no attribute 'global_head_dim'", LoadFailed),
        ("RuntimeError: [load_safetensors] Tensor 'x' invalid data offsets", LoadFailed),
        ("AttributeError: 'NoneType' object has no attribute 'feature_extractor'", AdapterError),
        ("something new", LoadFailed),
    ],
)
def test_words_of_a_failed_load(words: str, kind: type[AdapterError]) -> None:
    found = failures.translate(words, "mlx-vlm", LoadFailed("other"))
    assert type(found) is kind
    assert found.words == words


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (STT, Rejected),
        ("TypeError: generate_step() got an unexpected keyword argument 'audio'", Rejected),
        ("ValueError: this model does not support audio input", Rejected),
        ("DecodeError: could not open/decode file", Rejected),
        ("RuntimeError: ffmpeg is required to decode this audio format.", AdapterError),
        ("ValueError: Cannot broadcast array of shape (1,4,0,12,24) into shape (1,4,1,12,24).", AdapterError),
    ],
)
def test_words_of_an_ask_with_a_clip(words: str, kind: type[AdapterError]) -> None:
    assert type(failures.translate(words, "mlx-vlm", AdapterError("other"), with_clip=True)) is kind


def test_without_a_clip_nothing_can_be_a_refusal_of_sound() -> None:
    assert type(failures.translate(STT, "mlx-vlm", AdapterError("other"))) is AdapterError


def test_a_path_the_server_does_not_have_is_a_missing_route_and_a_missing_model_is_not() -> None:
    assert type(failures.of_answer(404, "Not Found", "mlx-vlm", "/x", with_clip=True)) is RouteMissing
    assert type(failures.of_answer(404, "model 'y' not found", "mlx-vlm", "/x", with_clip=True)) is AdapterError


@pytest.mark.parametrize(
    ("text", "answer", "thinking"),
    [
        ("three nine", "three nine", ""),
        ("<|channel>thought\ndigits\n<channel|>three nine", "three nine", "digits"),
        ("<|channel>thought\n<channel|>three nine", "three nine", ""),
        ("<|channel>thought\nfor ever and", "", "for ever and"),
        ("a<|channel>thought\nb<channel|>c<|channel>thought\nd<channel|>e", "ace", "b\n\nd"),
    ],
)
def test_thoughts_left_in_the_text_are_taken_out(text: str, answer: str, thinking: str) -> None:
    assert thoughts.split(text) == (answer, thinking)


def test_nothing_is_sent_where_the_engines_own_defaults_are_wanted() -> None:
    ask = Ask("generate.audio", "Transcribe.")
    assert options.sampling(ask, Config()) == {}
    assert options.thinking(ask, Config()) is None


def test_every_sampling_value_is_sent_where_sampling_is_given() -> None:
    sent = options.sampling(Ask("generate.audio", "Transcribe.", sampling=Sampling(seed=3)), Config(levers={"temperature": "0.7"}))
    assert sent == {
        "temperature": 0.0,
        "top_k": 1,
        "top_p": 1.0,
        "min_p": 0.0,
        "repetition_penalty": 1.0,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "seed": 3,
    }


def test_levers_change_the_defaults_and_nothing_else() -> None:
    config = Config(levers={"temperature": "0.7", "top_k": "40", "thinking": "on", "prefill_step_size": "128"})
    ask = Ask("generate.audio", "Transcribe.")
    assert options.sampling(ask, config) == {"temperature": 0.7, "top_k": 40}
    assert options.computing(config) == {"prefill_step_size": 128}
    assert options.thinking(ask, config) is True


def test_a_lever_that_is_no_number_is_named() -> None:
    with pytest.raises(AdapterError, match="top_k takes a number, not 'many'"):
        options.sampling(Ask("generate.audio", "x"), Config(levers={"top_k": "many"}))
