"""What platforms are called."""

import pytest

from runtimeprobe.host import platform_name


@pytest.mark.parametrize(
    ("system", "machine", "name"),
    [
        ("Linux", "x86_64", "linux-x86_64"),
        ("Linux", "aarch64", "linux-arm64"),
        ("Darwin", "arm64", "macos-arm64"),
        ("Windows", "AMD64", "windows-x86_64"),
        ("FreeBSD", "amd64", "freebsd-x86_64"),
    ],
)
def test_one_name_for_one_kind_of_machine(system: str, machine: str, name: str) -> None:
    assert platform_name(system, machine) == name


def test_this_machine_has_a_name() -> None:
    system, _, machine = platform_name().partition("-")
    assert system
    assert machine
