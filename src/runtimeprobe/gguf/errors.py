"""The one error of this room: the file is not what it says it is."""

from pathlib import Path


class BadFile(Exception):
    """What is wrong with `path`, at which byte, inside which key, and what the user can do next."""

    def __init__(self, path: Path, what: str, *, offset: int | None = None, key: str = "", fix: str = "") -> None:
        place = "" if offset is None else f"at byte {offset}"
        inside = f"in {key!r}" if key else ""
        where = " ".join(part for part in (place, inside) if part)
        self.path = path
        self.what = what
        self.offset = offset
        self.key = key
        self.fix = fix or "download or convert the file again"
        self.detail = f"{where}: {what}; {self.fix}" if where else f"{what}; {self.fix}"
        super().__init__(f"{path.name}{' ' if where else ': '}{self.detail}")
