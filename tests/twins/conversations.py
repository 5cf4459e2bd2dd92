"""Conversations and the exact prompts Gemma 4's template makes of them, thinking off unless said, in the E2B and E4B form."""

from dataclasses import dataclass, field
from typing import Any

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a place",
        "parameters": {
            "type": "object",
            "properties": {
                "place": {"type": "string", "description": "A town"},
                "unit": {"type": "string", "enum": ["C", "F"]},
                "days": {"type": "integer", "nullable": True},
                "tags": {"type": "array", "items": {"type": "string", "description": "a tag"}},
                "where": {
                    "type": "object",
                    "properties": {"lat": {"type": "number"}, "lon": {"type": "number", "description": "degrees"}},
                    "required": ["lat"],
                },
                "hours": {"type": "array", "items": {"type": "object", "properties": {"from": {"type": "integer"}}, "required": ["from"]}},
            },
            "required": ["place", "unit"],
        },
        "response": {"type": "object", "description": "What the sky does"},
    },
}
WEATHER_DECLARED = (
    '<|tool>declaration:get_weather{description:<|"|>Weather of a place<|"|>,parameters:{properties:{'
    'days:{nullable:true,type:<|"|>INTEGER<|"|>},'
    'hours:{items:{properties:{from:{type:<|"|>INTEGER<|"|>}},required:[<|"|>from<|"|>],type:<|"|>OBJECT<|"|>},type:<|"|>ARRAY<|"|>},'
    'place:{description:<|"|>A town<|"|>,type:<|"|>STRING<|"|>},'
    'tags:{items:{description:<|"|>a tag<|"|>,type:<|"|>STRING<|"|>},type:<|"|>ARRAY<|"|>},'
    'unit:{enum:[<|"|>C<|"|>,<|"|>F<|"|>],type:<|"|>STRING<|"|>},'
    'where:{properties:{lat:{type:<|"|>NUMBER<|"|>},lon:{description:<|"|>degrees<|"|>,type:<|"|>NUMBER<|"|>}},required:[<|"|>lat<|"|>],'
    'type:<|"|>OBJECT<|"|>}},required:[<|"|>place<|"|>,<|"|>unit<|"|>],type:<|"|>OBJECT<|"|>},'
    'response:{description:<|"|>What the sky does<|"|>,type:<|"|>OBJECT<|"|>}}<tool|>'
)
ARGUMENTS = {"place": "Bern", "days": 2, "deep": {"b": [1, True], "a": "x"}}
CALL = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": ARGUMENTS}}
CALL_WRITTEN = '<|tool_call>call:get_weather{days:2,deep:{a:<|"|>x<|"|>,b:[1,true]},place:<|"|>Bern<|"|>}<tool_call|>'
AUDIO, IMAGE, VIDEO = {"type": "audio"}, {"type": "image"}, {"type": "video"}


def text(words: str) -> dict[str, str]:
    return {"type": "text", "text": words}


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def model(content: Any, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content, **more}


def tool(content: Any, **more: Any) -> dict[str, Any]:
    return {"role": "tool", "content": content, **more}


@dataclass(frozen=True)
class Case:
    name: str
    messages: list[dict[str, Any]]
    prompt: str
    options: dict[str, Any] = field(default_factory=dict)
    official_fails: bool = False  # the official template raises an error here


ASK = "<|turn>user\nHi<turn|>\n"
OPEN = "<|turn>model\n"
BERN = "<|turn>user\nBern?<turn|>\n"
CASES = (
    Case("text", [user("Hi")], f"<bos>{ASK}{OPEN}"),
    Case("text is trimmed", [user("  Hi \n")], f"<bos>{ASK}{OPEN}"),
    Case("no generation prompt", [user("Hi")], f"<bos>{ASK}", {"add_generation_prompt": False}),
    Case("clip before text", [user([AUDIO, text("Transcribe.")])], f"<bos><|turn>user\n<|audio|>Transcribe.<turn|>\n{OPEN}"),
    Case("clip after text", [user([text("Transcribe."), AUDIO])], f"<bos><|turn>user\nTranscribe.<|audio|><turn|>\n{OPEN}"),
    Case(
        "every kind of part in order",
        [user([IMAGE, text(" a "), VIDEO, text("b"), AUDIO])],
        f"<bos><|turn>user\n<|image|>a<|video|>b<|audio|><turn|>\n{OPEN}",
    ),
    Case("system", [{"role": "system", "content": " Be short. "}, user("Hi")], f"<bos><|turn>system\nBe short.<turn|>\n{ASK}{OPEN}"),
    Case("developer", [{"role": "developer", "content": "Be short."}, user("Hi")], f"<bos><|turn>system\nBe short.<turn|>\n{ASK}{OPEN}"),
    Case("thinking", [user("Hi")], f"<bos><|turn>system\n<|think|>\n<turn|>\n{ASK}{OPEN}", {"enable_thinking": True}),
    Case(
        "thinking and system",
        [{"role": "system", "content": "Be short."}, user("Hi")],
        f"<bos><|turn>system\n<|think|>\nBe short.<turn|>\n{ASK}{OPEN}",
        {"enable_thinking": True},
    ),
    Case(
        "earlier thoughts are stripped",
        [user("Hi"), model("<|channel>thought\nHm.\n<channel|> Yes. "), user("Hi")],
        f"<bos>{ASK}<|turn>model\nYes.<turn|>\n{ASK}{OPEN}",
    ),
    Case(
        "earlier thoughts in parts and unclosed are stripped",
        [user("Hi"), model([text("a<|channel>thought\nx<channel|>b"), text("c<|channel>thought\ny")]), user("Hi")],
        f"<bos>{ASK}<|turn>model\nabc<turn|>\n{ASK}{OPEN}",
    ),
    Case(
        "reasoning of an answer without tools is left out",
        [user("Hi"), model("Yes.", reasoning_content="Hm.")],
        f"<bos>{ASK}<|turn>model\nYes.<turn|>\n{OPEN}",
    ),
    Case("answer after answer stays one turn", [user("Hi"), model("a"), model("b")], f"<bos>{ASK}<|turn>model\na<turn|>\nb<turn|>\n{OPEN}"),
    Case("tools", [user("Bern?")], f"<bos><|turn>system\n{WEATHER_DECLARED}<turn|>\n{BERN}{OPEN}", {"tools": [WEATHER]}),
    Case(
        "tools behind the system text",
        [{"role": "system", "content": "Be short."}, user("Bern?")],
        f"<bos><|turn>system\n<|think|>\nBe short.{WEATHER_DECLARED}<turn|>\n{BERN}{OPEN}",
        {"tools": [WEATHER], "enable_thinking": True},
    ),
    Case(
        "a call waits for its result",
        [user("Bern?"), model(None, tool_calls=[CALL])],
        f"<bos>{BERN}<|turn>model\n{CALL_WRITTEN}<|tool_response>",
    ),
    Case(
        "arguments as text",
        [user("Bern?"), model("", tool_calls=[{"id": "c1", "function": {"name": "f", "arguments": "a:1"}}])],
        f"<bos>{BERN}<|turn>model\n<|tool_call>call:f{{a:1}}<tool_call|><|tool_response>",
    ),
    Case(
        "result of a call, and the thought before it",
        [user("Bern?"), model(None, tool_calls=[CALL], reasoning_content="Hm."), tool("rain", tool_call_id="c1")],
        f"<bos>{BERN}<|turn>model\n<|channel>thought\nHm.\n<channel|>{CALL_WRITTEN}"
        '<|tool_response>response:get_weather{value:<|"|>rain<|"|>}<tool_response|>',
    ),
    Case(
        "an object as result",
        [user("Bern?"), model(None, tool_calls=[CALL]), tool({"t": 3, "sky": "grey"}, tool_call_id="c1")],
        f'<bos>{BERN}<|turn>model\n{CALL_WRITTEN}<|tool_response>response:get_weather{{sky:<|"|>grey<|"|>,t:3}}<tool_response|>',
        official_fails=True,
    ),
    Case(
        "a result in parts, then the answer in the same turn",
        [user("Bern?"), model(None, tool_calls=[CALL]), tool([text("ra"), text("in")], tool_call_id="c1"), model("Rain."), user("Hi")],
        f'<bos>{BERN}<|turn>model\n{CALL_WRITTEN}<|tool_response>response:get_weather{{value:<|"|>rain<|"|>}}<tool_response|>'
        f"Rain.<turn|>\n{ASK}{OPEN}",
    ),
    Case(
        "results inside the message",
        [user("Bern?"), model(None, tool_calls=[CALL], tool_responses=[{"name": "get_weather", "response": {"t": 3}}])],
        f"<bos>{BERN}<|turn>model\n{CALL_WRITTEN}<|tool_response>response:get_weather{{t:3}}<tool_response|>",
    ),
)  # fmt: skip
