"""Finite bounds for the audio tower's clipped linear layers, as the published checkpoints have them.

Training leaves them infinite. The bounds written here are what the training voices reach, and a little more, so that they change nothing
for speech; but a runtime that drops them, or takes an input's bound for an output's, is no longer the same model.
"""

import random
from typing import Any

MARGIN = 1.1
SEED = 7
PHRASES, WITHOUT_SPEECH = 40, 16


def clips() -> list[Any]:
    """Loud phrases in trained voices, and silence, noise and tones."""
    from runtimeprobe.twins.recipe import augment, speech

    draw = random.Random(SEED)
    spoken = speech.utterances(SEED, singles_per_voice=0, phrases=PHRASES)
    return [speech.synthesise(utterance) for utterance in spoken] + [augment.no_speech(draw).samples for _ in range(WITHOUT_SPEECH)]


def calibrate(model: Any) -> None:
    """Sets the bounds of every clipped linear layer of `model`'s audio tower in place."""
    import torch
    from transformers.models.gemma4.feature_extraction_gemma4 import Gemma4AudioFeatureExtractor

    tower = model.model.audio_tower.eval()
    layers = [module for module in tower.modules() if hasattr(module, "input_max")]
    for layer in layers:
        layer.use_clipped_linears = False
        for side in ("input", "output"):
            getattr(layer, f"{side}_min").fill_(0.0)
            getattr(layer, f"{side}_max").fill_(0.0)

    def widen(layer: Any, inputs: Any, output: Any) -> None:
        for side, values in (("input", inputs[0]), ("output", output)):
            lowest, highest = getattr(layer, f"{side}_min"), getattr(layer, f"{side}_max")
            lowest.copy_(torch.minimum(lowest, values.min() * MARGIN))
            highest.copy_(torch.maximum(highest, values.max() * MARGIN))

    hooks = [layer.register_forward_hook(widen) for layer in layers]
    front = Gemma4AudioFeatureExtractor()
    with torch.no_grad():
        for samples in clips():
            features = front([samples], return_tensors="pt", sampling_rate=front.sampling_rate)
            tower(features["input_features"], attention_mask=features["input_features_mask"])
    for hook in hooks:
        hook.remove()
    for layer in layers:
        layer.use_clipped_linears = True
