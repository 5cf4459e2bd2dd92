"""What is sent, and what is made of what comes back. No server: the emulator's tests have one."""

from pathlib import Path
from typing import Any

import pytest

from runtimeprobe.contract import Ask, BadReply, Config, LoadFailed, Reply, Sampling
from runtimeprobe_lmstudio import answers, asks, knobs, token

CLIP = str(Path(__file__).parents[3] / "audio_samples" / "digits-1a.wav")
SAMPLING_KEYS = {"temperature", "top_p", "top_k", "min_p", "repeat_penalty", "presence_penalty", "frequency_penalty", "seed"}
STREAMED = (asks.CHAT, asks.NATIVE, asks.RESPONSES)


def body(ask: Ask, levers: dict[str, str] | None = None, reasoning: tuple[str, ...] = ("off", "on")) -> dict[str, Any]:
    sampling, thinking = knobs.for_ask(ask, levers or {})
    return asks.body(asks.Request(ask, "gemma", sampling, thinking, reasoning))


@pytest.mark.parametrize("route", STREAMED)
def test_what_an_ask_leaves_open_is_not_sent(route: str) -> None:
    sent = body(Ask(route, "Transcribe.", clip=CLIP))
    assert not sent.keys() & (SAMPLING_KEYS | {"reasoning", "reasoning_effort"})


@pytest.mark.parametrize("route", STREAMED)
def test_every_sampling_value_that_the_route_knows_is_sent(route: str) -> None:
    """The app's own fallbacks (a repeat penalty of 1.1 among them) must not decide a greedy answer."""
    sent = body(Ask(route, "Transcribe.", sampling=Sampling(), thinking=False))
    unknown = {"presence_penalty", "frequency_penalty", "seed"} if route == asks.NATIVE else set()
    assert sent.keys() & SAMPLING_KEYS == SAMPLING_KEYS - unknown
    assert (sent["temperature"], sent["repeat_penalty"]) == (0.0, 1.0)
    off = {asks.CHAT: ("reasoning_effort", "none"), asks.NATIVE: ("reasoning", "off"), asks.RESPONSES: ("reasoning", {"effort": "none"})}
    name, value = off[route]
    assert sent[name] == value


def test_a_model_without_a_reasoning_setting_is_not_sent_one() -> None:
    """It would err (1_developer/2_rest/chat.md in lmstudio-ai/docs)."""
    assert "reasoning" not in body(Ask(asks.NATIVE, "Hello.", thinking=False), reasoning=())


def test_a_probes_chats_are_not_stored() -> None:
    assert body(Ask(asks.NATIVE, "Hello."))["store"] is False
    assert body(Ask(asks.RESPONSES, "Hello."))["store"] is False


def test_levers_reach_load_and_ask_and_the_ask_has_the_last_word() -> None:
    levers = {"context": "2048", "flash_attention": "off", "kv_offload": "off", "batch": "128", "temperature": "0.7", "thinking": "off"}
    assert knobs.for_load(Config(levers=levers)) == {
        "context_length": 2048,
        "flash_attention": False,
        "offload_kv_cache_to_gpu": False,
        "eval_batch_size": 128,
    }
    assert body(Ask(asks.NATIVE, "Hello."), levers)["temperature"] == 0.7
    assert body(Ask(asks.NATIVE, "Hello."), levers)["reasoning"] == "off"
    assert body(Ask(asks.NATIVE, "Hello.", sampling=Sampling(), thinking=True), levers)["temperature"] == 0.0


@pytest.mark.parametrize("levers", [{"flash_atention": "on"}, {"flash_attention": "yes"}, {"context": "many"}, {"top_k": "few"}])
def test_a_lever_that_is_none_fails_before_anything_is_loaded(levers: dict[str, str]) -> None:
    with pytest.raises(LoadFailed) as caught:
        knobs.for_load(Config(levers=levers))
    assert caught.value.fix


def test_the_form_of_a_transcription_holds_nothing_of_the_clips_own_name() -> None:
    assert asks.clip_name('clips/a "b"\r\nX: y.wav') == "clip.wav"
    assert asks.clip_name("clips/a.w v") == "clip"


def chunk(**delta: str) -> tuple[str, dict[str, Any]]:
    return "", {"model": "gemma", "choices": [{"delta": delta, "finish_reason": None}]}


def test_thoughts_and_answer_and_the_tail_of_a_stream() -> None:
    """A delta without content with the finish reason, then usage without choices, then [DONE]."""
    events = [
        chunk(reasoning_content="Hm"),
        chunk(reasoning="m."),
        chunk(content="one"),
        ("", {"choices": [{"delta": {}, "finish_reason": "length"}]}),
        ("", {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 3}}),
        ("[DONE]", {}),
    ]
    reply = answers.Answer(Ask(asks.CHAT, "Hello.")).read(events)
    assert (reply.text, reply.thinking, reply.finish_reason) == ("one", "Hmm.", "length")
    assert (reply.prompt_tokens, reply.completion_tokens) == (5, 3)
    assert reply.first_token_seconds is not None


@pytest.mark.parametrize(
    ("route", "events"),
    [
        (asks.CHAT, []),
        (asks.CHAT, [chunk(content="one")]),
        (asks.NATIVE, [("chat.start", {}), ("message.delta", {"content": "one"})]),
        (asks.RESPONSES, [("response.output_text.delta", {"delta": "one"})]),
        (asks.CHAT, [("", {"choices": "none"})]),
        (asks.CHAT, [("", {"choices": ["x"]})]),
        (asks.CHAT, [("", {"choices": [{"delta": {"content": {"a": 1}}}]})]),
        (asks.RESPONSES, [("response.failed", {"response": {"status": "failed"}})]),
    ],
)
def test_a_stream_that_is_none_or_has_no_end_is_no_answer(route: str, events: list[tuple[str, dict[str, Any]]]) -> None:
    with pytest.raises(BadReply):
        answers.Answer(Ask(route, "Hello.")).read(events)


def test_a_listener_that_has_heard_enough_ends_the_answer() -> None:
    heard: list[tuple[str, bool]] = []

    def listen(piece: str, thought: bool) -> bool:
        heard.append((piece, thought))
        return len(heard) == 2

    reply = answers.Answer(Ask(asks.CHAT, "Hello.", listen=listen)).read(
        [chunk(reasoning_content="a"), chunk(content="b"), chunk(content="c")]
    )
    assert (reply.text, reply.finish_reason) == ("b", "loop")
    assert heard == [("a", True), ("b", False)]


def test_the_token_is_taken_out_of_whatever_is_returned() -> None:
    secret = "sk-lm-Ab3dEf6h:Kj8mNp2qRs5tUv7wXy9z"
    reply = Reply(f"a{secret}b", thinking=secret, raw={secret: [{"x": (secret, 1)}]})
    assert secret not in repr(token.redacted(reply, secret))
    assert token.redacted(reply, "") == reply
