"""L: the length of the context."""

from runtimeprobe.diagnose.causes.interface import Cause, FileFacts, Look, RunFacts, clear, found, of_run, unknown

SMALL = 1024  # tokens; less than one long answer
LONG = 32_768


def too_small(run: RunFacts) -> Look:
    if run.context is None:
        return unknown("the context is not known")
    tokens = run.context // (run.parallel or 1)
    words = f"{tokens} tokens" + (f" for each of {run.parallel} slots" if run.parallel and run.parallel > 1 else "")
    if run.context_shift is False:
        return clear(f"{words}, and nothing is shifted out")
    needed = run.prompt_tokens + run.max_tokens if run.prompt_tokens is not None and run.max_tokens is not None else None
    if needed is not None and needed <= tokens:
        return clear(f"{words}, {needed} are needed")
    if needed is None and tokens >= SMALL:
        return clear(words)
    short = f"{words}, {needed} are needed" if needed is not None else words
    if run.context_shift is None:
        return unknown(f"{short}; whether old tokens are shifted out is not known")
    return found(f"{short}, and old tokens are shifted out", confidence=None if needed is not None else "low")


def too_long(file: FileFacts | None, run: RunFacts | None) -> Look:
    if run is None or run.context is None or file is None:
        return unknown("the context that it runs with, or the one that the file was made for, is not known")
    made_for = file.number("context_length")
    if made_for is None:
        return unknown("the file does not say what it was made for")
    seen = f"{run.context} tokens, made for {made_for}"
    return found(seen) if run.context > made_for else clear(seen)


ROWS = (
    Cause(
        "L1", "The context is too small and shifts", "runtime", "medium", of_run(too_small),
        "room for the prompt and the whole answer", "a larger context (-c), --no-context-shift",
        "llama.cpp's context shift drops the oldest tokens, the question among them",
    ),
    Cause(
        "L2", "The context is longer than the model was made for", "runtime", "medium", too_long,
        "at most gemma4.context_length", "a context the file was made for", "the published config.json, max_position_embeddings",
    ),
)  # fmt: skip
