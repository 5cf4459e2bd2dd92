"""The three engines the twins must hold on, asked through their own Python interfaces, with as little as possible in between.

Not the adapters: these exist to check the twins, so they take a whole conversation, return the first token's log-probabilities, and
let every engine build its prompt from the chat template itself.
"""

import base64
import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

MAX_TOKENS = 48
THOUGHT_END = "<channel|>"


@dataclass(frozen=True)
class Clip:
    """A sound file as one part of a message."""

    file: Path


@dataclass(frozen=True)
class Message:
    role: str
    parts: tuple[str | Clip, ...]


@dataclass(frozen=True)
class Answer:
    """What an engine said; `first` holds the first token's most likely candidates with their natural log-probabilities."""

    text: str
    thinking: str = ""
    first: dict[str, float] = field(default_factory=dict)


class Engine(Protocol):
    name: str

    def ask(self, messages: Sequence[Message], *, thinking: bool = False, empty_thought: bool = False) -> Answer:
        """Greedy answer. `empty_thought` is the template's switch: the 31B form of the prompt without thinking."""


def split_thought(text: str) -> tuple[str, str]:
    """Raw output to (thinking, answer)."""
    thinking, found, answer = text.rpartition(THOUGHT_END)
    return (thinking.removeprefix("<|channel>thought").strip(), answer.strip()) if found else ("", text.strip())


class Xllamacpp:
    """llama.cpp's own server inside this process: WAV, MP3 or FLAC in `input_audio`, whose format field it checks against nothing."""

    name = "xllamacpp"

    def __init__(self, folder: Path, text: str = "text.gguf", projector: str = "mmproj.gguf") -> None:
        import xllamacpp

        params = xllamacpp.CommonParams()
        params.model.path = str(folder / text)
        params.mmproj.path = str(folder / projector)
        params.n_ctx, params.n_parallel, params.warmup = 2048, 1, False
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
        params.verbosity = 0
        self.server = xllamacpp.Server(params)

    def ask(self, messages: Sequence[Message], *, thinking: bool = False, empty_thought: bool = False) -> Answer:
        def part(item: str | Clip) -> dict[str, Any]:
            if isinstance(item, str):
                return {"type": "text", "text": item}
            data = base64.b64encode(item.file.read_bytes()).decode()
            return {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}

        request = {
            "messages": [{"role": message.role, "content": [part(item) for item in message.parts]} for message in messages],
            "chat_template_kwargs": {"enable_thinking": thinking, "empty_thought": empty_thought},
            "max_tokens": MAX_TOKENS, "temperature": 0.0, "top_k": 1, "seed": 7, "cache_prompt": False,
            "logprobs": True, "top_logprobs": 20,
        }  # fmt: skip
        reply = self.server.handle_chat_completions(request)
        if "choices" not in reply:
            raise RuntimeError(f"xllamacpp: {reply}")
        choice = reply["choices"][0]
        first = choice["logprobs"]["content"][0]["top_logprobs"]
        said = choice["message"]
        return Answer(
            (said.get("content") or "").strip(),
            (said.get("reasoning_content") or "").strip(),
            {item["token"]: item["logprob"] for item in first},
        )


class LlamaCppPython:
    """Sound enters as an `image_url` part: its handler drops `input_audio` without a word."""

    name = "llama-cpp-python"

    def __init__(self, folder: Path, text: str = "text.gguf", projector: str = "mmproj.gguf") -> None:
        import llama_cpp
        from llama_cpp.llama_chat_format import Gemma4ChatHandler

        self.handler = Gemma4ChatHandler(clip_model_path=str(folder / projector), verbose=False)
        self.llama = llama_cpp.Llama(
            str(folder / text), chat_handler=self.handler, n_ctx=2048, n_threads=1, n_threads_batch=1, verbose=False
        )

    def ask(self, messages: Sequence[Message], *, thinking: bool = False, empty_thought: bool = False) -> Answer:
        import llama_cpp
        import numpy as np

        def part(item: str | Clip) -> dict[str, Any]:
            if isinstance(item, str):
                return {"type": "text", "text": item}
            data = base64.b64encode(item.file.read_bytes()).decode()
            return {"type": "image_url", "image_url": {"url": f"data:audio/wav;base64,{data}"}}

        first: dict[str, float] = {}

        def record(_tokens: Any, scores: Any) -> Any:
            if not first:
                exact = scores.astype(np.float64)
                logs = exact - exact.max() - np.log(np.exp(exact - exact.max()).sum())
                for index in np.argsort(-logs)[:20].tolist():
                    piece = self.llama.detokenize([index], special=True).decode(errors="replace")
                    first[piece] = float(logs[index])
            return scores

        reply = self.handler(
            llama=self.llama,
            messages=[{"role": message.role, "content": [part(item) for item in message.parts]} for message in messages],
            temperature=0.0, top_k=1, top_p=1.0, min_p=0.0, repeat_penalty=1.0, seed=7, max_tokens=MAX_TOKENS,
            logits_processor=llama_cpp.LogitsProcessorList([record]), enable_thinking=thinking, empty_thought=empty_thought,
        )  # fmt: skip
        thought, answer = split_thought(reply["choices"][0]["message"]["content"])
        return Answer(answer, thought, first)


class MlxVlm:
    name = "mlx-vlm"

    def __init__(self, folder: Path) -> None:
        import mlx_vlm

        self.model, self.processor = mlx_vlm.load(str(folder / "hf"))

    def ask(self, messages: Sequence[Message], *, thinking: bool = False, empty_thought: bool = False) -> Answer:
        import mlx.core
        import mlx_vlm

        tokenizer = self.processor.tokenizer
        turns = [
            {
                "role": message.role,
                "content": [{"type": "text", "text": item} if isinstance(item, str) else {"type": "audio"} for item in message.parts],
            }
            for message in messages
        ]
        prompt = tokenizer.apply_chat_template(
            turns, tokenize=False, add_generation_prompt=True, enable_thinking=thinking, empty_thought=empty_thought
        )
        clips = [str(item.file) for message in messages for item in message.parts if isinstance(item, Clip)] or None
        text = ""
        first: dict[str, float] = {}
        for step in mlx_vlm.stream_generate(self.model, self.processor, prompt, audio=clips, max_tokens=MAX_TOKENS, temperature=0.0):
            if not first and step.logprobs is not None:
                logs = step.logprobs.astype(mlx.core.float32).reshape(-1)
                for index in mlx.core.argsort(-logs)[:20].tolist():
                    first[tokenizer.decode([index])] = float(logs[index])
            text += step.text
        for end in ("<turn|>", "<eos>"):
            text = text.removesuffix(end)
        thought, answer = split_thought(text)
        return Answer(answer, thought, first)


ENGINES = {kind.name: kind for kind in (Xllamacpp, LlamaCppPython, MlxVlm)}


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silences what native code prints to file descriptors 1 and 2."""
    saved = os.dup(1), os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        yield
    finally:
        for number, copy in zip((1, 2), saved, strict=True):
            os.dup2(copy, number)
            os.close(copy)
        os.close(nowhere)
