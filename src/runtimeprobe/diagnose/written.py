"""A configuration in each runtime's own words: flags of llama-server, a Modelfile, LM Studio's load settings, Python. Pure.

What a runtime has no word for is named in a line of its own: a configuration that silently lacks a part of the cure is none.
"""

import shlex
from collections.abc import Iterable

import msgspec

from runtimeprobe.diagnose.changes import Change, Patch

# contract.Sampling's name -> llama-server's flag, Ollama's parameter, LM Studio's API field, argument of llama-cpp-python
SAMPLING = {
    "temperature": ("--temp", "temperature", "temperature", "temperature"),
    "top_k": ("--top-k", "top_k", "top_k", "top_k"),
    "top_p": ("--top-p", "top_p", "top_p", "top_p"),
    "min_p": ("--min-p", "min_p", "min_p", "min_p"),
    "repeat_penalty": ("--repeat-penalty", "repeat_penalty", "repeat_penalty", "repeat_penalty"),
    "presence_penalty": ("--presence-penalty", "presence_penalty", "", "presence_penalty"),
    "frequency_penalty": ("--frequency-penalty", "frequency_penalty", "", "frequency_penalty"),
}
TEMPLATE_FILE = "gemma-4.jinja"
# (lever, value), or the lever for any value -> llama-server's flags, Ollama's line, LM Studio's setting, argument of llama_cpp.Llama;
# {} is the value, "" where the runtime has no word for it.
LEVERS = {
    "context": ("--ctx-size {}", "PARAMETER num_ctx {}", "context_length: {}", "n_ctx={}"),
    "kv_type_k": ("--cache-type-k {}", "", "", ""),
    "kv_type_v": ("--cache-type-v {}", "", "", ""),
    "flash_attention": ("--flash-attn {}", "", "flash_attention: {}", ""),
    "parallel": ("--parallel {}", "", "", ""),
    "swa_full": ("--swa-full", "", "", "swa_full=True"),
    "stop": ("", "PARAMETER stop {}", "", ""),
    "template": (
        f"--chat-template-file {TEMPLATE_FILE}",
        "RENDERER gemma4\nPARSER gemma4",
        f"My Models > the model > Prompt Template: the text of {TEMPLATE_FILE}",
        "",
    ),
    ("context_shift", "off"): ("--no-context-shift", "", "", ""),
    ("device", "cpu"): ("--device none", "PARAMETER num_gpu 0", "", "n_gpu_layers=0"),
}
SERVER, MODELFILE, STUDIO, PYTHON = range(4)


def settings(change: Change) -> dict[str, str]:
    """What the change comes to, by name."""
    found = {name: value if name != "template" else TEMPLATE_FILE for name, value in change.levers.items()}
    if change.sampling:
        found |= {name: f"{getattr(change.sampling, name):g}" for name in SAMPLING}
    if change.thinking is not None:
        found["thinking"] = "on" if change.thinking else "off"
    if change.without_projector:
        found["projector"] = "none"
    return found | {patch.key: _short(patch.value) for patch in change.patches}


def _as_patches(change: Change) -> Change:
    """The lever of the beginning of the sequence is a value of the file by another name."""
    bos = change.levers.get("bos")
    if bos is None:
        return change
    levers = {name: value for name, value in change.levers.items() if name != "bos"}
    patch = Patch(key="tokenizer.ggml.add_bos_token", value=bos == "on", kind="bool")
    return msgspec.structs.replace(change, levers=levers, patches=(*change.patches, patch))


def everywhere(change: Change, model: str) -> dict[str, str]:
    """By runtime; `model` is the file or name it is about."""
    change = _as_patches(change)
    return {
        "llama-server": llama_server(change, model),
        "modelfile": modelfile(change, model),
        "lmstudio": lmstudio(change),
        "python": python(change, model),
    }


def llama_server(change: Change, model: str) -> str:
    words = ["llama-server", "--model", model, "--jinja"]
    words += [word for said in _levers(change, SERVER) for word in said.split()]
    words += [word for name, value in _sampling(change, SERVER) for word in (name, value)]
    if change.thinking is not None:
        words += ["--chat-template-kwargs", f'{{"enable_thinking": {_plain(change.thinking)}}}']
    flags = [f"{patch.key}={patch.kind}:{_plain(patch.value)}" for patch in change.patches if patch.kind]
    words += [word for flag in flags for word in ("--override-kv", flag)]
    return _whole([shlex.join(words)], _unsaid(change, SERVER, [patch.key for patch in change.patches if not patch.kind]), "# ")


def modelfile(change: Change, model: str) -> str:
    lines = [f"FROM {model}", *_levers(change, MODELFILE)]
    lines += [f"PARAMETER {name} {value}" for name, value in _sampling(change, MODELFILE)]
    if change.thinking is not None:
        lines.append(f'# send "think": {_plain(change.thinking)} with every request')
    return _whole(lines, _unsaid(change, MODELFILE, [patch.key for patch in change.patches]), "# ")


def lmstudio(change: Change) -> str:
    lines = [*_levers(change, STUDIO), *(f"{name}: {value}" for name, value in _sampling(change, STUDIO))]
    if change.thinking is not None:
        lines.append(f"reasoning: {'on' if change.thinking else 'off'}")
    return _whole(lines, _unsaid(change, STUDIO, [patch.key for patch in change.patches]), "")


def python(change: Change, model: str) -> str:
    overrides = {patch.key: patch.value for patch in change.patches if patch.kind}
    load = [repr(model), *_levers(change, PYTHON), *([f"kv_overrides={overrides!r}"] if overrides else [])]
    ask = ["messages", *(f"{name}={value}" for name, value in _sampling(change, PYTHON))]
    if "stop" in change.levers:
        ask.append(f"stop=[{change.levers['stop']!r}]")
    lines = [f"llama = llama_cpp.Llama({', '.join(load)})", f"llama.create_chat_completion({', '.join(ask)})"]
    unsaid = [name for name in _unsaid(change, PYTHON, [patch.key for patch in change.patches if not patch.kind]) if name != "stop"]
    return _whole(lines, [*unsaid, *(["thinking"] if change.thinking is not None else [])], "# ")


def _levers(change: Change, runtime: int) -> list[str]:
    return [words[runtime].format(value) for value, words in _rows(change).values() if words[runtime]]


def _rows(change: Change) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Each lever's value, and the words for it."""
    nothing = ("",) * 4
    return {name: (value, LEVERS.get(name, LEVERS.get((name, value), nothing))) for name, value in change.levers.items()}


def _sampling(change: Change, runtime: int) -> list[tuple[str, str]]:
    if change.sampling is None:
        return []
    return [(names[runtime], f"{getattr(change.sampling, name):g}") for name, names in SAMPLING.items() if names[runtime]]


def _unsaid(change: Change, runtime: int, of_file: Iterable[str]) -> list[str]:
    """Levers without a word here, and values that must be written into the file."""
    levers = [name for name, (_, words) in _rows(change).items() if not words[runtime]]
    return [*levers, *(f"{key} in the file" for key in of_file)]


def _whole(lines: Iterable[str], unsaid: Iterable[str], mark: str) -> str:
    rest = [f"{mark}it has no word for: {name}" for name in unsaid]
    return "\n".join([*lines, *rest])


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 80 else text[:79] + "…"
