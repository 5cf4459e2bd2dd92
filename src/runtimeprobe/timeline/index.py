"""The releases of a distribution, with their dates, from the package index that the user's own installer is set to."""

import os
from collections.abc import Iterable

from runtimeprobe.timeline.results import Release

LIMIT_S = 30.0
SETTINGS = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")


class NoReleases(Exception):
    """The index gave no list; the message says why and what to do."""


def releases(package: str) -> tuple[Release, ...]:
    """Final releases, oldest first. Raises NoReleases."""
    import requests
    from packaging.version import InvalidVersion, Version
    from pypi_simple import PYPI_SIMPLE_ENDPOINT, NoSuchProjectError, PyPISimple

    where = next((os.environ[name] for name in SETTINGS if os.environ.get(name)), PYPI_SIMPLE_ENDPOINT)
    try:
        with PyPISimple(where) as client:
            page = client.get_project_page(package, timeout=LIMIT_S)
    except NoSuchProjectError:
        raise NoReleases(f"the package index has no {package}") from None
    except (requests.RequestException, ValueError) as error:
        raise NoReleases(f"the package index does not answer: {type(error).__name__}; try again, or check {SETTINGS[0]}") from None
    files: dict[Version, list[tuple[str, bool]]] = {}
    for file in page.packages:
        try:
            version = Version(file.version or "")
        except InvalidVersion:
            continue
        if not version.is_prerelease:
            files.setdefault(version, []).append((file.upload_time.isoformat() if file.upload_time else "", bool(file.is_yanked)))
    return tuple(release(str(version), files[version]) for version in sorted(files))


def release(version: str, files: Iterable[tuple[str, bool]]) -> Release:
    """Dated by its first file: wheels for more platforms may follow much later."""
    times = sorted(time for time, _ in files if time)
    return Release(
        version=version,
        date=times[0][:10] if times else "",
        uploaded=times[-1] if times else "",
        yanked=all(yanked for _, yanked in files),
    )
