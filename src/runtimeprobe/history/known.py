"""Known upstream issues: which cells they are about, what we expect there, and in which release something changed.

The file is TOML: `[[issue]]` ties cells to an issue, `[[change]]` says where an upstream change happened. docs/history.md explains both.
"""

import functools
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Protocol

import msgspec
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from runtimeprobe.history import files
from runtimeprobe.history.files import StoreError
from runtimeprobe.history.model import Key, Spell
from runtimeprobe.results import NOT_EVALUATED, ORDER, Cell, Matrix, Struct, Verdict

NAME = "known_issues.toml"
MOST_BYTES = 4 * 2**20
ADDRESS = re.compile(r"https://[\x21-\x7e]{1,500}")
BUILD = re.compile(r"b?(\d+)")


class At(Protocol):
    """A version of an engine, with the upstream's build in it; "" where it does not tell."""

    @property
    def version(self) -> str: ...

    @property
    def build(self) -> str: ...


class Point(Struct, frozen=True, kw_only=True):
    """The plainest `At`."""

    version: str = ""
    build: str = ""

    @classmethod
    def of(cls, spell: Spell) -> "Point":
        return cls(version=spell.engine_version, build=spell.build)


class Issue(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Cells whose fields match (shell patterns; * is anything), of these versions or upstream builds, and the verdict expected of them."""

    url: str
    title: str
    verdict: Verdict
    platform: str = "*"
    runtime: str = "*"
    engine: str = "*"
    route: str = "*"
    model: str = "*"
    weights: str = "*"
    quantization: str = "*"
    versions: str = ""  # such as ">=0.30,<0.32"
    builds: str = ""  # such as ">=9318"

    def about(self, key: Key, at: At) -> bool:
        patterns = (self.platform, self.runtime, self.engine, self.route, self.model, self.weights, self.quantization)
        if not all(pattern == "*" or fnmatchcase(part, pattern) for part, pattern in zip(key.parts, patterns, strict=True)):
            return False
        return within(self.versions, number(at.version)) and within(self.builds, build_number(at.build))

    def compared(self, verdict: Verdict) -> int:
        """Below 0: better than expected; above 0: worse; 0: as expected."""
        return ORDER.index(verdict) - ORDER.index(self.verdict)


class Upstream(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that changed in the engines named, from this version or upstream build on."""

    engine: str
    url: str
    title: str
    first_version: str = ""
    first_build: str = ""

    def crossed(self, engine: str, before: At, after: At) -> bool:
        """Whether the way from one to the other, in either direction, passes the change."""
        if not fnmatchcase(engine, self.engine):
            return False
        if self.first_build:
            first, ends = build_number(self.first_build), (build_number(before.build), build_number(after.build))
        else:
            first, ends = number(self.first_version), (number(before.version), number(after.version))
        known = [end for end in ends if end is not None]
        return first is not None and len(known) == len(ends) and min(known) < first <= max(known)


class File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    issue: tuple[Issue, ...] = ()
    change: tuple[Upstream, ...] = ()


class Known:
    """All that is known."""

    def __init__(self, issues: tuple[Issue, ...] = (), changes: tuple[Upstream, ...] = ()) -> None:
        self.issues, self.changes = issues, changes

    def about(self, key: Key, at: At) -> tuple[Issue, ...]:
        return tuple(issue for issue in self.issues if issue.about(key, at))

    def issues_for(self, cell: Cell) -> tuple[Issue, ...]:
        return self.about(Key.of(cell), Point(version=cell.engine_version, build=cell.build))

    def between(self, engine: str, before: At, after: At) -> tuple[Upstream, ...]:
        """What changed upstream between two versions of an engine, as far as it is known."""
        return tuple(change for change in self.changes if change.crossed(engine, before, after))

    def annotate(self, matrix: Matrix) -> Matrix:
        """With the addresses of the issues on every cell that they are about."""

        return msgspec.structs.replace(matrix, cells=tuple(self.told(cell) for cell in matrix.cells)) if self.issues else matrix

    def told(self, cell: Cell) -> Cell:
        urls = tuple(dict.fromkeys((*cell.issues, *(issue.url for issue in self.issues_for(cell)))))
        return cell if urls == cell.issues else msgspec.structs.replace(cell, issues=urls)


@functools.lru_cache(maxsize=4096)
def number(version: str) -> Version | None:
    """`0.30.6`, `v0.30.6`, and `b11434`, which llama-server calls its version."""
    try:
        return Version(version)
    except InvalidVersion:
        return build_number(version)


@functools.lru_cache(maxsize=4096)
def build_number(build: str) -> Version | None:
    found = BUILD.fullmatch(build)
    return Version(found[1]) if found else None


@functools.lru_cache(maxsize=1024)
def specifiers(text: str) -> SpecifierSet:
    return SpecifierSet(text)


def within(wanted: str, version: Version | None) -> bool:
    """A version that is not known is in no range."""
    return not wanted or (version is not None and specifiers(wanted).contains(version, prereleases=True))


def load(file: Path) -> Known:
    """Raises StoreError with the place of the first mistake."""
    try:
        content = msgspec.toml.decode(files.read(file, MOST_BYTES), type=File)
    except FileNotFoundError:
        raise StoreError(f"there is no file {file}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
        raise StoreError(f"{file}: {error}; docs/history.md says which fields there are") from None
    entries: tuple[Issue | Upstream, ...] = (*content.issue, *content.change)
    for entry in entries:
        if wrong := mistake(entry):
            raise StoreError(f"{file}: {entry.title!r}: {wrong}")
    return Known(content.issue, content.change)


def mistake(entry: Issue | Upstream) -> str:
    """What TOML and types do not see; "" if nothing."""
    if not ADDRESS.fullmatch(entry.url):
        return f"url {entry.url[:80]!r} is no https address"
    if isinstance(entry, Upstream):
        if bool(entry.first_version) == bool(entry.first_build):
            return "give first_version or first_build, one of them"
        first = number(entry.first_version) if entry.first_version else build_number(entry.first_build)
        return "" if first else f"{entry.first_version or entry.first_build!r} is no version"
    if entry.verdict in NOT_EVALUATED:
        return f"verdict {entry.verdict} says nothing about a runtime: name what is expected"
    for text in (entry.versions, entry.builds):
        try:
            specifiers(text)
        except InvalidSpecifier:
            return f"{text!r} is no range such as '>=0.30,<0.32'"
    return ""


def shipped() -> Known:
    """Those that were known when this tool was released."""
    here = Path(__file__).resolve().parent
    places = (here / NAME, here.parents[2] / "matrix" / NAME)  # installed; in a checkout
    return next((load(file) for file in places if file.exists()), Known())
