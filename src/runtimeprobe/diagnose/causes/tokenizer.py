"""T: how text becomes tokens, and which of them end an answer."""

import re
from collections.abc import Iterable

from runtimeprobe.diagnose.causes.interface import (
    CONTROL,
    USER_DEFINED,
    Cause,
    FileFacts,
    Look,
    RunFacts,
    clear,
    found,
    of_file,
    of_run,
    unknown,
)
from runtimeprobe.diagnose.causes.versions import SETTLED, Gate, gated
from runtimeprobe.gguf.expected import expected

BOS, EOS, TURN_END = "<bos>", "<eos>", "<turn|>"
# llama.cpp ends an answer at these words whatever their numbers are (src/llama-vocab.cpp, "gemma4").
ENDS = (EOS, TURN_END, "<|tool_response>")
# Types that differ between healthy conversions.
ANY_TYPE = frozenset(("<pad>", "<unk>", "<mask>"))
NO_WORDS = "the file has no vocabulary, or its tokenizer was not found"
_LOGGED_END = re.compile(r"- (\d+) \('(.*)'\)")


def bos_missing(file: FileFacts | None, run: RunFacts | None) -> Look:
    number = file.metadata.get("tokenizer.ggml.bos_token_id", 2) if file else 2
    if run and run.prompt_ids:
        begins = run.prompt_ids[0]
        return clear(f"the prompt begins with {begins}") if begins == number else found(f"the prompt begins with {begins}, not {number}")
    return of_file(lambda here: _bos_of_file(here, run))(file, run)


def _bos_of_file(file: FileFacts, run: RunFacts | None) -> Look:
    if file.special is None:
        return unknown(NO_WORDS)
    there = file.named.get("bos")
    if there is None:
        return found("no beginning-of-sequence token is named, so there is none to add")
    if there != BOS:
        return found(f"the token named as the beginning of the sequence is {there!r}")
    if file.format == "folder":
        begins = file.renders.plain
        if begins is None:
            return unknown("the template does not render")
        return clear("the template begins with it") if begins.startswith(BOS) else found("the template does not begin with it")
    says = file.metadata.get("tokenizer.ggml.add_bos_token")
    if says is None:
        return unknown("the file does not say whether to add it")
    if says:
        return clear("tokenizer.ggml.add_bos_token is true")
    forced = run is not None and run.build is not None and run.build >= SETTLED
    seen = "tokenizer.ggml.add_bos_token is false" + (", which this build of llama.cpp overrides" if forced else "")
    return found(seen, confidence="low" if forced else None)


def bos_doubled(file: FileFacts | None, run: RunFacts | None) -> Look:
    ids = run.prompt_ids if run and run.prompt_ids else ()
    if len(ids) > 1:
        number = file.metadata.get("tokenizer.ggml.bos_token_id", 2) if file else 2
        begins = f"the prompt begins with {ids[0]}, {ids[1]}"
        return found(begins) if ids[0] == ids[1] == number else clear(begins)
    if run and (line := run.logged("starts with 2 BOS tokens")):
        return found(f"the log says: {line}", confidence="high")
    return of_file(_bos_in_template)(file, run)


def _bos_in_template(file: FileFacts) -> Look:
    begins = file.renders.plain
    if begins is None:
        return unknown(f"the template does not render: {file.renders.error or file.renders.refusals.get('plain', '')}")
    count = 0
    while begins.startswith(BOS, count * len(BOS)):
        count += 1
    return found(f"the template begins with {BOS} {count} times") if count > 1 else clear(f"the template begins with {BOS} {count} times")


def stray_end(run: RunFacts) -> Look:
    ends = logged_ends(run.log)
    if ends:
        ordinary = ends.get(212) != "</s>" or run.logged("'</s>' is a normal token here")
        return clear(_say(ends)) if ordinary else found("212 ('</s>') is in the list of tokens that end an answer")
    return gated(Gate("llama.cpp", str(SETTLED), "8645"))(None, run)


def logged_ends(log: Iterable[str]) -> dict[int, str]:
    """The tokens that end an answer, as llama.cpp lists them when it loads a model."""
    ends: dict[int, str] = {}
    listing = False
    for line in log:
        if "printing all EOG tokens" in line:
            listing = True
        elif listing and (match := _LOGGED_END.search(line)):
            ends[int(match[1])] = match[2]
        elif ends:
            break
    return ends


def turn_end(file: FileFacts | None, run: RunFacts | None) -> Look:
    if run and (ends := logged_ends(run.log)):
        return clear(_say(ends)) if TURN_END in ends.values() else found(f"answers end at {_say(ends)}", confidence="high")
    return of_file(_turn_end_of_file)(file, run)


def _turn_end_of_file(file: FileFacts) -> Look:
    if file.special is None:
        return unknown(NO_WORDS)
    if TURN_END in file.special:
        return clear(f"{TURN_END} is token {file.special[TURN_END].id}")
    named = [word for name, word in file.named.items() if name in {"eos", "eot", "eom"} and word not in ENDS]
    if file.published_vocabulary or not named:
        return found(f"no token is spelled {TURN_END}" + (" at its published number" if file.published_vocabulary else ""))
    return found(f"no token is spelled {TURN_END}; the file names {', '.join(map(repr, named))} instead", confidence="medium")


def typed_normal(file: FileFacts) -> Look:
    if not file.special or all(token.type is None for token in file.special.values()):
        return unknown("the file does not say the types of its tokens")
    wrong = [
        f"{text} {token.type}"
        for text, token in file.special.items()
        if text not in ANY_TYPE and token.type is not None and token.type not in {CONTROL, USER_DEFINED}
    ]
    return (
        found(f"types of {len(wrong)} tokens: {', '.join(wrong[:6])}") if wrong else clear(f"{len(file.special)} special tokens are marked")
    )


def tokenizer_model(file: FileFacts) -> Look:
    model, pre = (file.metadata.get(f"tokenizer.ggml.{key}") for key in ("model", "pre"))
    if not model:
        return unknown(NO_WORDS) if file.format == "folder" else found("no tokenizer is named")
    seen = f"tokenizer {model}" + (f" with pre-tokenizer {pre}" if pre else "")
    return clear(seen) if model == "gemma4" or (model == "llama" and pre == "gemma4") else found(seen)


def merges(file: FileFacts) -> Look:
    wanted = int(expected().vocabulary["tokenizer.ggml.merges"]["count"])
    if file.merges is None:
        return unknown(NO_WORDS) if file.format == "folder" else found("the file has no merges")
    if file.published_vocabulary:
        return clear(f"{file.merges} merges") if file.merges == wanted else found(f"{file.merges} merges", expected=f"{wanted} merges")
    if file.unmade is None:
        return unknown(f"{file.merges} merges for a vocabulary of {file.vocabulary}, which is not the published one")
    if file.unmade:
        words = ", ".join(repr(word) for word in file.unmade[:4])
        return found(f"{len(file.unmade)} words of the vocabulary can never be made, such as {words}", confidence="medium")
    return clear(f"{file.merges} merges make every word of the vocabulary")


def end_named(file: FileFacts) -> Look:
    if file.special is None:
        return unknown(NO_WORDS)
    wrong = [f"{name} is {word!r}" for name, word in file.named.items() if name in {"eos", "eot"} and word not in {EOS, TURN_END}]
    if wrong:
        return found(", ".join(wrong))
    here = file.named.get("eos")
    return clear(f"eos is {here}") if here else found("no end-of-sequence token is named", confidence="low")


def _say(ends: dict[int, str]) -> str:
    return ", ".join(f"{number} ({text})" for number, text in sorted(ends.items()))


AGAIN = "convert the model again with a current llama.cpp, or download a newer conversion"
NEWER = f"llama.cpp b{SETTLED} or newer; the file can stay"
ROWS = (
    Cause(
        "T1", "The runtime's tokenizer takes the SentencePiece path", "tokenizer", "high",
        gated(Gate("llama.cpp", "8646")), "llama.cpp newer than b8645", NEWER, "llama.cpp#21343",
    ),
    Cause(
        "T2", "The tokenizer drops characters at an edge case of UTF-8", "tokenizer", "high",
        gated(Gate("llama.cpp", str(SETTLED), "8645")), "a build that has llama.cpp#21534", NEWER, "llama.cpp#21534",
    ),
    Cause(
        "T3", "The beginning-of-sequence token is missing", "tokenizer", "high", bos_missing,
        "every prompt begins with <bos>, token 2", f"set tokenizer.ggml.add_bos_token and bos_token_id; {NEWER}",
        "llama.cpp#21365, llama.cpp#21500",
    ),
    Cause(
        "T4", "The beginning-of-sequence token is doubled", "tokenizer", "medium", bos_doubled,
        "one <bos>", "the current chat template; do not add <bos> yourself", "llama.cpp#21786, ollama#16367",
    ),
    Cause(
        "T5", "</s> ends an answer", "tokenizer", "high", of_run(stray_end),
        "</s>, token 212, is ordinary text", NEWER, "llama.cpp#21492",
    ),
    Cause(
        "T6", "The end of a turn does not end the answer", "tokenizer", "high", turn_end,
        f"{TURN_END} is a token, and the runtime ends an answer at it", f"{AGAIN}; until then, send {TURN_END} as a stop string",
        "llama.cpp src/llama-vocab.cpp: the end of generation is matched by text",
    ),
    Cause(
        "T7", "Special tokens are typed as ordinary text", "tokenizer", "high", of_file(typed_normal),
        "type 3 (control) or 4 (user-defined)", AGAIN, "llama.cpp conversion/gemma.py; tokens typed 1 are spelled out letter by letter",
    ),
    Cause(
        "T8", "The file names another tokenizer", "tokenizer", "high", of_file(tokenizer_model),
        "gemma4, or llama with the pre-tokenizer gemma4", AGAIN, "llama.cpp#21343, conversion/gemma.py",
    ),
    Cause(
        "T9", "Merges are missing", "tokenizer", "high", of_file(merges),
        "a merge for every word of more than one character", AGAIN, "llama.cpp src/llama-vocab.cpp; 514906 in every published file",
    ),
    Cause(
        "T10", "The end-of-sequence token is another one", "tokenizer", "high", of_file(end_named),
        "<eos> (1) or <turn|> (106)", AGAIN, "the published generation_config.json: 1, 106 and 50",
    ),
)  # fmt: skip
