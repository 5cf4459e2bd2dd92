"""The two engines as rows: their distributions, their ways in for sound, and the configuration that can be changed."""

import importlib.metadata
import importlib.util
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from runtimeprobe.contract import Absent, Engine, Lever, Releases, Route

VLM, LM = "mlx-vlm", "mlx-lm"
GENERATE, CHAT, TRANSCRIPTIONS, NONE = "generate.audio", "chat.input_audio", "audio.transcriptions", "none"
SERVER_ROUTES = (CHAT, TRANSCRIPTIONS)


@dataclass(frozen=True, slots=True)
class Row:
    """One engine. `package` is what `import` calls it, `name` what PyPI calls it."""

    name: str
    package: str
    routes: tuple[Route, ...]
    levers: tuple[Lever, ...]
    compare: str


SAMPLING = (
    Lever("temperature", "0.0", ("0.0", "0.3", "0.7", "1.0"), "mlx-vlm: the checkpoint's generation_config.json comes before the 0.0"),
    Lever("top_k", "0", ("0", "1", "40", "64"), "0 is off"),
    Lever("top_p", "1.0", ("0.9", "0.95", "1.0")),
    Lever("min_p", "0.0", ("0.0", "0.05")),
    Lever("repeat_penalty", "", ("1.0", "1.1", "1.3"), "not applied by default; looks at the last 20 tokens"),
    Lever("presence_penalty", "", ("0.0", "1.0")),
    Lever("frequency_penalty", "", ("0.0", "1.0")),
)
COMPUTING = (
    Lever("prefill_step_size", "2048", ("128", "512", "2048"), "tokens of the prompt per step"),
    Lever("device", "", ("cpu", "gpu"), "mx.default_device(): gpu is Metal; takes effect before the engine is imported"),
)
# No max_kv_size: Gemma 4 makes its own caches and both engines then ignore it. mlx-lm's kv_bits raises on sliding layers
# ("RotatingKVCache Quantization NYI"), as mlx-vlm's does with the scheme "uniform".
CACHE = (
    Lever("kv_bits", "", ("8", "4", "3.5"), "on Gemma 4 only with kv_quant_scheme=turboquant; sliding layers and the last one keep theirs"),
    Lever("kv_quant_scheme", "uniform", ("uniform", "turboquant")),
)

ENGINES = {
    VLM: Row(
        VLM,
        "mlx_vlm",
        (
            Route(GENERATE, note="mlx_vlm.stream_generate(audio=[path]); the clip is placed after the text"),
            Route(CHAT, note="POST /v1/chat/completions of mlx_vlm.server, clip as base64"),
            Route(TRANSCRIPTIONS, needs_clip=True, reports_tokens=False, note="POST /v1/audio/transcriptions of mlx_vlm.server"),
        ),
        (Lever("thinking", "off", ("off", "on"), "enable_thinking of the chat template"), *SAMPLING, *CACHE, *COMPUTING),
        "https://github.com/Blaizzy/mlx-vlm/compare/v{before}...v{after}",
    ),
    LM: Row(
        LM,
        "mlx_lm",
        (Route(NONE, note="mlx_lm.generate takes text alone"),),
        (Lever("thinking", "on", ("off", "on"), "on by default where the tokenizer has thinking tokens"), *SAMPLING, *COMPUTING),
        "https://github.com/ml-explore/mlx-lm/compare/v{before}...v{after}",
    ),
}


def version_of(distribution: str) -> str:
    """Its version as installed, or ""."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""


def install_command(engine: str) -> str:
    """On Apple Silicon mlx comes with Metal; on Linux its backend is an extra of that package."""
    return f"pip install {engine}" if platform.system() == "Darwin" else f'pip install "mlx[cpu]" {engine}'


def releases(row: Row) -> Releases:
    """Wheels of pure Python; the backend comes with mlx."""
    beside = ("mlx",) if platform.system() == "Darwin" else ("mlx[cpu]",)
    return Releases(package=row.name, beside=beside, compare=row.compare, traced=row.name == VLM)


def has_backend(locations: Sequence[str]) -> bool:
    """Whether mlx's native library lies in one of its folders: the `mlx` wheel for Linux does not bring it."""
    return any(path.is_file() for location in locations for path in (Path(location) / "lib").glob("libmlx.*"))


def discover_one(row: Row) -> Engine | Absent:
    """Metadata alone: nothing is imported."""
    version, fix = version_of(row.name), install_command(row.name)
    if not version or importlib.util.find_spec(row.package) is None:
        return Absent(row.name, f"{row.name} is not installed in this Python environment", fix)
    spec = importlib.util.find_spec("mlx")
    if spec is None:
        return Absent(row.name, f"{row.name} {version} is installed, mlx is not", fix)
    if not has_backend(tuple(spec.submodule_search_locations or ())):
        return Absent(row.name, f"{row.name} {version} and mlx {version_of('mlx')} are installed without a backend (no libmlx)", fix)
    return Engine(row.name, version, build=f"mlx {version_of('mlx')}")
