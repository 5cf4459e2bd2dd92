"""Renders a chat template somebody else wrote: in jinja2's sandbox, in a child process with limits on time, memory and output.

The sandbox alone is not enough: two loops over `range(99999)`, one in the other, are allowed in it, and a text can be doubled until memory
is full. The environment is the one transformers gives templates (transformers/utils/chat_template_utils.py): trimmed blocks, loop
controls, `generation` blocks, `tojson`, `raise_exception`, `strftime_now`.
"""

import json
import os
import subprocess
import sys
from typing import Any

from runtimeprobe.diagnose.causes.interface import Renders

SECONDS = 5
MEMORY_BYTES = 512 << 20
MAX_OUTPUT = 1 << 20  # bytes of all renders together; a real one is under 2 kB
MAX_TEMPLATE = 1 << 20

QUESTION, ANSWER, SECOND = "How many moons has Mars?", "Mars has two moons.", "And Venus?"
THOUGHT = "A thought of the past."
CITY, RESULT = "Nairobi", "22 degrees and rain"
_TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "Its name."}},
            "required": ["city"],
        },
    },
}
_CALL = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": {"city": CITY}}}
_USER = {"role": "user", "content": QUESTION}
_ON: dict[str, Any] = {"add_generation_prompt": True}
CONVERSATIONS: dict[str, dict[str, Any]] = {
    "plain": {**_ON, "messages": [_USER]},
    "no_think": {**_ON, "messages": [_USER], "enable_thinking": False},
    "think": {**_ON, "messages": [_USER], "enable_thinking": True},
    "turns": {
        **_ON, "enable_thinking": False, "messages": [_USER, {"role": "assistant", "content": ANSWER}, {"role": "user", "content": SECOND}],
    },
    "tool": {
        **_ON,
        "enable_thinking": False,
        "tools": [_TOOL],
        "messages": [
            {"role": "user", "content": "What is the weather?"},
            {"role": "assistant", "content": "", "tool_calls": [_CALL]},
            {"role": "tool", "tool_call_id": "call_1", "content": RESULT},
        ],
    },
    "rethought": {
        **_ON,
        "enable_thinking": True,
        "tools": [_TOOL],
        "messages": [
            _USER,
            {"role": "assistant", "content": f"<|channel>thought\n{THOUGHT}<channel|>{ANSWER}"},
            {"role": "user", "content": "What is the weather?"},
            {"role": "assistant", "content": "", "reasoning_content": THOUGHT, "tool_calls": [_CALL]},
            {"role": "tool", "tool_call_id": "call_1", "content": RESULT},
            {"role": "assistant", "content": "It rains.", "reasoning_content": THOUGHT},
            {"role": "user", "content": SECOND},
        ],
    },
}  # fmt: skip

_ENVIRONMENT = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}  # Windows starts no program without it
# Runs as `python -I -c`: no site of the user's, nothing of ours. `resource` is POSIX; on Windows time and output are limited alone.
_CHILD = f"""
import json, sys
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, ({MEMORY_BYTES}, {MEMORY_BYTES}))
    resource.setrlimit(resource.RLIMIT_CPU, ({SECONDS}, {SECONDS}))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
except (ImportError, ValueError, OSError):
    pass
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment
import datetime
class Generation(Extension):
    tags = {{"generation"}}
    def parse(self, parser):
        next(parser.stream)
        return parser.parse_statements(["name:endgeneration"], drop_needle=True)
job = json.load(sys.stdin)
def refuse(message):
    from jinja2.exceptions import TemplateError
    raise TemplateError(message)
environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, Generation])
environment.filters["tojson"] = lambda value, indent=None, **_: json.dumps(value, ensure_ascii=False, indent=indent)
environment.globals |= {{"raise_exception": refuse, "strftime_now": lambda form: datetime.datetime(2026, 1, 1).strftime(form)}}
answer, left = {{"renders": {{}}, "refusals": {{}}, "error": ""}}, {MAX_OUTPUT}
try:
    template = environment.from_string(job["template"])
    for name, variables in job["conversations"].items():
        try:
            pieces = []
            for piece in template.generate(bos_token="<bos>", eos_token="<eos>", **variables):
                left -= len(piece)
                if left < 0:
                    raise ValueError("renders more than {MAX_OUTPUT} characters")
                pieces.append(piece)
            answer["renders"][name] = "".join(pieces)
        except (Exception, RecursionError) as error:
            answer["refusals"][name] = (type(error).__name__ + ": " + str(error))[:300]
except (Exception, RecursionError) as error:
    answer["error"] = (type(error).__name__ + ": " + str(error))[:300]
sys.stdout.write(json.dumps(answer))
"""


def render(template: str, seconds: float = SECONDS) -> Renders:
    """Every conversation, once. Never raises for what a template does."""
    if len(template) > MAX_TEMPLATE:
        return Renders(error=f"the template has {len(template)} characters, more than the {MAX_TEMPLATE} a real one would have")
    job = json.dumps({"template": template, "conversations": CONVERSATIONS})
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", _CHILD], input=job.encode(), capture_output=True, timeout=seconds, check=False, env=_ENVIRONMENT
        )
    except subprocess.TimeoutExpired:
        return Renders(error=f"the template did not end within {seconds:g} seconds")
    except OSError as error:
        return Renders(error=f"no process to render it in: {error.strerror}")
    try:
        answer = json.loads(done.stdout)
        renders = {str(name): str(text) for name, text in answer["renders"].items()}
        refusals = {str(name): str(why) for name, why in answer["refusals"].items()}
        return Renders(**renders, refusals=refusals, error=str(answer["error"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        words = done.stderr.decode("utf-8", "replace").strip().splitlines()
        return Renders(error=f"the process that renders it ended with {done.returncode}: {words[-1][:200] if words else 'no words'}")
