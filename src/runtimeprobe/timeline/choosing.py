"""From what the user wrote to the releases that are meant. Pure."""

import re
from collections.abc import Iterable, Sequence

from runtimeprobe.plan import unknown
from runtimeprobe.timeline.results import Release

# Gemma 4 was published on 2026-04-02 (ai.google.dev/gemma/docs/releases): no release before that month can know it.
BEGINNING = "2026-04-01"
DATE = re.compile(r"\d{4}-\d\d-\d\d")


class NoSuchRelease(Exception):
    """A version that is in no index; the message names the nearest."""


def between(releases: Sequence[Release], first: str, last: str) -> tuple[Release, ...]:
    """Those from `first` to `last`, both included; each a version, a date, or "" (from the month of Gemma 4; to the newest)."""
    from packaging.version import Version

    def reaches(release: Release, end: str, sign: int) -> bool:
        if DATE.fullmatch(end):
            return release.date == end or (release.date > end) == (sign > 0)
        left, right = Version(release.version), Version(end)
        return left == right or (left > right) == (sign > 0)

    for end in (first, last):
        if end and not DATE.fullmatch(end):
            named(releases, end)
        elif end:
            check_date(end)
    if not any(release.date for release in releases) and (not first or DATE.fullmatch(first) or DATE.fullmatch(last)):
        raise NoSuchRelease("this package index tells no dates: name the first release with --from VERSION")
    return tuple(
        release
        for release in releases
        if reaches(release, first or BEGINNING, 1) and (not last or reaches(release, last, -1)) and not release.yanked
    )


def check_date(text: str) -> None:
    from datetime import date

    try:
        date.fromisoformat(text)
    except ValueError:
        raise NoSuchRelease(f"{text} is no day") from None


def only(releases: Sequence[Release], versions: Iterable[str]) -> tuple[Release, ...]:
    """Exactly these, yanked ones too, oldest first."""
    wanted = {named(releases, version).version for version in versions}
    return tuple(release for release in releases if release.version in wanted)


def named(releases: Sequence[Release], version: str) -> Release:
    """Raises NoSuchRelease."""
    from packaging.version import InvalidVersion, Version

    try:
        wanted = Version(version)
    except InvalidVersion:
        raise NoSuchRelease(f"{version!r} is neither a version nor a date such as {BEGINNING}") from None
    found = next((release for release in releases if Version(release.version) == wanted), None)
    if found is None:
        raise NoSuchRelease(unknown("release", version, [release.version for release in releases][-30:]))
    return found


def given(binaries: Iterable[str]) -> tuple[tuple[Release, ...], dict[str, str]]:
    """`V=PATH` or `V=URL`, as often as there are versions, in the order of the versions. Raises NoSuchRelease for anything else."""
    from packaging.version import InvalidVersion, Version

    found: dict[str, str] = {}
    for item in binaries:
        version, sign, place = (part.strip() for part in item.partition("="))
        if not (sign and version and place):
            raise NoSuchRelease(f"{item!r} is not VERSION=PATH")
        if version in found:
            raise NoSuchRelease(f"version {version} is given twice")
        found[version] = place

    def order(version: str) -> tuple[bool, Version, int]:
        try:
            return False, Version(version), 0
        except InvalidVersion:
            return True, Version("0"), list(found).index(version)

    return tuple(Release(version=version) for version in sorted(found, key=order)), found
