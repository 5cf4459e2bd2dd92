"""The twins' own chat template renders the turns that Gemma 4's does."""

import os
from pathlib import Path
from typing import Any

import pytest
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from runtimeprobe import twins
from tests.twins.conversations import CASES, Case

TEMPLATE = (Path(twins.__file__).parent / "chat_template.jinja").read_text(encoding="utf-8")
# A copy of Gemma 4 31B's own template (Apache-2.0, in llama.cpp as models/templates/google-gemma-4-31B-it.jinja), compared with where there is one.
OFFICIAL = os.environ.get("RUNTIMEPROBE_OFFICIAL_TEMPLATE", "")


def render(template: str, case: Case, **more: Any) -> str:
    # As transformers' apply_chat_template sets it up.
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    options = {"add_generation_prompt": True} | case.options | more
    return environment.from_string(template).render(messages=case.messages, bos_token="<bos>", **options)


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
