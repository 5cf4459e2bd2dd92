"""M: the weights themselves. No file and no flag shows these; the rows say what a run has to try."""

from runtimeprobe.diagnose.causes.context import LONG
from runtimeprobe.diagnose.causes.interface import Cause, Look, RunFacts, clear, of_run, only_running, unknown


def structured(run: RunFacts) -> Look:
    if run.tools_or_format is None:
        return unknown("whether a schema or tools are sent is not known")
    return (
        unknown("a schema or tools are sent; only a run without them can tell") if run.tools_or_format else clear("no schema and no tools")
    )


def endless_thinking(run: RunFacts) -> Look:
    if run.thinking is None:
        return unknown("whether the run thinks is not known")
    return unknown("thinking is on; only a run without it can tell") if run.thinking else clear("thinking is off")


def far(run: RunFacts) -> Look:
    if run.context is not None and run.context <= LONG:
        return clear(f"{run.context} tokens of context")
    return unknown("the context is longer, or not known; only a run over several lengths can tell")


ROWS = (
    Cause(
        "M1", "Words double under a JSON schema or tools", "weights", "high", of_run(structured),
        "no schema and no tools", "stop at the loop; let it answer in free text and parse that", "ollama#15502, gemma#622, vllm#40080",
    ),
    Cause(
        "M2", "Long enumerations never end", "weights", "high", only_running("only a run of prompts that enumerate can tell"),
        "lists that end", "ask for parts; sampling alone rarely helps", "arXiv 2606.13705",
    ),
    Cause(
        "M3", "Thinking never ends", "weights", "medium", of_run(endless_thinking),
        "a thought that ends", "thinking off, or a reasoning budget", "gemma#727",
    ),
    Cause(
        "M4", "Garbage beyond about 32k tokens", "weights", "low", of_run(far),
        f"at most {LONG} tokens", "a shorter context", "llama.cpp#21365, llama.cpp#21799",
    ),
)  # fmt: skip
