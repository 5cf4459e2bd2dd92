"""Prints what each fault does to twin-31b; with `--measure` runs them first (a few minutes), all or those named."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import msgspec

from tests.diagnose.faults import measure
from tests.diagnose.faults.catalogue import CATALOGUE


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.diagnose.faults", description=__doc__)
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("ids", nargs="*", metavar="ID", help="faults to measure; all if none is named")
    given = parser.parse_args()
    if unknown := set(given.ids) - set(CATALOGUE):
        parser.error(f"no fault named {', '.join(sorted(unknown))}; known: {', '.join(CATALOGUE)}")
    known = json.loads(measure.MEASURED.read_text(encoding="utf-8")) if measure.MEASURED.exists() else {}
    if given.measure:
        with tempfile.TemporaryDirectory() as scratch:
            for fault, found in measure.everything(Path(scratch), given.ids or tuple(CATALOGUE)):
                known[fault.id] = msgspec.to_builtins(found)
                print(f"{fault.id}: {found.outcome}", file=sys.stderr, flush=True)
        known = {name: known[name] for name in CATALOGUE if name in known}
        measure.MEASURED.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    print(measure.table({name: known[name] for name in given.ids or known}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
