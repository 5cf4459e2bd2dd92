"""A real run in two parts, joined, stored and compared with itself."""

import json
from pathlib import Path

from tests.e2e.conftest import Run

ENGINE = ("--engine", "xllamacpp", "--attempts", "1")


def test_two_parts_of_a_real_run_are_the_run(runtimeprobe: Run, tmp_path: Path) -> None:
    store = tmp_path / "store"
    whole = runtimeprobe("matrix", *ENGINE, "--store", str(store))
    assert whole.returncode == 0, whole.stderr
    files = [str(tmp_path / f"{number}.json") for number in (1, 2)]
    for number, file in enumerate(files, 1):
        done = runtimeprobe("matrix", *ENGINE, "--shard", f"{number}/2", "--store", str(store), "--json", file)
        assert done.returncode == 0, done.stderr
    assert len(list((store / "history" / "runs").iterdir())) == 1  # parts are not stored by themselves
    done = runtimeprobe("merge", *files, "--expect", "2", "--store", str(store), "--json", str(tmp_path / "merged.json"))
    assert done.returncode == 0, done.stderr
    merged = json.loads((tmp_path / "merged.json").read_bytes())
    assert {(cell["route"], cell["model"], cell["verdict"]) for cell in merged["cells"]} == {
        (route, model, "heard") for route in ("chat.input_audio", "audio.transcriptions") for model in ("gemma-4-e2b", "gemma-4-e4b")
    }
    assert all(cell["seconds"] > 0 and cell["platform"] for cell in merged["cells"])
    done = runtimeprobe("compare", f"{store}@previous", str(store), "--json", "-", "--fail-on", "regressed", "--fail-on", "flaky")
    assert done.returncode == 0, done.stderr
    assert (json.loads(done.stdout)["changes"], json.loads(done.stdout)["same"]) == ([], 4)


def test_a_part_that_would_be_lost_is_refused_before_it_is_measured(runtimeprobe: Run, tmp_path: Path) -> None:
    done = runtimeprobe("matrix", *ENGINE, "--shard", "1/2", "--store", str(tmp_path / "store"))
    assert done.returncode == 2
    assert "runtimeprobe merge" in done.stderr
