"""/v1: OpenAI's formats. documented: 1_developer/3_openai-compat in lmstudio-ai/docs, which refers to OpenAI's own reference."""

import json
from email import message_from_bytes
from email.message import Message
from typing import Any

from tests.emulators.engine import Refused
from tests.emulators.lmstudio import words
from tests.emulators.lmstudio.inference import Run
from tests.emulators.lmstudio.server import LmStudio
from tests.emulators.serving import Exchange

PARTS = ("text", "image_url")


def models(app: LmStudio, exchange: Exchange) -> None:
    """documented: 1_developer/0_core/headless.md: all models with just-in-time loading, else those in memory."""
    keys = [entry.key for entry in app.store.entries()] if app.behaviour.just_in_time else list(app.store.instances)
    exchange.json(200, {"data": [{"id": key, "object": "model", "owned_by": "organization_owner"} for key in keys], "object": "list"})


def chat(app: LmStudio, exchange: Exchange) -> None:
    """reported: the tail of a stream is a chunk with finish_reason and an empty delta, one with usage and no choices, and [DONE]."""
    body = json.loads(exchange.body())
    for message in body["messages"]:
        kinds = [part.get("type") for part in message["content"]] if isinstance(message["content"], list) else []
        allowed = PARTS if app.behaviour.sound == "rejected" else (*PARTS, "input_audio")
        if any(kind not in allowed for kind in kinds):
            exchange.json(400, {"error": words.CONTENT_TYPE})
            return
    run = app.begin(exchange, body, body["messages"], body.get("max_tokens"), thinking=body.get("reasoning_effort") != "none")
    if run is None:
        return
    head = {"id": "chatcmpl-emulated", "created": app.now(), "model": app.answering(run), "system_fingerprint": app.answering(run)}
    if not body.get("stream"):
        parts = app.whole(exchange, run)
        if parts is not None:
            message = {"role": "assistant", "content": parts[1], "reasoning_content": parts[0], "tool_calls": []}
            choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": run.finish}
            exchange.json(200, {**head, "object": "chat.completion", "choices": [choice], "usage": run.usage, "stats": {}})
        return
    with exchange.stream("text/event-stream") as write:

        def chunk(choices: list[dict[str, Any]], **more: Any) -> None:
            write(f"data: {json.dumps({**head, 'object': 'chat.completion.chunk', 'choices': choices, **more})}\n\n".encode())

        try:
            for text, thought in app.pieces(exchange, run):
                delta = {"role": "assistant", "reasoning_content" if thought else "content": text}
                chunk([{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}])
        except Refused as error:  # documented: errors in streams as OpenAI's clients expect them (api-changelog.md, 0.3.18)
            write(f"event: error\ndata: {json.dumps({'error': {'message': app.wrapped(error)}})}\n\n".encode())
            return
        chunk([{"index": 0, "delta": {}, "logprobs": None, "finish_reason": run.finish}])
        if (body.get("stream_options") or {}).get("include_usage"):
            chunk([], usage=run.usage)
        write(b"data: [DONE]\n\n")


def responses(app: LmStudio, exchange: Exchange) -> None:
    """documented: 1_developer/3_openai-compat/responses.md; the other events are OpenAI's."""
    body = json.loads(exchange.body())
    items = body["input"] if isinstance(body["input"], list) else [{"role": "user", "content": body["input"]}]
    allowed = ("input_text", "input_image") if app.behaviour.sound == "rejected" else ("input_text", "input_image", "input_audio")
    messages = []
    for item in items:
        content = item["content"] if isinstance(item["content"], list) else [{"type": "input_text", "text": item["content"]}]
        if any(part.get("type") not in allowed for part in content):
            exchange.json(400, words.compat(words.INPUT, "input", "invalid_union"))
            return
        messages.append({"role": item["role"], "content": [_part(part) for part in content]})
    thinking = (body.get("reasoning") or {}).get("effort") != "none"
    run = app.begin(exchange, body, messages, body.get("max_output_tokens"), thinking=thinking)
    if run is None:
        return
    if not body.get("stream"):
        parts = app.whole(exchange, run)
        if parts is not None:
            exchange.json(200, _response(app, run, "completed", *parts))
        return
    with exchange.stream("text/event-stream") as write:
        numbers = iter(range(1_000_000))

        def event(name: str, **data: Any) -> None:
            write(f"event: {name}\ndata: {json.dumps({'type': name, 'sequence_number': next(numbers), **data})}\n\n".encode())

        event("response.created", response=_response(app, run, "in_progress", "", ""))
        said: dict[bool, list[str]] = {True: [], False: []}
        order: list[bool] = []  # thoughts and answer are an item each, in the order of their coming
        try:
            for text, thought in app.pieces(exchange, run):
                said[thought].append(text)
                kind, item = ("reasoning_text", "rs_0") if thought else ("output_text", "msg_0")
                more: dict[str, Any] = {} if thought else {"logprobs": []}
                if thought not in order:
                    order.append(thought)
                    place = {"output_index": order.index(thought)}
                    event("response.output_item.added", item=_item(thought, "", "in_progress"), **place)
                    event("response.content_part.added", item_id=item, content_index=0, part=_content(thought, ""), **place)
                event(f"response.{kind}.delta", item_id=item, output_index=order.index(thought), content_index=0, delta=text, **more)
        except Refused as error:
            event(
                "response.failed", response=_response(app, run, "failed", "", "") | words.compat(app.wrapped(error), None, "server_error")
            )
            return
        status = "incomplete" if run.finish == "length" else "completed"
        event(f"response.{status}", response=_response(app, run, status, "".join(said[True]), "".join(said[False])))


def transcriptions(app: LmStudio, exchange: Exchange) -> None:
    """Not routed today (reported: BT1205). Once it is: OpenAI's form, answered as llama.cpp's server answers it (inferred)."""
    form = _form(exchange)
    sound = form["file"].get_payload(decode=True)
    assert isinstance(sound, bytes)
    import base64

    suffix = (form["file"].get_filename() or "").rpartition(".")[2]
    data = {"data": base64.b64encode(sound).decode(), "format": suffix}
    prompt = _text(form, "prompt") or "Transcribe."
    messages = [{"role": "user", "content": [{"type": "input_audio", "input_audio": data}, {"type": "text", "text": prompt}]}]
    body = {"model": _text(form, "model"), "temperature": float(_text(form, "temperature") or 0)}
    run = app.begin(exchange, body, messages, 256, thinking=False)
    if run is None or (parts := app.whole(exchange, run)) is None:
        return
    usage = {"type": "tokens", "input_tokens": run.usage["prompt_tokens"], "output_tokens": run.usage["completion_tokens"]}
    exchange.json(200, {"text": parts[1], "usage": usage | {"total_tokens": run.usage["total_tokens"]}})


def _form(exchange: Exchange) -> dict[str, "Message[str, str]"]:
    head = f"Content-Type: {exchange.headers['Content-Type']}\r\n\r\n".encode()
    whole = message_from_bytes(head + exchange.body())
    return {str(part.get_param("name", header="content-disposition")): part for part in whole.walk() if not part.is_multipart()}


def _text(form: dict[str, "Message[str, str]"], name: str) -> str:
    payload = form[name].get_payload(decode=True) if name in form else b""
    return payload.decode().strip() if isinstance(payload, bytes) else ""


def _part(part: dict[str, Any]) -> dict[str, Any]:
    if part["type"] == "input_text":
        return {"type": "text", "text": part["text"]}
    if part["type"] == "input_image":
        return {"type": "image_url", "image_url": {"url": part["image_url"]}}
    return {"type": "input_audio", "input_audio": part["input_audio"]}


def _content(thought: bool, text: str) -> dict[str, Any]:
    if thought:
        return {"type": "reasoning_text", "text": text}
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _item(thought: bool, text: str, status: str = "completed") -> dict[str, Any]:
    content = [_content(thought, text)] if text else []
    if thought:
        return {"id": "rs_0", "type": "reasoning", "summary": [], "content": content}
    return {"id": "msg_0", "type": "message", "role": "assistant", "status": status, "content": content}


def _response(app: LmStudio, run: Run, status: str, thought: str, text: str) -> dict[str, Any]:
    output = [_item(kind, said) for kind, said in ((True, thought), (False, text)) if said]
    usage = None
    if run.usage:
        usage = {
            "input_tokens": run.usage["prompt_tokens"],
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": run.usage["completion_tokens"],
            "output_tokens_details": {"reasoning_tokens": run.thought_pieces},
            "total_tokens": run.usage["total_tokens"],
        }
    return {
        "id": "resp_emulated", "object": "response", "created_at": app.now(), "status": status, "model": app.answering(run),
        "output": output, "usage": usage, "error": None, "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
    }  # fmt: skip
