"""mlx-lm in this process, on the shipped twin."""

from dataclasses import replace

import pytest

from runtimeprobe.contract import Ask, Claim, Rejected, Sampling
from runtimeprobe_mlx import Mlx

TEXT = Ask("none", "Transcribe.", max_tokens=8, sampling=Sampling(), thinking=False)


def test_text_is_answered_and_counted(lm: Mlx) -> None:
    reply = lm.ask(TEXT)
    assert reply.prompt_tokens
    assert reply.completion_tokens
    assert reply.finish_reason in ("stop", "length")


def test_no_sound_is_claimed(lm: Mlx) -> None:
    assert lm.here
    assert lm.here.loaded().claim is Claim.NO


def test_a_clip_is_refused_in_mlx_lms_own_words(lm: Mlx, clip_a: str) -> None:
    with pytest.raises(Rejected, match="takes text alone") as caught:
        lm.ask(replace(TEXT, clip=clip_a))
    assert "unexpected keyword argument 'audio'" in caught.value.words
    assert "the parameters of mlx_lm.generate are model, tokenizer, prompt" in caught.value.words


def test_after_a_refusal_text_is_still_answered(lm: Mlx, clip_a: str) -> None:
    before = lm.ask(TEXT).text
    with pytest.raises(Rejected):
        lm.ask(replace(TEXT, clip=clip_a))
    assert lm.ask(TEXT).text == before


def test_thinking_is_on_by_default(lm: Mlx) -> None:
    default, on, off = (lm.ask(replace(TEXT, thinking=value, max_tokens=1)).raw["prompt"] for value in (None, True, False))
    assert default == on != off
    assert "<|think|>" in default


def test_sampling_reaches_mlx_lm(lm: Mlx) -> None:
    hot = replace(TEXT, max_tokens=24, sampling=Sampling(temperature=5.0, top_k=0, seed=1))
    assert lm.ask(hot).text == lm.ask(hot).text
    assert lm.ask(hot).text != lm.ask(replace(TEXT, max_tokens=24)).text
