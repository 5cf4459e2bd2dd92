"""Builds the corpus and says what is in it; `python -m tests.diagnose.corpus FILE` also writes it there, an entry per line of JSON."""

import sys
from collections import Counter
from pathlib import Path

import msgspec

from tests.diagnose.corpus.build import corpus


def main() -> None:
    entries = corpus()
    for looping in (False, True):
        families = Counter(entry.family for entry in entries if entry.looping is looping)
        characters = sum(len(entry.text) for entry in entries if entry.looping is looping)
        print(f"{'looping' if looping else 'clean'}: {families.total()} outputs, {characters} characters")
        for family, number in families.most_common():
            print(f"  {number:5} {family}")
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_bytes(b"".join(msgspec.json.encode(entry) + b"\n" for entry in entries))


if __name__ == "__main__":
    main()
