"""/api/v1 and /api/v0."""

import json
from typing import Any

from tests.emulators.engine import Refused
from tests.emulators.lmstudio import words
from tests.emulators.lmstudio.inference import Run
from tests.emulators.lmstudio.server import LmStudio
from tests.emulators.lmstudio.store import RUNTIME, Entry, NotLoaded
from tests.emulators.serving import Exchange

LOAD_KEYS = {"model", "context_length", "eval_batch_size", "flash_attention", "num_experts", "offload_kv_cache_to_gpu", "echo_load_config"}
CHAT_KEYS = {
    "model", "input", "system_prompt", "integrations", "stream", "temperature", "top_p", "top_k", "min_p", "repeat_penalty",
    "max_output_tokens", "reasoning", "context_length", "store", "previous_response_id", "ttl",
}  # fmt: skip


def models(app: LmStudio, exchange: Exchange) -> None:
    """documented: 1_developer/2_rest/list.md. That an imported Gemma 4 has a reasoning setting is inferred."""

    def shown(entry: Entry) -> dict[str, Any]:
        instance = app.store.instances.get(entry.key)
        return {
            "type": "llm",
            "publisher": entry.publisher,
            "key": entry.key,
            "display_name": entry.text.parent.name,
            "architecture": entry.architecture,
            "quantization": {"name": entry.quantization, "bits_per_weight": None},
            "size_bytes": entry.size_bytes,
            "params_string": None,
            "loaded_instances": [{"id": entry.key, "config": {**instance.config, "parallel": 4}}] if instance else [],
            "max_context_length": 131072,
            "format": "gguf",
            "capabilities": {
                "vision": False,
                "trained_for_tool_use": True,
                "reasoning": {"allowed_options": ["off", "on"], "default": "on"},
            },
            "description": None,
        }

    exchange.json(200, {"models": [shown(entry) for entry in app.store.entries()]})


def load(app: LmStudio, exchange: Exchange) -> None:
    """documented: 1_developer/2_rest/load.md. reported: the schema is closed. The shape of a failure is inferred from other routes."""
    body = json.loads(exchange.body())
    if unknown := sorted(body.keys() - LOAD_KEYS):
        named = ", ".join(f"'{name}'" for name in unknown)
        exchange.json(400, words.native(f"Unrecognized key(s) in object: {named}", "unrecognized_keys"))
        return
    entry = app.store.find(body.get("model", ""))
    if entry is None:
        exchange.json(404, words.native(f"Model {body.get('model')} not found", "model_not_found", "model"))
        return
    config = {name: value for name, value in body.items() if name not in ("model", "echo_load_config")}
    try:
        instance = app.store.load(entry, config)
    except NotLoaded as error:
        exchange.json(500, words.native(str(error), "model_load_failed"))
        return
    reply = {"type": "llm", "instance_id": entry.key, "load_time_seconds": app.behaviour.load_s, "status": "loaded"}
    exchange.json(200, reply | ({"load_config": instance.config} if body.get("echo_load_config") else {}))


def unload(app: LmStudio, exchange: Exchange) -> None:
    """documented: 1_developer/2_rest/unload.md."""
    name = json.loads(exchange.body()).get("instance_id", "")
    if app.store.unload(name):
        exchange.json(200, {"instance_id": name})
    else:
        exchange.json(404, words.native(f"Model instance {name} not found", "model_not_found", "instance_id"))


def chat(app: LmStudio, exchange: Exchange) -> None:
    """documented: 1_developer/2_rest/chat.md and streaming-events.md. `audio` items, once accepted, are inferred from `image`."""
    body = json.loads(exchange.body())
    if unknown := sorted(body.keys() - CHAT_KEYS):
        named = ", ".join(f"'{name}'" for name in unknown)
        exchange.json(400, words.native(f"Unrecognized key(s) in object: {named}", "unrecognized_keys"))
        return
    given = body["input"] if isinstance(body["input"], list) else [{"type": "text", "content": body["input"]}]
    allowed = ("text", "image") if app.behaviour.sound == "rejected" else ("text", "image", "audio")
    if any(item.get("type") not in allowed for item in given):
        exchange.json(400, words.native(words.UNION, "invalid_union", "input"))
        return
    content = [_part(item) for item in given]
    thinking = body.get("reasoning", "on") != "off"
    run = app.begin(exchange, body, [{"role": "user", "content": content}], body.get("max_output_tokens"), thinking=thinking)
    if run is None:
        return
    if not body.get("stream"):
        parts = app.whole(exchange, run)
        if parts is not None:
            exchange.json(200, _result(app, run, *parts))
        return
    _stream(app, exchange, run)


def _stream(app: LmStudio, exchange: Exchange, run: Run) -> None:
    with exchange.stream("text/event-stream") as write:

        def event(name: str, **data: Any) -> None:
            write(f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n".encode())

        event("chat.start", model_instance_id=app.answering(run))
        event("prompt_processing.start")
        said: dict[bool, list[str]] = {True: [], False: []}
        open_item = ""
        try:
            for text, thought in app.pieces(exchange, run):
                item = "reasoning" if thought else "message"
                if item != open_item:
                    event("prompt_processing.end" if not open_item else f"{open_item}.end")
                    event(f"{item}.start")
                    open_item = item
                said[thought].append(text)
                event(f"{item}.delta", content=text)
        except Refused as error:
            event("error", error=words.native(app.wrapped(error), "engine_error")["error"])
            return
        if open_item:
            event(f"{open_item}.end")
        event("chat.end", result=_result(app, run, "".join(said[True]), "".join(said[False])))


def _part(item: dict[str, Any]) -> dict[str, Any]:
    if item["type"] == "text":
        return {"type": "text", "text": item["content"]}
    if item["type"] == "image":
        return {"type": "image_url", "image_url": {"url": item["data_url"]}}
    head, _, data = item["data_url"].partition(",")
    return {"type": "input_audio", "input_audio": {"data": data, "format": head.partition("audio/")[2].partition(";")[0]}}


def _result(app: LmStudio, run: Run, thought: str, text: str) -> dict[str, Any]:
    output = [{"type": kind, "content": content} for kind, content in (("reasoning", thought), ("message", text)) if content]
    return {"model_instance_id": app.answering(run), "output": output, "stats": run.stats}


def models_v0(app: LmStudio, exchange: Exchange) -> None:
    """documented: 1_developer/2_rest/endpoints.mdx; `loading` is reported."""

    def state(key: str) -> str:
        return "loaded" if key in app.store.instances else "loading" if key in app.store.loading else "not-loaded"

    data = [
        {
            "id": entry.key, "object": "model", "type": "llm", "publisher": entry.publisher, "arch": entry.architecture,
            "compatibility_type": "gguf", "quantization": entry.quantization, "state": state(entry.key), "max_context_length": 131072,
        }
        for entry in app.store.entries()
    ]  # fmt: skip
    exchange.json(200, {"object": "list", "data": data})


def chat_v0(app: LmStudio, exchange: Exchange) -> None:
    """documented: 1_developer/2_rest/endpoints.mdx. Whole replies only."""
    body = json.loads(exchange.body())
    run = app.begin(exchange, body, body["messages"], body.get("max_tokens"), thinking=True)
    if run is None or (parts := app.whole(exchange, run)) is None:
        return
    stop = {"stop": "eosFound", "length": "maxPredictedTokensReached"}[run.finish]
    exchange.json(
        200,
        {
            "id": "chatcmpl-0", "object": "chat.completion", "created": 0, "model": app.answering(run),
            "choices": [{"index": 0, "finish_reason": run.finish, "message": {"role": "assistant", "content": parts[1]}}],
            "usage": run.usage,
            "stats": {"tokens_per_second": run.stats["tokens_per_second"], "stop_reason": stop},
            "model_info": {"arch": run.instance.entry.architecture, "quant": run.instance.entry.quantization, "format": "gguf"},
            "runtime": RUNTIME,
        },
    )  # fmt: skip
