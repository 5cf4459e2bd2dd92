"""X: MLX's own faults."""

from runtimeprobe.diagnose.causes.interface import Cause, FileFacts, Look, RunFacts, clear, of_run, only_running
from runtimeprobe.diagnose.causes.versions import Gate, concerns, gated

PROJECTIONS = Gate("mlx-lm", "0.31.2")


def batched(run: RunFacts) -> Look:
    if run.parallel == 1 and concerns(Gate("mlx-vlm", "0.5.0"), run):
        return clear("one request at a time")
    return gated(Gate("mlx-vlm", "0.5.0"))(None, run)


def projections(file: FileFacts | None, run: RunFacts | None) -> Look:
    if file and not file.quantization.endswith("bit"):
        return clear(f"the weights are not quantized by MLX ({file.quantization})")
    if file and not file.per_layer_embeddings:
        return clear("the model has no per-layer embeddings")
    return gated(PROJECTIONS)(file, run)


def shared(file: FileFacts | None, run: RunFacts | None) -> Look:
    if file and file.layers and file.cached_layers == file.layers:
        return clear("no layer shares another's cache")
    return gated(Gate("mlx-lm", "0.31.3"))(file, run)


ROWS = (
    Cause(
        "X1", "Batched requests share a rotary offset", "runtime", "high", of_run(batched),
        "mlx-vlm 0.5.0 or newer, or one request at a time", "a newer mlx-vlm", "mlx-vlm#966",
    ),
    Cause(
        "X2", "Tokens of images and sounds are sampled", "runtime", "medium",
        only_running("shows in the answer: <audio|> or <image|>, or an empty answer that ran to its limit"),
        "258882 and 258883 are suppressed", "suppress both tokens (logit_bias)", "reports for MLX servers",
    ),
    Cause(
        "X3", "Quantized per-layer projections", "runtime", "high", projections,
        "mlx-lm 0.31.2 or newer", "a newer mlx-lm", "mlx-lm 0.31.2 release notes",
    ),
    Cause(
        "X4", "Projections of layers that share a cache", "runtime", "high", shared,
        "mlx-lm 0.31.3 or newer", "a newer mlx-lm", "mlx-lm 0.31.3 release notes",
    ),
)  # fmt: skip
