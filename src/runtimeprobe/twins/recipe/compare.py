"""Holds our GGUF files against those of llama.cpp's own converter: every key, every tensor's name, shape, type and bytes.

python -m runtimeprobe.twins.recipe.compare HF_FOLDER --converter LLAMA_CPP/convert_hf_to_gguf.py [--python PYTHON_WITH_TORCH]
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from gguf import GGUFReader

from runtimeprobe.twins.recipe import export_gguf

# Names and labels, which nothing computes with.
COSMETIC = {"general.name", "general.license", "general.size_label", "general.basename", "general.finetune"}
COUNTS = {"GGUF.kv_count", "GGUF.tensor_count", "GGUF.version"}


def differences(ours: Path, theirs: Path) -> list[str]:
    left, right = GGUFReader(ours), GGUFReader(theirs)
    found = []
    keys = (set(left.fields) | set(right.fields)) - COSMETIC - COUNTS
    for key in sorted(keys):
        a, b = left.fields.get(key), right.fields.get(key)
        if a is None or b is None:
            found.append(f"key {key}: only in {'theirs' if a is None else 'ours'}")
        elif (a.types, a.contents()) != (b.types, b.contents()):
            found.append(f"key {key}: {a.types} {a.contents()!r:.80} here, {b.types} {b.contents()!r:.80} there")
    mine, other = ({tensor.name: tensor for tensor in reader.tensors} for reader in (left, right))
    for name in sorted(set(mine) | set(other)):
        if name not in mine or name not in other:
            found.append(f"tensor {name}: only in {'theirs' if name not in mine else 'ours'}")
            continue
        x, y = mine[name], other[name]
        if (x.tensor_type, list(x.shape)) != (y.tensor_type, list(y.shape)):
            found.append(f"tensor {name}: {x.tensor_type.name} {list(x.shape)} here, {y.tensor_type.name} {list(y.shape)} there")
        elif x.data.tobytes() != y.data.tobytes():
            found.append(f"tensor {name}: values differ by up to {abs(x.data.astype('f8') - y.data.astype('f8')).max():g}")
    return found


def listing(file: Path) -> list[str]:
    """One line per key that is not cosmetic, and per tensor."""
    reader = GGUFReader(file)
    keys = [
        f"{name} {' '.join(kind.name for kind in field.types)}" for name, field in reader.fields.items() if name not in COSMETIC | COUNTS
    ]
    tensors = [f"{tensor.name} {tensor.tensor_type.name} {'x'.join(str(length) for length in tensor.shape)}" for tensor in reader.tensors]
    return sorted(keys) + sorted(tensors)


def made(folder: Path) -> list[str]:
    return [file for file in ("text.gguf", "mmproj.gguf") if (folder / file).exists()]


def convert(converter: Path, python: str, hf: Path, out: Path, files: list[str]) -> None:
    for file in files:
        extra = ["--mmproj"] if file == "mmproj.gguf" else []
        command = [python, str(converter), str(hf), *extra, "--outtype", "f16", "--outfile", str(out / file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("hf", type=Path)
    parser.add_argument("--converter", type=Path, required=True)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--listing", type=Path)
    given = parser.parse_args()
    bad = 0
    lines = []
    with tempfile.TemporaryDirectory() as scratch:
        ours, theirs = Path(scratch, "ours"), Path(scratch, "theirs")
        theirs.mkdir()
        export_gguf.export(given.hf, ours, "twin")
        convert(given.converter, given.python, given.hf, theirs, made(ours))
        for file in made(ours):
            reader = GGUFReader(ours / file)
            found = differences(ours / file, theirs / file)
            print(f"{file}: {len(reader.fields) - len(COUNTS)} keys, {len(reader.tensors)} tensors, {len(found)} differences")
            for line in found:
                print(f"  {line}")
            bad += len(found)
            lines += [f"{file} {line}" for line in listing(theirs / file)]
    if given.listing:
        given.listing.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
