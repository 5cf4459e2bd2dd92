"""A configuration in each runtime's own words: flags of llama-server, a Modelfile, LM Studio's load settings, Python. Pure.

What a runtime has no word for is left out, and said so in a comment where the format has comments.
"""

import shlex
from collections.abc import Mapping

from runtimeprobe.contract import Sampling
from runtimeprobe.diagnose.changes import Change

# contract.Sampling's name -> llama-server's flag, Ollama's parameter, LM Studio's API field
SAMPLING = {
    "temperature": ("--temp", "temperature", "temperature"),
    "top_k": ("--top-k", "top_k", "top_k"),
    "top_p": ("--top-p", "top_p", "top_p"),
    "min_p": ("--min-p", "min_p", "min_p"),
    "repeat_penalty": ("--repeat-penalty", "repeat_penalty", "repeat_penalty"),
    "presence_penalty": ("--presence-penalty", "presence_penalty", ""),
    "frequency_penalty": ("--frequency-penalty", "frequency_penalty", ""),
}
# lever -> llama-server's flags, Ollama's parameter line, LM Studio's load setting, argument of llama_cpp.Llama; {} is the value
LEVERS = {
    "context": ("--ctx-size {}", "num_ctx {}", "context_length: {}", "n_ctx={}"),
    "kv_type_k": ("--cache-type-k {}", "", "", ""),
    "kv_type_v": ("--cache-type-v {}", "", "", ""),
    "flash_attention": ("--flash-attn {}", "", "flash_attention: {}", ""),
    "parallel": ("--parallel {}", "", "", ""),
    "context_shift": ("--no-context-shift", "", "", ""),
    "swa_full": ("--swa-full", "", "", "swa_full=True"),
    "stop": ("", "stop {}", "", "stop=[{}]"),
}
TEMPLATE_FILE = "gemma-4.jinja"


def settings(change: Change) -> dict[str, str]:
    """What the change comes to, by name."""
    found = {name: value if name != "template" else TEMPLATE_FILE for name, value in change.levers.items()}
    if change.sampling:
        found |= {name: f"{getattr(change.sampling, name):g}" for name in SAMPLING}
    if change.thinking is not None:
        found["thinking"] = "on" if change.thinking else "off"
    return found | {patch.key: _short(patch.value) for patch in change.patches}


def everywhere(change: Change, model: str) -> dict[str, str]:
    """By runtime; `model` is the file or name it is about."""
    return {
        "llama-server": llama_server(change, model),
        "modelfile": modelfile(change, model),
        "lmstudio": lmstudio(change),
        "python": python(change, model),
    }


def llama_server(change: Change, model: str) -> str:
    words = ["llama-server", "--model", model, "--jinja"]
    for name, value in change.levers.items():
        if name == "template":
            words += ["--chat-template-file", TEMPLATE_FILE]
        elif name == "bos":
            words += ["--override-kv", f"tokenizer.ggml.add_bos_token=bool:{'true' if value == 'on' else 'false'}"]
        elif name == "device" and value == "cpu":
            words += ["--device", "none"]
        elif name in LEVERS and LEVERS[name][0]:
            words += LEVERS[name][0].format(value).split()
    words += _sampling_flags(change.sampling)
    if change.thinking is not None:
        words += ["--chat-template-kwargs", '{"enable_thinking": %s}' % ("true" if change.thinking else "false")]
    words += [
        word for patch in change.patches if patch.kind for word in ("--override-kv", f"{patch.key}={patch.kind}:{_plain(patch.value)}")
    ]
    return _with_rest(shlex.join(words), "#", change)


def modelfile(change: Change, model: str) -> str:
    lines = [f"FROM {model}"]
    for name, value in change.levers.items():
        if name == "template":
            lines.append("RENDERER gemma4\nPARSER gemma4")
        elif name in LEVERS and LEVERS[name][1]:
            lines.append(f"PARAMETER {LEVERS[name][1].format(value)}")
    if change.sampling:
        lines += [f"PARAMETER {names[1]} {getattr(change.sampling, name):g}" for name, names in SAMPLING.items()]
    if change.thinking is False:
        lines.append('# send "think": false with every request')
    return _with_rest("\n".join(lines), "#", change)


def lmstudio(change: Change) -> str:
    lines = [LEVERS[name][2].format(value) for name, value in change.levers.items() if name in LEVERS and LEVERS[name][2]]
    if "template" in change.levers:
        lines.append(f"My Models > the model > Prompt Template: the text of {TEMPLATE_FILE}")
    if change.sampling:
        lines += [f"{names[2]}: {getattr(change.sampling, name):g}" for name, names in SAMPLING.items() if names[2]]
    if change.thinking is False:
        lines.append("reasoning: off")
    return _with_rest("\n".join(lines), "", change)


def python(change: Change, model: str) -> str:
    load = [repr(model)] + [LEVERS[n][3].format(v) for n, v in change.levers.items() if n != "stop" and n in LEVERS and LEVERS[n][3]]
    overrides = {patch.key: patch.value for patch in change.patches if patch.kind}
    if "bos" in change.levers:
        overrides["tokenizer.ggml.add_bos_token"] = change.levers["bos"] == "on"
    if overrides:
        load.append(f"kv_overrides={overrides!r}")
    ask = [f"{name}={getattr(change.sampling, name):g}" for name in SAMPLING] if change.sampling else []
    if "stop" in change.levers:
        ask.append(f"stop=[{change.levers['stop']!r}]")
    lines = [f"llama = llama_cpp.Llama({', '.join(load)})", f"llama.create_chat_completion(messages, {', '.join(ask)})".replace(", )", ")")]
    return _with_rest("\n".join(lines), "#", change)


def _sampling_flags(sampling: Sampling | None) -> list[str]:
    if sampling is None:
        return []
    return [word for name, (flag, *_) in SAMPLING.items() for word in (flag, f"{getattr(sampling, name):g}")]


def _with_rest(text: str, mark: str, change: Change) -> str:
    """What no flag can say: values of the file that must be written into it."""
    rest = [patch.key for patch in change.patches if not patch.kind]
    if not rest:
        return text
    return f"{text}\n{mark} first mend the file: {', '.join(rest)} (or download or convert it again)".replace("\n ", "\n")


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 80 else text[:79] + "…"


def levers_of(given: Mapping[str, str]) -> str:
    """`--lever` options as one would type them."""
    return " ".join(f"--lever {shlex.quote(f'{name}={value}')}" for name, value in given.items())
