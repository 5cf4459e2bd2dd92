"""Turns what the engines raise or answer into the contract's errors. Every row was seen, or read in a source."""

import re
from dataclasses import dataclass

from runtimeprobe.contract import AdapterError, LoadFailed, ModelMissing, OutOfMemory, Rejected, RouteMissing, RuntimeTooOld

MAX_WORDS = 4000  # characters of the engine's words that are kept


@dataclass(frozen=True, slots=True)
class Row:
    """The first row whose pattern occurs in the engine's words decides. `message` may name {engine}."""

    pattern: str
    kind: type[AdapterError]
    message: str
    fix: str = ""
    with_clip: bool = False  # only where sound was sent


ROWS = (
    Row(
        r"\[(metal::)?malloc|Unable to allocate|out of memory|OutOfMemory|Insufficient Memory|MemoryError|maximum allowed buffer",
        OutOfMemory,
        "{engine} ran out of memory",
        "close other programs, or take a smaller quantization",
    ),
    # mlx_vlm/utils.py get_model_and_args, mlx_lm/utils.py _get_classes
    Row(
        r"Model type .{1,80} not supported|No module named .mlx_(vlm|lm)\.models",
        RuntimeTooOld,
        "this release of {engine} does not know the model's architecture",
        "pip install --upgrade {engine}",
    ),
    Row(
        r"\[load_safetensors\]", LoadFailed, "{engine} cannot read the weights: the file is cut off or damaged", "download the model again"
    ),
    Row(r"No safetensors found", ModelMissing, "{engine} finds no safetensors in the folder", "download the model in safetensors"),
    # Google's own checkpoints carry K/V of the layers that share them, everything saved by transformers does not: read since mlx-vlm 0.6.2
    # and mlx-lm 0.31.3 (github.com/Blaizzy/mlx-vlm/pull/1301, github.com/ml-explore/mlx-lm/pull/1158)
    Row(
        r"(?s)Missing \d+ parameters.{0,400}self_attn\.(k_norm|k_proj|v_proj)",
        RuntimeTooOld,
        "this release of {engine} needs keys and values that the checkpoint leaves out because those layers share them",
        "pip install --upgrade {engine}",
    ),
    Row(
        r"global_head_dim",
        LoadFailed,
        "{engine} needs `global_head_dim` in text_config",
        "write global_head_dim (512) into config.json: transformers 5.23 writes per_layer_config in its place",
    ),
    # Releases up to 0.4.3 with checkpoints converted without it (github.com/Blaizzy/mlx-vlm/issues/903)
    Row(
        r"feature_extractor",
        AdapterError,
        "{engine} has no feature extractor for sound: the folder's processor_config.json lacks it, or the release is too old",
        "copy `feature_extractor` from the original checkpoint's processor_config.json, or pip install --upgrade {engine}",
    ),
    # mlx_vlm/server/app.py _reject_native_chat_model_for_audio
    Row(r"only support dedicated\s+speech-to-text", Rejected, "{engine} refuses a chat model here", "use chat.input_audio", with_clip=True),
    Row(r"unexpected keyword argument .audios?\b", Rejected, "{engine} has no parameter for sound", with_clip=True),
    # mlx_audio/audio_io.py: Ogg, M4A and the like go through ffmpeg, the rest through miniaudio
    Row(r"ffmpeg is required|ffmpeg.{0,40}not found", AdapterError, "{engine} needs ffmpeg for this container", "install ffmpeg"),
    Row(
        r"unsupported file format|Unable to detect audio format|could not open/decode file",
        Rejected,
        "{engine} cannot decode this sound file",
        "send it as WAV",
        with_clip=True,
    ),
    Row(
        r"(?i)(audio|sound|speech|input_audio).{0,80}(not supported|unsupported|not support|only supports?)"
        r"|(?i:not support|unsupported).{0,80}(audio|sound|speech)",
        Rejected,
        "{engine} refuses sound",
        with_clip=True,
    ),
)


def translate(words: str, engine: str, otherwise: AdapterError, *, with_clip: bool = False) -> AdapterError:
    """The contract's error for the engine's words; `otherwise`, with the words in it, if no row fits."""
    for row in ROWS:
        if (with_clip or not row.with_clip) and re.search(row.pattern, words):
            return row.kind(row.message.format(engine=engine), words=words[:MAX_WORDS], fix=row.fix.format(engine=engine))
    otherwise.words = otherwise.words or words[:MAX_WORDS]
    return otherwise


def words_of(error: BaseException) -> str:
    """Type and text, as a traceback's last line has them, with the error that caused it."""
    cause = error.__cause__
    own = f"{type(error).__name__}: {error}"
    return f"{own} (from {type(cause).__name__}: {cause})" if cause else own


def of_load(error: BaseException, engine: str) -> AdapterError:
    first = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
    return translate(words_of(error), engine, LoadFailed(f"{engine} could not load the model: {first}"))


def of_ask(error: BaseException, engine: str, *, with_clip: bool) -> AdapterError:
    first = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
    return translate(words_of(error), engine, AdapterError(f"{engine} failed: {type(error).__name__}: {first}"), with_clip=with_clip)


def of_answer(status: int, detail: str, engine: str, path: str, *, with_clip: bool) -> AdapterError:
    """An HTTP answer that is no success, or an `error` in a stream that began with 200 (status 0)."""
    if status in (404, 405) and detail in ("Not Found", "Method Not Allowed"):  # FastAPI's own, for a path that is not there
        return RouteMissing(f"this release of {engine} has no {path}", words=detail, fix=f"pip install --upgrade {engine}")
    said = f"HTTP {status}" if status else "an error inside the stream"
    return translate(detail, engine, AdapterError(f"{engine} answered {said} at {path}: {detail[:300]}"), with_clip=with_clip)
