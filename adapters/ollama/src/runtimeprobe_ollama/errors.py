"""Ollama's words to the contract's errors: a table someone can add a row to.

Words of Ollama's own are from ollama/ollama (file named), those of the llama-server behind it from llama.cpp. They come as
`{"error": "words"}`, on /v1 as `{"error": {"message": "words"}}`, and the words may be llama-server's whole JSON reply as a string
(llm/llama_server.go, statusErrorMessage).
"""

import json
from typing import Any

from runtimeprobe.contract import (
    AdapterError,
    EngineDied,
    EngineMissing,
    LoadFailed,
    ModelMissing,
    OutOfMemory,
    Rejected,
    RouteMissing,
    RuntimeTooOld,
    Unavailable,
)

MAX_WORDS = 2000
MAX_NESTING = 5
LOOP_GUARD = "Ollama's loop guard (llm/llama_server.go) cut the answer off: it repeated itself"
_PROJECTOR = "Import the model together with a projector that has an audio encoder."
_SMALLER = "Close other programs, or use a smaller quantization, context or model."
_NEWER = "Update Ollama: https://ollama.com/download"
_LOG = "Read Ollama's log (https://docs.ollama.com/troubleshooting), and update Ollama."
_LOOP = "Ask with other sampling, or look for the reason with `runtimeprobe diagnose`."

Row = tuple[str, type[AdapterError], str]
# The first row whose words are found wins.
ROWS: tuple[Row, ...] = (
    ("model does not support multimodal requests", Rejected, _PROJECTOR),  # llama.cpp tools/server/server-common.cpp: no projector
    # llama.cpp server-common.cpp: a projector without an audio encoder, or a sound that cannot be decoded
    ("failed to load image or audio file", Rejected, f"{_PROJECTOR} If it has one, give it a WAV, MP3 or FLAC file."),
    ("audio input is not supported", Rejected, _PROJECTOR),  # llama.cpp server-common.cpp, through the chat route without renderer
    ("does not support audio input", Rejected, "Use a GGUF of the model: Ollama's MLX runner takes no sound."),  # x/mlxrunner
    (
        "failed to tokenize prompt",
        AdapterError,
        "The prompt and its sounds do not match, or the sound is empty.",
    ),  # llama.cpp server-common.cpp
    ("invalid input_audio", AdapterError, ""),  # openai/openai.go FromChatRequest
    ("token repeat limit reached", AdapterError, _LOOP),  # llm/llama_server.go since PR 18374
    ("longer than the context length", AdapterError, "Load with a larger context."),  # llm/llama_server.go completionPromptForRequest
    ("exceeds the available context size", AdapterError, "Load with a larger context."),  # llama.cpp server-context.cpp
    ("does not support thinking", AdapterError, "Leave the lever thinking alone."),  # server/routes.go ChatHandler
    ("incompatible with your version of ollama", RuntimeTooOld, _NEWER),  # server/sched.go
    ("unknown model architecture", RuntimeTooOld, _NEWER),  # llama.cpp src/llama-model.cpp
    ("requires a newer version of ollama", RuntimeTooOld, _NEWER),  # the registry's reply to a pull
    ("out-of-memory", OutOfMemory, _SMALLER),  # llm/llama_server.go WaitUntilRunning
    ("out of memory", OutOfMemory, _SMALLER),  # ggml's backends
    ("unable to allocate", OutOfMemory, _SMALLER),  # llama.cpp src/llama-model.cpp
    ("failed to allocate", OutOfMemory, _SMALLER),  # llama.cpp src/llama-kv-cache.cpp
    ("requires more system memory", OutOfMemory, _SMALLER),  # llm/server.go up to v0.29
    ("llama-server binary not found", EngineMissing, "Install Ollama again: https://ollama.com/download"),  # llm/llama_server.go
    ("error loading model", LoadFailed, "Pull or import the model again."),  # llama.cpp src/llama-model-loader.cpp
    ("timed out waiting for llama", LoadFailed, _LOG),  # llm/llama_server.go WaitUntilRunning
    ("model runner has unexpectedly stopped", EngineDied, _LOG),  # llm/llama_server.go Completion
    ("process has terminated", EngineDied, _LOG),  # "llama-server ...", up to v0.29 "llama runner ..."
    ("process no longer running", EngineDied, _LOG),
    ("an error was encountered while running the model", EngineDied, _LOG),  # the runner went in the middle of a reply
    (
        "unauthorized",
        Unavailable,
        "Sign in with `ollama signin`, or use a model that runs on this machine.",
    ),  # server/routes.go, cloud models
    ("server busy", Unavailable, "Ask again when its other requests are done."),  # server/sched.go ErrMaxQueue
)


def reported(data: Any) -> Any:
    """What stands under `error`, or None."""
    return data.get("error") if isinstance(data, dict) else None


def innermost(error: Any) -> str:
    """The words of an error, out of objects and of JSON inside strings."""
    for _ in range(MAX_NESTING):
        if isinstance(error, dict):
            error = error.get("error", error.get("message", ""))
        elif isinstance(error, str) and error.lstrip().startswith("{"):
            try:
                inner = json.loads(error)
            except (ValueError, RecursionError):
                break
            if not isinstance(inner, dict) or not inner.keys() & {"error", "message"}:
                break
            error = inner
        else:
            break
    return (error if isinstance(error, str) else json.dumps(error, default=str))[:MAX_WORDS].strip()


def from_words(words: str, doing: str, otherwise: type[AdapterError] = AdapterError) -> AdapterError:
    """The error that Ollama's words stand for."""
    lowered = words.lower()
    first = words.splitlines()[0][:300] if words else "it gives no reason"
    for text, error, fix in ROWS:
        if text in lowered:
            told = f"{LOOP_GUARD}: {first}" if text.startswith("token repeat") else f"Ollama {doing}: {first}"
            return error(told, words=words, fix=fix)
    if "not found" in lowered and "model" in lowered:  # "model 'x' not found", "model "x" not found, try pulling it first"
        return ModelMissing(f"Ollama {doing}: {first}", words=words, fix="Pull it: `ollama pull NAME`. See what is there: `ollama list`.")
    return otherwise(f"Ollama {doing}: {first}", words=words)


def from_status(status: int, body: str, path: str) -> AdapterError:
    """The error that a refusal stands for."""
    body = body[: 16 * MAX_WORDS]
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        data = None
    if data is None and status in (404, 405):  # gin's "404 page not found"
        return RouteMissing(f"This Ollama has no {path}.", words=body[:MAX_WORDS], fix=_NEWER)
    words = innermost(reported(data) or body)
    otherwise = Unavailable if status in (401, 403) else AdapterError
    if data is None:
        return otherwise(f"Something in front of Ollama answered {path} with HTTP {status}.", words=words, fix="Ask Ollama itself.")
    return from_words(words, f"refused {path} with HTTP {status}", otherwise)
