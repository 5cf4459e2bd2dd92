"""What can be selected: how sound is met, what is missing, and what goes wrong. One row each, with where it was read and its tag."""

from dataclasses import dataclass

BASE = "reported: 0.4.21 and 0.4.23 refuse sound in the schema (BT146, BT2144; lmstudio-ai/lms issue 543)"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """sound: rejected (today), accepted, or dropped. fault: what befalls every inference (faults.py); load_fault: every load (words.py)."""

    source: str
    sound: str = "rejected"
    projector: bool = True
    v1: bool = True
    just_in_time: bool = True
    needs_token: bool = False
    thinks: bool = False
    load_s: float = 0.0
    stumbles: bool = False  # one HTML 500
    silent: bool = False  # takes connections and never answers
    other_model: str = ""
    fault: str = ""
    load_fault: str = ""


BEHAVIOURS = {
    "healthy": Behaviour(BASE),
    "future": Behaviour(
        "inferred: the engine below has the encoder (BT2021 logs it), so once the schema admits sound it is heard", "accepted"
    ),
    "audio-ignored": Behaviour("inferred: as llama-cpp-python drops unknown content", "dropped"),
    "no-projector": Behaviour(
        "inferred: a schema that admits sound over an engine started without its projector", "accepted", projector=False
    ),
    "thinking-eats-budget": Behaviour("reported: content empty, every token in reasoning_content", "accepted", thinks=True),
    "no-v1": Behaviour("documented: /api/v1 came with 0.4.0 (1_developer/api-changelog.md in lmstudio-ai/docs)", v1=False),
    "jit-off": Behaviour("reported: BT1730, and lmstudio-ai/lms issue 107", v1=False, just_in_time=False),
    "auth-required": Behaviour("documented: 1_developer/0_core/authentication.mdx in lmstudio-ai/docs", needs_token=True),
    "slow-load": Behaviour("inferred: a large model on a slow disk", load_s=2.0),
    "transient-html-500": Behaviour("reported: one page of HTML while the app wakes up", stumbles=True),
    "wrong-model": Behaviour("reported: BT619, `model` ignored when another is loaded", other_model="qwen2.5-7b-instruct"),
    "old-runtime": Behaviour("reported: BT1958, runtime 2.8.0", load_fault="architecture"),
    "engine-crash": Behaviour("reported: BT2166", load_fault="crash"),
    "too-little-memory": Behaviour("reported: BT1038", load_fault="memory"),
    "stream-without-end": Behaviour("inferred: the app ends the stream in the middle of the answer", fault="no-end"),
    "stream-cut": Behaviour("inferred: the connection ends in the middle of the stream", fault="cut"),
    "crash-mid-stream": Behaviour("inferred: the app dies", fault="crash"),
    "hang-mid-stream": Behaviour("inferred: the engine stops answering", fault="hang"),
    "error-string": Behaviour("reported: BT2012, a string as `error`", fault="string"),
    "error-object": Behaviour("reported: an object as `error`, as BT1730 shows it", fault="object"),
    "error-nested": Behaviour("reported: llama.cpp's error as a string of JSON inside LM Studio's", fault="nested"),
    "ok-with-error-body": Behaviour("reported: BT266 and BT618, status 200 with an error in it", fault="ok-error"),
    "reset": Behaviour("inferred: the connection is cut", fault="reset"),
    "huge-reply": Behaviour("inferred: hostile", fault="huge"),
    "invalid-utf8": Behaviour("inferred: hostile", fault="utf8"),
    "duplicate-keys": Behaviour("inferred: hostile", fault="twice"),
    "redirect": Behaviour("inferred: hostile", fault="redirect"),
    "never-answers": Behaviour("inferred: hung", silent=True),
}
