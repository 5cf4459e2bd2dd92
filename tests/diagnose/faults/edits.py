"""What goes wrong in files, as changes of their contents: each makes one mistake that a converter, a merge tool or a hand has made."""

import numpy as np
from gguf import GGMLQuantizationType, GGUFValueType, TokenType

from runtimeprobe.gguf.contents import Contents, Edit

TEMPLATE = "tokenizer.chat_template"
TOKENIZER = "tokenizer.ggml."
GEMMA = "gemma4."
TURN_END = "<turn|>"

TEXT_OF = "(message['content'] if message['content'] is string else message['content'][0]['text'])"
# Gemma 2 and 3 write their turns so (llama.cpp models/templates/google-gemma-2-2b-it.jinja, shortened to user and model turns).
GEMMA_3 = (
    "{{ bos_token }}{% for message in messages %}{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}"
    f"{{{{ '<start_of_turn>' + role + '\\n' + {TEXT_OF} + '<end_of_turn>\\n' }}}}{{% endfor %}}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}"
)
CHATML = (
    f"{{% for message in messages %}}{{{{ '<|im_start|>' + message['role'] + '\\n' + {TEXT_OF} + '<|im_end|>\\n' }}}}{{% endfor %}}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


def together(*edits: Edit) -> Edit:
    def edit(file: Contents) -> None:
        for one in edits:
            one(file)

    return edit


def key(name: str, value: object) -> Edit:
    return lambda file: file.change(name, value)


def add_key(name: str, value: object, kind: GGUFValueType) -> Edit:
    return lambda file: file.add(name, value, kind)


def without_key(name: str) -> Edit:
    def edit(file: Contents) -> None:
        del file.keys[name]

    return edit


def without_tensors(*names: str) -> Edit:
    def edit(file: Contents) -> None:
        for name in names:
            del file.tensors[name]

    return edit


def in_template(old: str, new: str) -> Edit:
    def edit(file: Contents) -> None:
        text = file.value(TEMPLATE)
        if old not in text:
            raise ValueError(f"the template has no {old!r}")
        file.change(TEMPLATE, text.replace(old, new))

    return edit


def special(name: str, token: str) -> Edit:
    """Key `name` names `token`."""
    return lambda file: file.change(TOKENIZER + name, file.value(TOKENIZER + "tokens").index(token))


def typed(kind: TokenType, *tokens: str) -> Edit:
    def edit(file: Contents) -> None:
        words, kinds = file.value(TOKENIZER + "tokens"), list(file.value(TOKENIZER + "token_type"))
        for token in tokens:
            kinds[words.index(token)] = int(kind)
        file.change(TOKENIZER + "token_type", kinds)

    return edit


def spelled(old: str, new: str) -> Edit:
    """A token under another name, in the vocabulary and in the template."""

    def edit(file: Contents) -> None:
        words = list(file.value(TOKENIZER + "tokens"))
        words[words.index(old)] = new
        file.change(TOKENIZER + "tokens", words)
        in_template(old, new)(file)

    return edit


def merges_kept(share: float) -> Edit:
    def edit(file: Contents) -> None:
        merges = file.value(TOKENIZER + "merges")
        file.change(TOKENIZER + "merges", merges[: int(len(merges) * share)])

    return edit


def filled(name: str, value: float) -> Edit:
    return lambda file: file.replace(name, np.full_like(file.floats(name), value))


def made_up(name: str, like: str, scale: float) -> Edit:
    """A tensor that should not be there, of the shape of `like`, holding noise."""

    def edit(file: Contents) -> None:
        shape = file.tensors[like][0].shape
        file.replace(name, np.random.default_rng(4).normal(0, 1, shape) * scale)

    return edit


def few_levels(levels: int, block: int = 32) -> Edit:
    """Every matrix rounded to so many levels per block, as a heavy quantization does; the file still says float16.

    ggml's own types of 2 and 3 bits come in blocks of 256, which the twin's rows are too short for.
    """

    def edit(file: Contents) -> None:
        for name, (_, kind) in file.tensors.items():
            if kind is GGMLQuantizationType.F16 and name != "token_embd.weight":
                blocks = file.floats(name).reshape(-1, block)
                low, high = blocks.min(1, keepdims=True), blocks.max(1, keepdims=True)
                step = np.maximum((high - low) / (levels - 1), 1e-8)
                file.replace(name, (np.round((blocks - low) / step) * step + low).reshape(file.tensors[name][0].shape))

    return edit
