"""mlx-vlm in this process: `load`, `apply_chat_template`, `stream_generate`."""

import importlib
from collections.abc import Callable
from typing import Any

from runtimeprobe.contract import AdapterError, Ask, Claim, Config, Loaded, Reply, RouteMissing
from runtimeprobe_mlx import device, failures, options, streaming
from runtimeprobe_mlx.engines import VLM, version_of


def step_function() -> Callable[..., Any]:
    """Where the sampling parameters are named; it moved from utils to generate in 0.1."""
    for module in ("mlx_vlm.generate", "mlx_vlm.utils"):
        found = getattr(importlib.import_module(module), "generate_step", None)
        if found:
            function: Callable[..., Any] = found
            return function
    raise RouteMissing(f"mlx-vlm {version_of(VLM)} has no generate_step")


class InProcess:
    """A loaded model. Reused for every ask."""

    def __init__(self, folder: str, config: Config) -> None:
        self.config = config
        try:
            import mlx_vlm

            self.model, self.processor = mlx_vlm.load(folder)
        except Exception as error:
            raise failures.of_load(error, VLM) from error

    def loaded(self) -> Loaded:
        """Claims sound only where both halves are there: the tower in the model, the feature extractor in the processor."""
        tower = getattr(self.model, "audio_tower", None) is not None
        extractor = getattr(self.processor, "feature_extractor", None) is not None
        return Loaded(
            claim=Claim.YES if tower and extractor else Claim.NO,
            build=f"mlx {version_of('mlx')}",
            device=device.describe(),
            details={"audio_tower": tower, "feature_extractor": extractor, "processor": type(self.processor).__name__},
        )

    def ask(self, ask: Ask) -> Reply:
        try:
            return self.generate(ask)
        except AdapterError:
            raise
        except Exception as error:
            raise failures.of_ask(error, VLM, with_clip=bool(ask.clip)) from error

    def generate(self, ask: Ask) -> Reply:
        import mlx.core as mx
        import mlx_vlm
        from mlx_vlm.prompt_utils import apply_chat_template

        media: dict[str, Any] = {}
        if ask.clip:
            media = {"num_audios": 1}
            if options.fit(media, apply_chat_template).unknown or options.fit({"audio": 0}, mlx_vlm.stream_generate).unknown:
                raise RouteMissing(f"mlx-vlm {version_of(VLM)} has no way in for sound", fix="pip install --upgrade mlx-vlm")
        think = options.thinking(ask, self.config)
        template = {} if think is None else {"enable_thinking": think}
        prompt = apply_chat_template(self.processor, self.model.config, ask.prompt, **media, **template)
        wanted = options.sampling(ask, self.config) | options.computing(self.config) | {"max_tokens": ask.max_tokens}
        fitted = options.fit(wanted, step_function())
        if "seed" in fitted.unknown:
            mx.random.seed(wanted["seed"])
        sound = {"audio": [ask.clip]} if ask.clip else {}
        raw = {"prompt": str(prompt)[: streaming.MAX_PROMPT], "sent": fitted.known, "not_known_to_this_release": fitted.unknown}
        return streaming.collect(ask, mlx_vlm.stream_generate(self.model, self.processor, prompt, **sound, **fitted.known), raw, VLM)
