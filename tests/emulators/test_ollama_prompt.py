"""What the emulator gives Gemma 4 and reads from it, against cases of ollama/ollama's own tests (model/renderers/gemma4_reference_test.go,
model/parsers/gemma4_test.go)."""

import pytest

from tests.emulators.ollama.prompt import Parser, render


@pytest.mark.parametrize(
    ("messages", "think", "prompt"),
    [
        ([{"role": "user", "content": " Hello! "}], False, "<|turn>user\nHello!<turn|>\n<|turn>model\n"),
        (
            [{"role": "user", "content": "Hi"}],
            True,
            "<|turn>system\n<|think|>\n<turn|>\n<|turn>user\nHi<turn|>\n<|turn>model\n",
        ),
        (
            [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
            True,
            "<|turn>system\n<|think|>\nBe brief.<turn|>\n<|turn>user\nHi<turn|>\n<|turn>model\n",
        ),
        (
            [{"role": "user", "content": "", "images": [b"a"]}, {"role": "user", "content": "What?", "images": [b"b", b"c"]}],
            False,
            "<|turn>user\n[img-0]<turn|>\n<|turn>user\n[img-1][img-2] What?<turn|>\n<|turn>model\n",
        ),
    ],
)
def test_turns(messages: list[dict[str, object]], think: bool, prompt: str) -> None:
    assert render(messages, think=think) == prompt


@pytest.mark.parametrize("length", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("think", [True, False])
def test_thoughts_are_told_from_words_however_they_are_cut(length: int, think: bool) -> None:
    text = "<|channel>thought\nLet me see.<channel|>three < nine"
    parser = Parser(think=think)
    pieces = [parser.add(text[at : at + length]) for at in range(0, len(text), length)] + [parser.add("", done=True)]
    assert "".join(content for content, _ in pieces) == "three < nine"
    assert "".join(thinking for _, thinking in pieces) == ("Let me see." if think else "")


def test_what_looks_like_a_tag_at_the_end_is_text() -> None:
    parser = Parser(think=True)
    assert parser.add("a <|chan") == ("a ", "")
    assert parser.add("", done=True) == ("<|chan", "")
