"""The formula against those who own it: transformers' feature extractor, mlx-vlm's processor, llama.cpp's arithmetic."""

import random
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimeprobe.audio import tokens

EDGES = (0, 1, 160, 161, 320, 321, 480, 481, 800, 801, 479_999, 480_000, 480_001, 560_000)
LENGTHS = (*EDGES, *(random.Random(11).randint(1, 600_000) for _ in range(86)))


def llama_cpp(samples: int) -> int:
    """tools/mtmd/mtmd-audio.cpp, mtmd_audio_preprocessor_gemma4a and clip.cpp, clip_n_output_tokens; int() rounds as C's division does."""
    total = 0
    for offset in range(0, samples, 480_000):
        steps = int((min(480_000, samples - offset) + 160 - 321) / 160) + 1
        for _ in range(2):
            steps = int((steps - 1) / 2) + 1
        total += steps
    return total


def test_the_count_is_that_of_the_published_feature_extractor_for_a_hundred_lengths() -> None:
    from transformers.models.gemma4.feature_extraction_gemma4 import Gemma4AudioFeatureExtractor

    extract = Gemma4AudioFeatureExtractor()
    for samples in LENGTHS[1:]:  # it cannot take an empty clip
        mask = extract([np.zeros(samples, np.float32)], return_tensors="np")["input_features_mask"][0]
        assert tokens.mel_frames(min(samples, tokens.MAX_SAMPLES)) == int(mask.sum()), samples
        for _ in range(2):  # as Gemma4Processor subsamples the mask; padding to 128 samples makes no token
            mask = mask[::2][: (len(mask) - 1) // 2 + 1]
        assert tokens.expected_soft_tokens(samples) == int(mask.sum()), samples


def test_llama_cpp_agrees_up_to_thirty_seconds_and_goes_on_in_chunks_beyond() -> None:
    for samples in LENGTHS:
        assert tokens.chunked_soft_tokens(samples) == llama_cpp(samples), samples
        if tokens.UNFOLD_SAMPLES <= samples <= tokens.MAX_SAMPLES:
            assert tokens.chunked_soft_tokens(samples) == tokens.expected_soft_tokens(samples)


def test_mlx_vlm_never_counts_more_than_one_token_more() -> None:
    from mlx_vlm.models.gemma4.processing_gemma4 import Gemma4Processor

    processor = SimpleNamespace(audio_ms_per_token=40, audio_seq_length=750)
    more = {Gemma4Processor._compute_audio_num_tokens(processor, range(n), 16_000) - tokens.expected_soft_tokens(n) for n in LENGTHS}
    assert more == {0, 1}


@pytest.mark.parametrize(("seconds", "expected"), [(0.0, 0), (1.0, 25), (2.5, 62), (29.0, 725), (30.0, 750), (35.0, 750)])
def test_one_second_is_twenty_five_tokens_up_to_seven_hundred_and_fifty(seconds: float, expected: int) -> None:
    assert abs(tokens.expected_soft_tokens(round(seconds * 16_000)) - expected) <= 1


def test_thirty_five_seconds_are_875_tokens_in_chunks() -> None:
    assert tokens.chunked_soft_tokens(560_000) == 875


@given(st.integers(0, 10_000_000))
def test_more_sound_never_costs_fewer_tokens(samples: int) -> None:
    here, further = tokens.expected_soft_tokens(samples), tokens.expected_soft_tokens(samples + 640)
    assert 0 <= here <= further <= tokens.MAX_SOFT_TOKENS
    assert abs(here - min(samples, tokens.MAX_SAMPLES) / 16_000 / tokens.SECONDS_PER_TOKEN) <= 1.01


def test_the_constants_agree_with_each_other() -> None:
    assert tokens.MAX_SECONDS == tokens.seconds(tokens.MAX_SAMPLES) == tokens.MAX_SOFT_TOKENS * tokens.SECONDS_PER_TOKEN
