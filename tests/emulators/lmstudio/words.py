"""What LM Studio says when it refuses, word for word, and how it wraps it: compat routes a string or an object, native ones an object."""

from typing import Any

# (reported) BT618; it answers 200, as its log says ("Returning 200 anyway", BT1879)
UNKNOWN_ROUTE = "Unexpected endpoint or method. ({method} {route})"
# (reported) 0.4.21 on 2026-08-30; 0.4.23 with google/gemma-4-e2b on 2026-09-01
CONTENT_TYPE = "Invalid 'content': 'content' objects must have a 'type' field that is either 'text' or 'image_url'."
# (reported) lmstudio-ai/docs issue 253
UNION = "Invalid discriminator value. Expected 'text' | 'image'"
# reported for other unexpected items: BT1106, BT2200; inferred for input_audio
INPUT = "Invalid type for 'input'."
# (reported) BT1730
NOTHING_LOADED = "No models loaded. Please load a model in the developer page or use the 'lms load' command."
# (documented) 1_developer/0_core/authentication.mdx has the code; the message is inferred
TOKEN = "An LM Studio API token is required to make requests to this server."
# (reported) BT1958
ARCHITECTURE = "Failed to load model: error loading model: error loading model architecture: unknown model architecture: 'gemma4'"
# (reported) BT2166
CRASH = "Failed to load model: llama-server process exited before becoming healthy. Exit code: null. Signal: SIGSEGV"
# (reported) BT1038
MEMORY = (
    "Model loading was stopped due to insufficient system resources. Under the current settings, this model requires approximately"
    " 273.25 GB of memory, and continuing to load it would likely overload your system and cause it to freeze. If you think this is"
    " incorrect, you can adjust the model loading guardrails in settings."
)
# (reported) BT2012
JINJA = "Error rendering prompt with jinja template: \"Cannot apply filter 'string' to type: NullValue\"."
# (reported) the wrapping; what is in it is source: tools/server/server-context.cpp in llama.cpp
NESTED = (
    'Engine protocol predict request returned 400: {"error":{"code":400,"message":"request (5120 tokens) exceeds the available context'
    ' size (4096 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":5120,"n_ctx":4096}}'
)
LOAD_FAULTS = {"architecture": ARCHITECTURE, "crash": CRASH, "memory": MEMORY}


def compat(message: str, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    """reported: BT1730, BT1106."""
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


def native(message: str, code: str, param: str | None = None) -> dict[str, Any]:
    """reported: lmstudio-ai/docs issue 253."""
    return {"error": {"message": message, "type": "invalid_request", "code": code, **({"param": param} if param else {})}}
