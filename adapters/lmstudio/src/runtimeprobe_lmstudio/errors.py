"""LM Studio's own words to the contract's errors: a table someone can add a row to.

Each row: words it was seen to say, the error, what the user can do. BT: issue of lmstudio-ai/lmstudio-bug-tracker. The first row that
matches wins. `error` is a string or an object, and may hold another server's reply as a string of JSON: all of it is searched.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from runtimeprobe.contract import (
    AdapterError,
    EngineDied,
    LoadFailed,
    ModelMissing,
    OutOfMemory,
    Rejected,
    RouteMissing,
    RuntimeTooOld,
    Unavailable,
)
from runtimeprobe_lmstudio.token import VARIABLE

Row = tuple[str, type[AdapterError], str]

MAX_WORDS = 2000
_UPDATE = "lms runtime update"
_WAIT = "Nothing: this version of LM Studio takes no sound here (lmstudio-bug-tracker issues 146, 805 and 2144 ask for it)."
_GUARDRAIL = "Close other programs, use a smaller quantization, or adjust the model loading guardrails in LM Studio's settings."
_CONTEXT = "Load with a larger context."
_TOKEN = f"set {VARIABLE} to a token (LM Studio: Developer, Server Settings, Manage Tokens)"
_LOAD = "Load it in LM Studio (lms load KEY), or switch on just-in-time loading (Developer, Server Settings)."

ROWS: tuple[Row, ...] = (
    ("unexpected endpoint or method", RouteMissing, _WAIT),  # BT618, BT1205; with status 200
    ("objects must have a 'type' field that is either", Rejected, _WAIT),  # /v1/chat/completions, 0.4.21
    ("invalid discriminator value. expected", Rejected, _WAIT),  # /api/v1/chat, lmstudio-ai/docs issue 253
    ("invalid type for 'input'", Rejected, _WAIT),  # /v1/responses, BT1106 and BT2200
    ("audio input is not supported", Rejected, "Load a projector that has an audio encoder."),  # llama.cpp, tools/server/server-common.cpp
    ("does not support audio", Rejected, "Load a projector that has an audio encoder."),  # llama.cpp, tools/mtmd/mtmd.cpp
    ("invalid_api_key", Unavailable, _TOKEN),  # https://lmstudio.ai/docs/developer/core/authentication
    ("lm studio api token is required", Unavailable, _TOKEN),
    ("no models loaded", ModelMissing, _LOAD),  # BT1730, lmstudio-ai/lms issue 107
    ("model_not_found", ModelMissing, "See `lms ls` for the models that are here."),
    ("unknown model architecture", RuntimeTooOld, _UPDATE),  # BT1958
    ("unknown projector type", RuntimeTooOld, _UPDATE),  # BT2021
    ("insufficient system resources", OutOfMemory, _GUARDRAIL),  # BT1038
    ("unable to allocate", OutOfMemory, _GUARDRAIL),  # BT790
    ("exited before becoming healthy", EngineDied, _UPDATE),  # BT2166
    ("sigsegv", EngineDied, _UPDATE),
    ("the model has crashed", EngineDied, _UPDATE),
    ("exceed_context_size_error", AdapterError, _CONTEXT),  # llama.cpp's error inside LM Studio's
    ("exceeds the available context size", AdapterError, _CONTEXT),
    ("jinja", AdapterError, "The model's chat template does not work in this version: " + _UPDATE),  # BT2012
    ("failed to load model", LoadFailed, "See `lms log stream --source runtime` for the reason."),
)


def from_words(doing: str, words: str, otherwise: type[AdapterError], everything: str = "") -> AdapterError:
    """The error that `words` stand for; `everything`: what else the reply said, to look for the row's words in."""
    bounded = words.strip()[:MAX_WORDS]
    lowered = f"{bounded}\n{everything[:MAX_WORDS]}".lower()
    for text, error, fix in ROWS:
        if text in lowered:
            return error(f"LM Studio {doing}: {bounded[:300]}", words=bounded, fix=fix)
    return otherwise(f"LM Studio {doing}: {bounded[:300] or 'it gave no reason'}", words=bounded)


def raise_reported(data: Mapping[str, Any], doing: str, otherwise: type[AdapterError] = AdapterError) -> None:
    """Raises what a reply reports as its error, whatever its HTTP status was."""
    error = data.get("error")
    if error is None and data.get("type") == "error":  # an event of /v1/responses has no object of its own
        error = data
    if error is None:
        return
    message = error.get("message") if isinstance(error, dict) else error
    everything = json.dumps(error)
    raise from_words(doing, message if isinstance(message, str) else everything, otherwise, everything)


def unrecognised(error: AdapterError) -> Sequence[str]:
    """The keys that a closed schema names: "Unrecognized key(s) in object: 'seed', 'min_p'" (https://zod.dev, as LM Studio words it)."""
    _, found, rest = error.words.partition("Unrecognized key(s) in object: ")
    return rest.split("'")[1::2] if found else ()
