"""Templates are somebody else's programs: what they may do, how long, and with how much memory."""

import time
from pathlib import Path

import pytest

from runtimeprobe.diagnose.causes import rendering
from runtimeprobe.diagnose.causes.rendering import ANSWER, QUESTION, RESULT, THOUGHT, render
from tests.gguf import published


def test_the_twins_template_renders_every_conversation() -> None:
    made = render(published.template("gemma-4-31b"))
    assert made.error == ""
    assert made.refusals == {}
    assert made.plain == made.no_think == f"<bos><|turn>user\n{QUESTION}<turn|>\n<|turn>model\n<|channel>thought\n<channel|>"
    assert made.think == f"<bos><|turn>system\n<|think|>\n<turn|>\n<|turn>user\n{QUESTION}<turn|>\n<|turn>model\n"
    assert f"<|turn>model\n{ANSWER}<turn|>" in (made.turns or "")
    assert f'<|tool_response>response:get_weather{{value:<|"|>{RESULT}<|"|>}}<tool_response|>' in (made.tool or "")
    assert THOUGHT not in (made.rethought or "")
    assert ANSWER in (made.rethought or "")


def test_what_hugging_face_templates_use_is_there() -> None:
    template = (
        "{% set ns = namespace(n=0) %}{% for m in messages %}{% if loop.index > 5 %}{% break %}{% endif %}{% set ns.n = ns.n + 1 %}"
        "{% endfor %}{% generation %}{{ ns.n }}{% endgeneration %} {{ {'a': 'ü'} | tojson }} {{ strftime_now('%Y') | length }}"
    )
    made = render(template)
    assert made.plain == '1 {"a": "ü"} 4'


def test_a_refusal_is_kept_in_the_templates_own_words() -> None:
    made = render("{% if tools %}{{ raise_exception('no tools here') }}{% endif %}hello")
    assert made.plain == "hello"
    assert made.tool is None
    assert made.refusals["tool"] == "TemplateError: no tools here"


HOSTILE = {
    "never ends": "{% for x in range(99999) %}{% for y in range(99999) %}{% endfor %}{% endfor %}",
    "doubles a text": "{% set ns = namespace(a='aaaaaaaa') %}{% for x in range(60) %}{% set ns.a = ns.a + ns.a %}{% endfor %}",
    "asks for a terabyte": "{{ 'a' * 10**12 }}",
    "formats a gigabyte": "{{ '%2000000000d' % 1 }}",
    "calls itself": "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
    "prints for ever": "{% for x in range(99999) %}{{ 'a' * 99999 }}{% endfor %}",
    "leaves the sandbox": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "reads a file": "{% include '/etc/passwd' %}",
    "is no template": "{% if %}",
    "a billion laughs": "{% set a = 'ha' %}" + "".join(f"{{% set a = a * 99 %}}{n}" for n in range(9)) + "{{ a }}",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_template_costs_seconds_and_says_why(what: str) -> None:
    began = time.perf_counter()
    made = render(HOSTILE[what], seconds=3)
    assert time.perf_counter() - began < 10
    assert made.plain is None
    assert made.error or made.refusals["plain"]
    assert "root:" not in repr(made)


def test_the_child_sees_neither_environment_nor_our_modules(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "jinja2.py").write_text("raise SystemExit('taken over')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert render("hello").plain == "hello"


def test_a_template_of_megabytes_is_not_rendered() -> None:
    assert "more than" in render("a" * (rendering.MAX_TEMPLATE + 1)).error
