"""mlx-lm in this process. Text is answered; a clip is offered to its API for real, so that the refusal is mlx-lm's own."""

import inspect
from collections.abc import Callable
from typing import Any

from runtimeprobe.contract import AdapterError, Ask, Claim, Config, Loaded, Rejected, Reply
from runtimeprobe_mlx import device, failures, options, streaming
from runtimeprobe_mlx.engines import LM, version_of


def audio_parameters(*functions: Callable[..., Any]) -> list[str]:
    """Parameters of the functions that could take sound."""
    return [name for function in functions for name in inspect.signature(function).parameters if "audio" in name]


class InProcess:
    """A loaded model. Reused for every ask."""

    def __init__(self, folder: str, config: Config) -> None:
        self.config = config
        try:
            import mlx_lm

            self.model, self.tokenizer = mlx_lm.load(folder)
        except Exception as error:
            raise failures.of_load(error, LM) from error

    def loaded(self) -> Loaded:
        """mlx-lm loads the language model of a Gemma 4 folder and leaves its towers out."""
        return Loaded(claim=Claim.NO, build=f"mlx {version_of('mlx')}", device=device.describe())

    def ask(self, ask: Ask) -> Reply:
        try:
            return self.generate(ask)
        except AdapterError:
            raise
        except Exception as error:
            raise self.refused(error) if ask.clip else failures.of_ask(error, LM, with_clip=False) from error

    def refused(self, error: Exception) -> AdapterError:
        """The error of an ask with a clip, and what mlx-lm's signatures say of it."""
        import mlx_lm
        from mlx_lm.generate import generate_step

        found = failures.of_ask(error, LM, with_clip=True)
        if not isinstance(found, Rejected):
            return found
        if not audio_parameters(mlx_lm.generate, mlx_lm.stream_generate, generate_step):
            found.words += f"; the parameters of mlx_lm.generate are {', '.join(inspect.signature(mlx_lm.generate).parameters)}"
        return Rejected(
            f"mlx-lm {version_of(LM)} takes text alone: its API has no parameter for sound", words=found.words, fix="use mlx-vlm"
        )

    def generate(self, ask: Ask) -> Reply:
        import mlx.core as mx
        import mlx_lm
        from mlx_lm.generate import generate_step
        from mlx_lm.sample_utils import make_logits_processors, make_sampler

        think = options.thinking(ask, self.config)
        template = {} if think is None else {"enable_thinking": think}
        turns = [{"role": "user", "content": ask.prompt}]
        prompt = self.tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False, **template)
        wanted = options.sampling(ask, self.config)
        if "seed" in wanted:
            mx.random.seed(wanted["seed"])
        renamed = {{"temperature": "temp"}.get(name, name): value for name, value in wanted.items()}
        sampler, penalties = options.fit(renamed, make_sampler), options.fit(renamed, make_logits_processors)
        unknown = sorted(set(sampler.unknown) & set(penalties.unknown) - {"seed"})
        extra: dict[str, Any] = options.fit(options.computing(self.config), generate_step).known
        if sampler.known:
            extra["sampler"] = make_sampler(**sampler.known)
        if penalties.known:
            extra["logits_processors"] = make_logits_processors(**penalties.known)
        if ask.clip:
            extra["audio"] = [ask.clip]
        raw = {"prompt": str(prompt)[: streaming.MAX_PROMPT], "sent": wanted, "not_known_to_this_release": unknown}
        pieces = mlx_lm.stream_generate(self.model, self.tokenizer, prompt, max_tokens=ask.max_tokens, **extra)
        return streaming.collect(ask, pieces, raw, LM)
