"""`make twins`: trains both twins from the seed, then exports and packs them. Needs espeak-ng on PATH, torch and transformers.

python -m runtimeprobe.twins.recipe.make [--work FOLDER] [--into FOLDER]
"""

import argparse
import subprocess
import sys
from pathlib import Path

from runtimeprobe.twins import files
from runtimeprobe.twins.recipe import pack

# One training run after the other, as options of train.py; each goes on from the checkpoint the one before it left.
RUNS: tuple[tuple[str, ...], ...] = (("encoder",), ("e2b",), ("e4b",))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path(".cache/twins"), help="checkpoints and spoken words, about 700 MB")
    parser.add_argument("--into", type=Path, default=files.DATA)
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    for what, *options in RUNS:
        subprocess.run([sys.executable, "-m", "runtimeprobe.twins.recipe.train", what, str(given.work), *options], check=True)
    return pack.main([str(given.work), "--into", str(given.into)])


if __name__ == "__main__":
    sys.exit(main())
