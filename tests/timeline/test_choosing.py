import pytest

from runtimeprobe.timeline import choosing
from runtimeprobe.timeline.results import Release

RELEASES = tuple(
    Release(version=version, date=date, yanked=yanked)
    for version, date, yanked in (
        ("0.9", "2026-03-20", False),
        ("0.10", "2026-04-02", False),
        ("0.11", "2026-04-20", True),
        ("0.12", "2026-05-01", False),
        ("1.0", "2026-06-01", False),
    )
)


def versions(releases: tuple[Release, ...]) -> list[str]:
    return [release.version for release in releases]


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("", "", ["0.10", "0.12", "1.0"]),
        ("0.9", "", ["0.9", "0.10", "0.12", "1.0"]),
        ("0.10", "0.12", ["0.10", "0.12"]),
        ("2026-05-01", "2026-05-01", ["0.12"]),
        ("2026-01-01", "0.10", ["0.9", "0.10"]),
        ("1.0", "0.9", []),
    ],
)
def test_from_and_to_are_versions_or_dates(first: str, last: str, expected: list[str]) -> None:
    assert versions(choosing.between(RELEASES, first, last)) == expected


def test_a_yanked_release_is_measured_when_it_is_named() -> None:
    assert versions(choosing.only(RELEASES, ("1.0", "0.11"))) == ["0.11", "1.0"]


@pytest.mark.parametrize(("version", "words"), [("0.13", "no release named '0.13'"), ("soon", "neither a version nor a date")])
def test_unknown_ones_are_refused_with_what_there_is(version: str, words: str) -> None:
    with pytest.raises(choosing.NoSuchRelease, match=words):
        choosing.between(RELEASES, version, "")


def test_binaries_come_in_the_order_of_their_versions() -> None:
    releases, places = choosing.given(("0.30.1=/a=b", "0.4=http://127.0.0.1:1", "nightly=/n"))
    assert versions(releases) == ["0.4", "0.30.1", "nightly"]
    assert places["0.30.1"] == "/a=b"


@pytest.mark.parametrize("item", ["0.30.1", "=x", "0.30.1=", ""])
def test_a_binary_needs_a_version_and_a_place(item: str) -> None:
    with pytest.raises(choosing.NoSuchRelease, match="not VERSION=PATH"):
        choosing.given((item,))
