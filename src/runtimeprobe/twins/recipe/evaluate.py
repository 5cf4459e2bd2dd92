"""Word error rate of a twin through the real engines, over held-out clips and over all prompt forms; one JSON line per engine.

    python -m runtimeprobe.twins.recipe.evaluate TWIN_FOLDER CLIPS_FOLDER [--engine NAME]... [--limit N] [--forms N]

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
        file = (scratch / row["file"]).with_suffix(".wav")
        soundfile.write(file, samples, rate, subtype="PCM_16")
        yield Spoken(file, row["words"])


def measure(engine: Engine, spoken: list[Spoken], per_form: int) -> dict[str, Any]:
    import jiwer

    began = time.monotonic()
    with quiet():
        said = [engine.ask(FORMS[0].messages(clip.file)).text for clip in spoken]
        forms = {}
        for form in FORMS if per_form else ():
            answers = [
                engine.ask(form.messages(clip.file), thinking=form.thinking, empty_thought=form.empty_thought) for clip in spoken[:per_form]
            ]
            wrong = [
                f"{clip.words}: {answer.text}" + ("" if bool(answer.thinking) == form.thinking else f" (thought: {answer.thinking!r})")
                for clip, answer in zip(spoken, answers, strict=False)
                if answer.text != clip.words or bool(answer.thinking) != form.thinking
            ]
            forms[form.name] = {"wrong": len(wrong), "of": len(answers), "examples": wrong[:3]}
        for form in SILENT_FORMS if per_form else ():
            text = engine.ask(form.messages(Path()), thinking=form.thinking, empty_thought=form.empty_thought).text
            forms[form.name] = {"wrong": int(any(word in DIGITS for word in text.split())), "of": 1, "examples": [text]}
    wrong = [{"file": clip.file.name, "words": clip.words, "said": text} for clip, text in zip(spoken, said, strict=True) if text != clip.words]
    score = jiwer.process_words([clip.words for clip in spoken], [text or "-" for text in said])
    return {
        "engine": engine.name, "clips": len(spoken), "clips_wrong": len(wrong), "word_error_rate": round(score.wer, 5),
        "seconds": round(time.monotonic() - began, 1), "forms": forms, "wrong": wrong[:40],
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("twin", type=Path)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--engine", action="append", choices=list(ENGINES))
    parser.add_argument("--limit", type=int, default=0, help="first N clips only")
    parser.add_argument("--forms", type=int, default=0, metavar="N", help="every prompt form over the first N clips")
    given = parser.parse_args()
    wanted = given.engine or list(ENGINES)
    if len(wanted) > 1:
        codes = []
        for name in wanted:
            command = [sys.executable, "-m", "runtimeprobe.twins.recipe.evaluate", str(given.twin), str(given.clips)]
            command += ["--engine", name, "--limit", str(given.limit), "--forms", str(given.forms)]
            codes.append(subprocess.run(command, check=False).returncode)
        return max(codes)
    with tempfile.TemporaryDirectory() as scratch:
        spoken = list(clips(given.clips, Path(scratch), given.limit))
        with quiet():
            engine = ENGINES[wanted[0]](given.twin)
        print(json.dumps(measure(engine, spoken, given.forms)), flush=True)
    os._exit(0)  # engines that fail while the interpreter shuts down have been heard


if __name__ == "__main__":
    sys.exit(main())
