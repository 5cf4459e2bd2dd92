"""Keeps this machine's folders out of results that people publish: engines quote paths in their errors."""

import sys
from pathlib import Path

import msgspec

from runtimeprobe.results import Cell


def without_paths(cell: Cell, environment: str = "") -> Cell:
    """The same cell with folders shortened, in everything but the command that reproduces it. `environment`: the engine's, if not ours."""
    data = msgspec.json.encode(cell)
    for folder, short in ((environment, "…"), (str(Path(__file__).parents[1]), "…"), (sys.prefix, "…"), (str(Path.home()), "~")):
        if len(Path(folder).parts) > 1:
            data = data.replace(msgspec.json.encode(folder)[1:-1], short.encode())
    return msgspec.structs.replace(msgspec.json.decode(data, type=Cell), reproduce=cell.reproduce)
