"""The releases of a distribution, with their dates, from the package index that uv is told to use as well."""

import os
import time
import warnings
from collections.abc import Iterable

from runtimeprobe.timeline.results import Release

LIMIT_S = 60.0
MOST_BYTES = 64 * 2**20
SETTINGS = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
ACCEPTED = "application/vnd.pypi.simple.v1+json, text/html;q=0.2"


class NoReleases(Exception):
    """The index gave no list; the message says why and what to do."""


def chosen() -> str:
    """The user's index, if one is named in the environment. uv lets a name stand before it: `name=https://...`."""
    given = next((os.environ[name] for name in SETTINGS if os.environ.get(name)), "")
    name, sign, rest = given.partition("=")
    return rest if sign and "/" not in name else given


def for_uv() -> tuple[str, ...]:
    """What makes uv take packages from the index that is listed here."""
    return ("--default-index", chosen()) if chosen() else ()


def address() -> str:
    """Which index it is, for what was measured from it. Without the user's name and password."""
    return chosen().rpartition("@")[2] or "default"


def releases(package: str) -> tuple[Release, ...]:
    """Final releases, oldest first. Raises NoReleases."""
    from packaging.version import InvalidVersion, Version
    from pypi_simple import PYPI_SIMPLE_ENDPOINT, ProjectPage, UnexpectedRepoVersionWarning, UnsupportedRepoVersionError

    data, is_json, place = page_of(package, (chosen() or PYPI_SIMPLE_ENDPOINT).rstrip("/"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnexpectedRepoVersionWarning)
            if is_json:
                import msgspec

                page = ProjectPage.from_json_data(msgspec.json.decode(data), base_url=place)
            else:
                page = ProjectPage.from_html(package, data, base_url=place)
    except (ValueError, KeyError, TypeError, UnsupportedRepoVersionError) as error:
        raise NoReleases(f"the package index answers with what is no list of files ({type(error).__name__}); check {SETTINGS[0]}") from None
    files: dict[Version, list[tuple[str, bool]]] = {}
    for file in page.packages:
        try:
            version = Version(file.version or "")
        except InvalidVersion:
            continue
        if not version.is_prerelease:
            files.setdefault(version, []).append((file.upload_time.isoformat() if file.upload_time else "", bool(file.is_yanked)))
    if not files:
        raise NoReleases(f"the package index lists no release of {package}; check {SETTINGS[0]}")
    return tuple(release(str(version), files[version]) for version in sorted(files))


def page_of(package: str, endpoint: str) -> tuple[bytes, bool, str]:
    """The project's page, whether it is JSON, and its address. Bounded in size and time. Raises NoReleases."""
    import httpx

    deadline = time.monotonic() + LIMIT_S
    data = bytearray()
    try:
        with (
            httpx.Client(follow_redirects=True, max_redirects=5, timeout=LIMIT_S / 2) as client,
            client.stream("GET", f"{endpoint}/{package}/", headers={"Accept": ACCEPTED}) as response,
        ):
            if response.status_code == httpx.codes.NOT_FOUND:
                raise NoReleases(f"the package index has no {package}")
            response.raise_for_status()
            for piece in response.iter_bytes():
                data += piece
                if len(data) > MOST_BYTES or time.monotonic() > deadline:
                    raise NoReleases(f"the package index sends more than {MOST_BYTES >> 20} MiB, or takes more than {LIMIT_S:.0f} s")
            return bytes(data), "json" in response.headers.get("content-type", ""), str(response.url)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NoReleases(f"the package index does not answer: {type(error).__name__}; try again, or check {SETTINGS[0]}") from None


def release(version: str, files: Iterable[tuple[str, bool]]) -> Release:
    """Dated by its first file: wheels for more platforms may follow much later."""
    files = tuple(files)
    times = sorted(time for time, _ in files if time)
    return Release(
        version=version,
        date=times[0][:10] if times else "",
        uploaded=times[-1] if times else "",
        yanked=all(yanked for _, yanked in files),
    )
