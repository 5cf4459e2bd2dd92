"""An entry, and the compressed files that entries are kept in."""

import lzma
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

FOLDER = Path(__file__).parent / "stored"
Half = Literal["tune", "held out"]


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One output. A looping one has `start`, the character at which its cycle begins, and `period`; both 0 for a clean one."""

    text: str
    family: str
    half: Half
    source: str = "made by rule"
    licence: str = "Apache-2.0"
    looping: bool = False
    start: int = 0
    period: int = 0
    verbatim: bool = True  # False: a counter changes
    thinking: bool = False


def write(name: str, entries: Iterable[Entry]) -> None:
    lines = b"".join(msgspec.json.encode(entry) + b"\n" for entry in entries)
    (FOLDER / name).write_bytes(lzma.compress(lines, preset=9 | lzma.PRESET_EXTREME))


def read(name: str) -> list[Entry]:
    lines = lzma.decompress((FOLDER / name).read_bytes()).splitlines()
    return [msgspec.json.decode(line, type=Entry) for line in lines]
