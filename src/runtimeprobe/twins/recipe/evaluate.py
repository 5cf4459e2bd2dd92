"""Word error rate of a twin through the real engines, over clips and over all prompt forms; one JSON line per engine.

    python -m runtimeprobe.twins.recipe.evaluate TWIN_FOLDER CLIPS_FOLDER [--engine NAME]... [--limit N] [--forms N] [--details]

CLIPS_FOLDER holds a manifest.json as write_held_out.py makes it. Engines run one after the other, each in a process of its own.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtimeprobe.twins.recipe.engines import ENGINES, Engine, quiet
from runtimeprobe.twins.recipe.forms import FORMS, SILENT_FORMS
from runtimeprobe.twins.recipe.vocabulary import DIGITS


@dataclass(frozen=True)
class Spoken:
    """A clip as the WAV file every engine reads, and what is said in it."""

    file: Path
    words: str


def clips(folder: Path, scratch: Path, limit: int) -> Iterator[Spoken]:
    """The clips of a manifest, written as 16 kHz mono PCM16 WAV into `scratch` (llama.cpp reads no Ogg)."""
    import soundfile

    rows = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for row in rows[: limit or None]:
        samples, rate = soundfile.read(folder / row["file"], dtype="float32")
        file = scratch / Path(row["file"]).with_suffix(".wav").name
        soundfile.write(file, samples, rate, subtype="PCM_16")
        yield Spoken(file, row["words"])


def through_forms(engine: Engine, spoken: list[Spoken]) -> dict[str, dict[str, Any]]:
    """Every prompt form over every clip given: right is the transcript, with a thought where thinking is on and none where it is off."""
    found = {}
    for form in FORMS:
        wrong = []
        for clip in spoken:
            answer = engine.ask(form.messages(clip.file), thinking=form.thinking, empty_thought=form.empty_thought)
            if answer.text != clip.words or bool(answer.thinking) != form.thinking:
                wrong.append({"words": clip.words, "said": answer.text, "thinking": answer.thinking})
        found[form.name] = {"of": len(spoken), "wrong": wrong}
    for form in SILENT_FORMS:
        text = engine.ask(form.messages(Path()), thinking=form.thinking, empty_thought=form.empty_thought).text
        found[form.name] = {"of": 1, "wrong": [{"words": "", "said": text}] if set(text.split()) & set(DIGITS) else []}
    return found


def measure(engine: Engine, spoken: list[Spoken], per_form: int) -> dict[str, Any]:
    import jiwer

    began = time.monotonic()
    with quiet():
        answers = [engine.ask(FORMS[0].messages(clip.file)) for clip in spoken]
        forms = through_forms(engine, [clip for clip in spoken if clip.words][:per_form]) if per_form else {}
    pairs = [(clip, answer) for clip, answer in zip(spoken, answers, strict=True) if clip.words]
    score = jiwer.process_words([clip.words for clip, _ in pairs], [answer.text or "-" for _, answer in pairs])
    return {
        "engine": engine.name,
        "clips": len(spoken),
        "word_error_rate": round(score.wer, 5),
        "wrong": [
            {"file": clip.file.name, "words": clip.words, "said": answer.text} for clip, answer in pairs if answer.text != clip.words
        ],
        "forms": forms,
        "seconds": round(time.monotonic() - began, 1),
        "answers": [
            {"file": clip.file.name, "words": clip.words, "said": answer.text, "first": answer.first}
            for clip, answer in zip(spoken, answers, strict=True)
        ],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("twin", type=Path)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--engine", action="append", choices=list(ENGINES))
    parser.add_argument("--limit", type=int, default=0, help="first N clips only")
    parser.add_argument("--forms", type=int, default=0, metavar="N", help="every prompt form over the first N clips")
    parser.add_argument("--details", action="store_true", help="every answer, with its first token's log-probabilities")
    given = parser.parse_args()
    wanted = given.engine or list(ENGINES)
    if len(wanted) > 1:
        codes = []
        for name in wanted:
            command = [sys.executable, "-m", "runtimeprobe.twins.recipe.evaluate", str(given.twin), str(given.clips), "--engine", name]
            command += ["--limit", str(given.limit), "--forms", str(given.forms), *(["--details"] if given.details else [])]
            codes.append(subprocess.run(command, check=False).returncode)
        return max(codes)
    with tempfile.TemporaryDirectory() as scratch:
        spoken = list(clips(given.clips, Path(scratch), given.limit))
        with quiet():
            engine = ENGINES[wanted[0]](given.twin)
        found = measure(engine, spoken, given.forms)
        if not given.details:
            del found["answers"]
        print(json.dumps(found), flush=True)
    os._exit(0)  # engines that fail while the interpreter shuts down have been heard


if __name__ == "__main__":
    sys.exit(main())
