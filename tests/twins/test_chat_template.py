"""The twins' own chat template renders the turns that Gemma 4's does."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tests.twins.conversations import CASES, Case

from runtimeprobe import twins
from runtimeprobe.twins import files

TEMPLATE = (Path(twins.__file__).parent / "chat_template.jinja").read_text(encoding="utf-8")
# Compared with where there is one: Gemma 4 31B's own template (Apache-2.0; in llama.cpp: models/templates/google-gemma-4-31B-it.jinja).
OFFICIAL = os.environ.get("RUNTIMEPROBE_OFFICIAL_TEMPLATE", "")


def render(template: str, case: Case, **more: Any) -> str:
    # As transformers' apply_chat_template sets it up.
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    options = {"add_generation_prompt": True, "bos_token": "<bos>"} | case.options | more
    return environment.from_string(template).render(messages=case.messages, **options)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_renders_exactly(case: Case) -> None:
    assert render(TEMPLATE, case) == case.prompt


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_large_sizes_add_the_empty_thought_and_nothing_else(case: Case) -> None:
    opens_an_answer = case.prompt.endswith("<|turn>model\n") and not case.options.get("enable_thinking")
    expected = case.prompt + ("<|channel>thought\n<channel|>" if opens_an_answer else "")
    assert render(TEMPLATE, case, empty_thought=True) == expected
    switched = TEMPLATE.replace("size_wants_empty_thought = false", "size_wants_empty_thought = true")
    assert render(switched, case) == expected
    assert render(switched, case, empty_thought=False) == case.prompt


if OFFICIAL:

    @pytest.mark.parametrize("case", [case for case in CASES if not case.official_fails], ids=lambda case: case.name)
    def test_official_template_agrees(case: Case) -> None:
        assert render(Path(OFFICIAL).read_text(encoding="utf-8"), case) == render(TEMPLATE, case, empty_thought=True)


def test_marks_by_which_llama_cpp_knows_the_format_are_there() -> None:
    """llama.cpp common/chat.cpp (b11549): the first makes it Gemma 4's format, without the second it is "outdated" and gets workarounds."""
    assert "'<|tool_call>call:'" in TEMPLATE
    assert "{#- OpenAI Chat Completions:" in TEMPLATE


# Conversations that llama.cpp's server hands to the template as they are. The server writes BOS itself and drops a tool's `response`.
THROUGH_LLAMA_CPP = {
    "text",
    "text is trimmed",
    "no generation prompt",
    "system",
    "developer",
    "thinking",
    "thinking and system",
    "earlier thoughts are stripped",
    "tools",
    "tools behind the system text",
    "result of a call, and the thought before it",
}
RESPONSE = ',response:{description:<|"|>What the sky does<|"|>,type:<|"|>OBJECT<|"|>}'


@pytest.mark.parametrize("twin", ["twin-e2b", "twin-e4b"])
def test_llama_cpp_renders_the_template_in_the_gguf_alike(twin: str) -> None:
    cases = [case for case in CASES if case.name in THROUGH_LLAMA_CPP]
    assert len(cases) == len(THROUGH_LLAMA_CPP)
    bodies = []
    for case in cases:
        options = {"add_generation_prompt": True, "enable_thinking": False} | case.options
        bodies.append(
            {
                "messages": case.messages,
                "chat_template_kwargs": {"enable_thinking": options.pop("enable_thinking")},
                **options,
            }
        )
    command = [sys.executable, "-m", "tests.twins.rendered_by_llama_cpp", str(files.folder() / twin)]
    done = subprocess.run(command, input=json.dumps(bodies), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout) == [case.prompt.removeprefix("<bos>").replace(RESPONSE, "") for case in cases]
