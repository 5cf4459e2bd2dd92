"""An array of a GGUF header, left in the file: decoded as a whole, item by item, or searched, when somebody asks."""

import struct
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtimeprobe.gguf.cursor import Cursor
from runtimeprobe.gguf.types import SCALAR_BYTES, SCALARS, STRING

MAX_SEARCHED = 524_288  # twice Gemma 4's vocabulary


@dataclass(frozen=True, slots=True)
class Array:
    """An array left in the file: `item_type` is GGUF's number, `offset` the first item's byte."""

    path: Path
    order: str
    item_type: int
    offset: int
    count: int
    size: int

    def __len__(self) -> int:
        return self.count

    def values(self) -> list[Any]:
        """All items. Text that is no UTF-8 is shown with replacement characters."""
        if self.item_type == STRING:
            return list(self._strings(range(self.count)).values())
        with Cursor(self.path, self.order, start=self.offset) as cursor:
            data = cursor.take(self.size, "the array")
        items = struct.unpack(f"{self.order}{self.count}{SCALARS[self.item_type]}", data)
        return list(items)

    def at(self, indices: Collection[int]) -> dict[int, Any]:
        """The items at `indices`, without decoding the others; indices outside the array are left out."""
        wanted = sorted({index for index in indices if 0 <= index < self.count})
        if self.item_type == STRING:
            return self._strings(wanted)
        width, unpack = SCALAR_BYTES[self.item_type], struct.Struct(self.order + SCALARS[self.item_type]).unpack
        found = {}
        for index in wanted:
            with Cursor(self.path, self.order, start=self.offset + index * width) as cursor:
                found[index] = unpack(cursor.take(width, "an item"))[0]
        return found

    def places(self, wanted: Collection[str]) -> dict[str, int]:
        """Where each of `wanted` stands first, in an array of strings; looked for in its first MAX_SEARCHED items."""
        left, found = {text.encode(): text for text in wanted}, dict[str, int]()
        if self.item_type != STRING:
            return found
        with Cursor(self.path, self.order, start=self.offset) as cursor:
            for index in range(min(self.count, MAX_SEARCHED)):
                if not left:
                    break
                if (text := left.pop(cursor.string(self.size, f"string {index}"), None)) is not None:
                    found[text] = index
        return found

    def _strings(self, wanted: Collection[int]) -> dict[int, str]:
        found, here = {}, 0
        with Cursor(self.path, self.order, start=self.offset) as cursor:
            for index in wanted:
                cursor.skip_strings(index - here)
                found[index] = cursor.string(self.size, f"string {index}").decode("utf-8", "replace")
                here = index + 1
        return found
