from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from runtimeprobe.contract import Candidate
from runtimeprobe.plan import AUDIO_MODELS
from runtimeprobe.session import Settings
from runtimeprobe.timeline import index as package_index
from runtimeprobe.timeline import probing, running
from runtimeprobe.timeline.environments import Environments
from runtimeprobe.timeline.results import Row
from runtimeprobe.twins import files
from tests.timeline.echo_adapter import ENGINE, PACKAGE, Echo
from tests.timeline.packages import Index

Make = Callable[..., running.Runner]


@pytest.fixture
def index(httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    """The only index that uv and we know of, in this test."""
    folder = tmp_path / "published"
    folder.mkdir()
    made = Index(httpserver, folder)
    monkeypatch.setenv("UV_DEFAULT_INDEX", made.url)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    for name in ("UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    return made


@pytest.fixture
def twin() -> tuple[Candidate, ...]:
    return tuple(item for item in files.candidates() if item.model == AUDIO_MODELS[0])


@pytest.fixture
def runner(tmp_path: Path, twin: tuple[Candidate, ...]) -> Make:
    """A runner over every published release of the echo engine; `rows` is told of each row."""

    def make(
        rows: list[Row] | None = None, *, limit_s: float = 20, kind: type[Echo] = Echo, routes: tuple[str, ...] = (), **more: object
    ) -> running.Runner:
        told = [] if rows is None else rows
        request = running.Request(
            subject=probing.Subject(runtime="Echo", engine=ENGINE, models=(AUDIO_MODELS[0],), routes=routes),
            how=kind().releases(ENGINE),
            releases=package_index.releases(PACKAGE),
            settings=Settings(until_heard=True, limit_s=limit_s),
            **more,  # type: ignore[arg-type]
        )
        places = Environments(tmp_path / "environments", 10**10)
        entry = EntryPoint(name="echo", value=f"{kind.__module__}:{kind.__name__}", group="runtimeprobe.adapters")
        return running.Runner(request, entry, twin, places, tmp_path / "known", lambda _line: None, told.append)

    return make
