"""What real models said, labelled: `python -m tests.diagnose.corpus.models RAW.json ...` writes stored/models.jsonl.xz.

RAW.json is what `generate` and `small_model` write. The label is given by exhaustive search, period by period, which shares nothing with
the detector: looping, if some stretch of at least LASTS characters and COPIES copies is verbatim periodic; clean, if there is none and the
model ended by itself, or was sampled WARM and says nothing FEW times in a row over BRIEF characters; otherwise neither, and left out.
"""

import json
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.diagnose.corpus.store import Entry, write

LASTS = 512
COPIES = 6
WARM = 0.6
FEW, BRIEF = 3, 96


def longest_cycle(text: str, copies: int = COPIES) -> tuple[int, int, int]:
    """(length, period, start) of the longest stretch that is verbatim `copies` times over or more; the smallest period of equals."""
    best = (0, 0, 0)
    for period in range(1, len(text) // copies + 1):
        run = 0
        for same in [*map(str.__eq__, text, text[period:]), False]:
            run += 1
            if not same:
                length = run - 1 + period
                if length >= copies * period and length > best[0] + period:
                    best = (length, period, 0)
                run = 0
    if best[1]:
        length, period, _ = best
        start = next(at for at in range(len(text)) if text[at : at + length - period] == text[at + period : at + length])
        best = (length, period, start)
    return best


def varied(text: str) -> bool:
    return longest_cycle(text, FEW)[0] < BRIEF


def entries(raw: list[dict[str, Any]]) -> Iterator[Entry]:
    for said in raw:
        text = said["text"]
        if not text.strip():
            continue
        length, period, start = longest_cycle(text)
        source = f"{said['model']}, {said['engine']}, {json.dumps(said['settings'], sort_keys=True)}"
        half: Any = "held out" if zlib.crc32(said["prompt"].encode()) & 1 else "tune"
        if length >= LASTS:
            yield Entry(text=text, family=said["model"], half=half, source=source, looping=True, start=start, period=period)
        elif said.get("stopped") or (said["settings"]["temperature"] >= WARM and not said["settings"].get("ignore_eos") and varied(text)):
            yield Entry(text=text, family=said["model"], half=half, source=source)


if __name__ == "__main__":
    write("models.jsonl.xz", entries([said for name in sys.argv[1:] for said in json.loads(Path(name).read_text(encoding="utf-8"))]))
