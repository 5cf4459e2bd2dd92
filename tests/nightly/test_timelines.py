"""A timeline grows week by week."""

from pathlib import Path

import msgspec
from click.testing import CliRunner

from runtimeprobe.contract import Releases
from runtimeprobe.nightly import timelines
from runtimeprobe.nightly.__main__ import group
from runtimeprobe.results import Verdict, encode
from runtimeprobe.timeline.results import Release, Timeline
from tests.history.made import HOST, MAC, TEST, cell

HEARD, REJECTED = Verdict.HEARD, Verdict.REJECTED


def timeline(*rows: tuple[str, Verdict], platform: str = "linux-x86_64", engine: str = "ollama", **given: str) -> Timeline:
    values = {"method": "every", "hearing_test": TEST, **given}
    return msgspec.structs.replace(
        Timeline(created="2026-11-24T02:17:00Z", host=HOST, engine=engine, hearing_test=TEST),
        cells=tuple(cell(verdict, engine=engine, engine_version=version, platform=platform) for version, verdict in rows),
        releases=tuple(Release(version=version) for version, _ in rows),
        **values,
    )


def versions(found: Timeline) -> list[tuple[str, Verdict]]:
    return [(item.engine_version, item.verdict) for item in found.cells]


OLD = timeline(("0.9.0", REJECTED), ("0.10.0", REJECTED))


def test_older_releases_are_kept_and_newer_measurements_win() -> None:
    new = timeline(("0.10.0", HEARD), ("0.11.0", HEARD))
    found = timelines.joined(OLD, new, Releases())
    assert versions(found) == [("0.9.0", REJECTED), ("0.10.0", HEARD), ("0.11.0", HEARD)]
    assert [release.version for release in found.releases] == ["0.9.0", "0.10.0", "0.11.0"]
    (track,) = found.story
    assert track.first_heard
    assert track.first_heard.version == "0.10.0"
    assert not track.heard_before_that


def test_what_was_measured_otherwise_does_not_stand_beside_it() -> None:
    for new in (
        timeline(("0.11.0", HEARD), hearing_test="hearing-test/2"),
        timeline(("0.11.0", HEARD), platform=MAC),
        timeline(("0.11.0", HEARD), method="bisect"),
        timeline(("nightly", HEARD)),
    ):
        assert timelines.joined(OLD, new, Releases()) == new


def test_a_cell_that_does_not_tell_its_release_joins_nothing() -> None:
    odd = msgspec.structs.replace(OLD, releases=OLD.releases[:1])
    new = timeline(("0.11.0", HEARD))
    assert timelines.joined(odd, new, Releases()) == new


def test_the_store_keeps_one_file_for_each_engine(tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    for week in (OLD, timeline(("0.11.0", HEARD))):
        file = tmp_path / "ollama.json"
        file.write_bytes(encode(week))
        done = CliRunner().invoke(group, ["timeline", str(file), "--store", str(store)])
        assert done.exit_code == 0, done.output
    kept = msgspec.json.decode((store / "timelines" / "ollama.json").read_bytes(), type=Timeline)
    assert [release.version for release in kept.releases] == ["0.9.0", "0.10.0", "0.11.0"]
    (tmp_path / "bad.json").write_text("{")
    assert CliRunner().invoke(group, ["timeline", str(tmp_path / "bad.json"), "--store", str(store)]).exit_code == 1
