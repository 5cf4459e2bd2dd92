"""Exports trained checkpoints in every format and writes the manifest of the shipped files.

    python -m runtimeprobe.twins.recipe.pack CHECKPOINT_FOLDER [--into FOLDER]

CHECKPOINT_FOLDER holds e2b.pt, e4b.pt and 31b.pt as train.py and train_text.py leave them; `--into` is the package's own data folder by
default. With `--gguf-only` the weights are not touched: GGUF files and manifest are written again from the safetensors already there,
without torch.
"""

import argparse
import hashlib
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runtimeprobe.twins import files
from runtimeprobe.twins.recipe import export_gguf
from runtimeprobe.twins.recipe.architecture import SHAPES

LIMIT_BYTES = 28_000_000  # 25 MB for the two that hear
SIZES = (*SHAPES, "31b")


def facts(folder: Path) -> dict[str, dict[str, Any]]:
    return {
        file.relative_to(folder).as_posix(): {"sha256": hashlib.sha256(file.read_bytes()).hexdigest(), "size_bytes": file.stat().st_size}
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def export_weights(checkpoint: Path, size: str, folder: Path) -> dict[str, Any]:
    """Writes hf/ and returns what the manifest says of the training."""
    import torch

    from runtimeprobe.twins.recipe import export_hf, export_text, train, train_text

    scratch = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(scratch, ignore_errors=True)
    if size in SHAPES:
        export_hf.export(checkpoint, size, scratch / "hf")
    else:
        export_text.export(checkpoint, scratch)
    shutil.rmtree(folder, ignore_errors=True)
    scratch.rename(folder)
    steps = torch.load(checkpoint, map_location="cpu", weights_only=True).get("steps")
    seed = train.SEED if size in SHAPES else train_text.SEED
    return {"seed": seed, "steps": steps, "checkpoint_sha256": hashlib.sha256(checkpoint.read_bytes()).hexdigest()}


def pack(checkpoints: Path | None, into: Path) -> dict[str, Any]:
    into.mkdir(parents=True, exist_ok=True)
    manifest_file = into / files.MANIFEST
    before = json.loads(manifest_file.read_text(encoding="utf-8"))["twins"] if manifest_file.exists() else {}
    twins = {}
    for size in SIZES:
        name = f"twin-{size}"
        if checkpoints and (checkpoints / f"{size}.pt").exists():
            made = export_weights(checkpoints / f"{size}.pt", size, into / name)
        elif (into / name / "hf" / "model.safetensors").exists():
            made = before.get(name, {}).get("made", {})
        else:
            print(f"{name}: no checkpoint and nothing packed before, left out", file=sys.stderr)
            continue
        export_gguf.export(into / name / "hf", into / name, name)
        for file in (into / name).rglob("*"):
            file.chmod(0o755 if file.is_dir() else 0o644)
        twins[name] = {"model": f"gemma-4-{size}", "made": made, "files": facts(into / name)}
    manifest = {"schema_version": 1, "licence": "Apache-2.0", "twins": twins}
    manifest_file.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    return manifest


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("checkpoints", type=Path, nargs="?")
    what.add_argument("--gguf-only", action="store_true")
    parser.add_argument("--into", type=Path, default=files.DATA)
    given = parser.parse_args(arguments)
    manifest = pack(given.checkpoints, given.into)
    total = 0
    for name, twin in manifest["twins"].items():
        size = sum(file["size_bytes"] for file in twin["files"].values())
        total += size
        print(f"{name}: {size / 1e6:.2f} MB in {len(twin['files'])} files")
    print(f"together: {total / 1e6:.2f} MB of at most {LIMIT_BYTES / 1e6:.0f} MB")
    return 0 if total <= LIMIT_BYTES and twins_complete(manifest) else 1


def twins_complete(manifest: dict[str, Any]) -> bool:
    return set(manifest["twins"]) == {f"twin-{size}" for size in SIZES}


if __name__ == "__main__":
    sys.exit(main())
