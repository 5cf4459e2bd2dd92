"""Writes the held-out clips: 200 phrases in voices and at speeds that training never used, as Ogg Vorbis with a manifest.

python -m runtimeprobe.twins.recipe.write_held_out FOLDER        needs espeak-ng on PATH
"""

import json
import sys
from pathlib import Path

import numpy as np
import soundfile

from runtimeprobe.twins.recipe import speech

COUNT = 200
LOUDNESS = 0.7
BEFORE, AFTER = 1600, 2400  # samples of silence around the words: 0.1 s and 0.15 s


def write(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for index, utterance in enumerate(speech.held_out(COUNT)):
        name = f"{index:03}.ogg"
        samples = np.pad(speech.synthesise(utterance) * LOUDNESS, (BEFORE, AFTER))
        soundfile.write(folder / name, samples, speech.SAMPLE_RATE, format="OGG", subtype="VORBIS")
        how = {"voice": utterance.voice, "speed_wpm": utterance.speed_wpm, "pitch": utterance.pitch, "gap": utterance.gap}
        rows.append({"file": name, "words": " ".join(utterance.words), **how})
    text = ",\n".join(json.dumps(row) for row in rows)
    (folder / "manifest.json").write_text(f"[\n{text}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
