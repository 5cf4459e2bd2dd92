"""C: the chat template, read and rendered."""

from runtimeprobe.diagnose.causes.interface import Cause, FileFacts, Look, RunFacts, clear, found, of_file, unknown
from runtimeprobe.diagnose.causes.rendering import RESULT, THOUGHT
from runtimeprobe.diagnose.causes.versions import Gate, concerns, is_old, name_of

TURN, MODEL_TURN, THINK = "<|turn>", "<|turn>model\n", "<|think|>"
EMPTY_THOUGHT = "<|channel>thought\n<channel|>"
NEWEST = "2026-07-09"  # the newest date seen in the header of an official template
OLLAMA_SPLIT = Gate("ollama", "0.21.0")


def family(file: FileFacts) -> Look:
    if file.template is None:
        return found("the file has no chat template, and a runtime then takes one of its own, such as ChatML", confidence="medium")
    text = file.renders.plain
    if text is None:
        seen = f"the template's marks are those of {file.template_family}, and it does not render"
        return unknown(seen) if file.template_family in {"gemma-4", "unknown"} else found(seen)
    if TURN in text and "<start_of_turn>" not in text:
        return clear(f"turns begin with {TURN}")
    return found(f"a template of {file.template_family}: {text[:80]!r}")


def empty_thought(file: FileFacts | None, run: RunFacts | None) -> Look:
    look = of_file(_empty_thought_of_file)(file, run)
    if file and not file.per_layer_embeddings and run and concerns(OLLAMA_SPLIT, run) and is_old(OLLAMA_SPLIT, run):
        return found(f"{name_of(run)} renders all sizes alike", expected="Ollama 0.21.0 or newer")
    return look


def _empty_thought_of_file(file: FileFacts) -> Look:
    text = file.renders.no_think
    if text is None or MODEL_TURN not in text:
        return unknown("the template does not render a turn of Gemma 4")
    if THINK in text:
        return unknown("the template thinks even when it is told not to")
    begins = text.rpartition(MODEL_TURN)[2]
    wanted = not file.per_layer_embeddings
    if (EMPTY_THOUGHT in begins) == wanted:
        return clear("an empty thought comes first" if wanted else "the answer begins at once")
    size = file.model or ("a size without per-layer embeddings" if wanted else "a size with per-layer embeddings")
    seen = "with thinking off, the answer begins at once" if wanted else "with thinking off, an empty thought comes first"
    return found(f"{seen}, on {size}", expected="an empty thought first" if wanted else "no empty thought")


def outdated(file: FileFacts) -> Look:
    if file.template is None or TURN not in (file.renders.plain or ""):
        return unknown("there is no Gemma 4 template to date")
    text = file.renders.tool
    if text is None:
        return found(f"it refuses a tool's result in OpenAI's form: {file.renders.refusals.get('tool', '')}")
    begins, ends = text.find("<|tool_response>"), text.find("<tool_response|>")
    if not 0 <= begins < text.find(RESULT) < ends:
        return found("a tool's result in OpenAI's form does not become a tool response")
    date = file.template_published
    if date and date < NEWEST:
        return found(f"published {date}", expected=f"published {NEWEST} or later", confidence="low")
    return clear(f"tool results become tool responses{f', published {date}' if date else ''}")


def old_thoughts(file: FileFacts) -> Look:
    text = file.renders.rethought
    if TURN not in (file.renders.plain or ""):
        return unknown("there is no Gemma 4 template")
    if text is None:
        return unknown(f"the template does not render a conversation with thoughts: {file.renders.refusals.get('rethought', '')}")
    return found("thoughts of earlier turns are in the prompt again") if THOUGHT in text else clear("earlier thoughts are left out")


def thinking_on(file: FileFacts | None, run: RunFacts | None) -> Look:
    if file and file.architecture == "gemma4":
        if THINK in (file.renders.no_think or ""):
            return found("the template turns thinking on even when it is told not to", confidence="high")
        if THINK in (file.renders.plain or ""):
            return found("the template turns thinking on when nothing is said about it", confidence="high")
    if run is None or run.thinking is None:
        return unknown("whether the run thinks is not known")
    return found("the run has thinking on", confidence="low") if run.thinking else clear("thinking is off")


def broken(file: FileFacts) -> Look:
    if file.template is None:
        return unknown("there is no chat template")
    if file.renders.error:
        return found(file.renders.error)
    refused = [
        f"{name}: {file.renders.refusals[name]}" for name in ("plain", "no_think", "think", "turns") if name in file.renders.refusals
    ]
    return found(f"it refuses {refused[0]}") if refused else clear("it renders every plain conversation")


OFFICIAL = "take the official template of this size (--chat-template-file in llama.cpp)"
ROWS = (
    Cause(
        "C1", "The chat template is another family's", "template", "high", of_file(family),
        "turns written as <|turn>user ... <turn|>", OFFICIAL, "SillyTavern#5398",
    ),
    Cause(
        "C2", "The prompt without thinking is another size's", "template", "high", empty_thought,
        "12B, 26B-A4B and 31B begin with an empty thought, E2B and E4B do not", OFFICIAL, "ollama#15560; Ollama split it in 0.21.0",
    ),
    Cause(
        "C3", "The chat template is outdated", "template", "high", of_file(outdated),
        "tool results in OpenAI's form become <|tool_response>", OFFICIAL, "the official template's section on OpenAI Chat Completions",
    ),
    Cause(
        "C4", "Earlier thoughts come back into the prompt", "template", "medium", of_file(old_thoughts),
        "thoughts of turns before the last question are left out", f"{OFFICIAL}, or strip reasoning_content from earlier turns",
        "the published model card: no thinking content from previous turns",
    ),
    Cause(
        "C5", "Thinking was left on", "template", "medium", thinking_on,
        "thinking off, unless it is wanted", "enable_thinking false (chat_template_kwargs in llama-server, think in Ollama)", "gemma#727",
    ),
    Cause(
        "C6", "The chat template does not render", "template", "high", of_file(broken),
        "plain conversations render, with thinking on and off", OFFICIAL, "transformers' rendering of chat templates",
    ),
)  # fmt: skip
