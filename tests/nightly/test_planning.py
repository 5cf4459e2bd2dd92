"""The table of this repository, tables that are wrong, and what is planned from them."""

import json
import re
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from runtimeprobe.cli import group
from runtimeprobe.cli.plan import PLACE
from runtimeprobe.nightly import github, planning, table
from runtimeprobe.nightly.planning import Entry
from runtimeprobe.plan import AUDIO_MODELS
from runtimeprobe.weights.known import known

ROOT = Path(__file__).resolve().parents[2]
OURS = table.read((ROOT / PLACE).read_text("utf-8"))
# github.com/actions/runner-images, README.md: every label of a standard runner.
LABELS = {
    "ubuntu-22.04", "ubuntu-22.04-arm", "ubuntu-24.04", "ubuntu-24.04-arm", "ubuntu-26.04", "ubuntu-26.04-arm", "ubuntu-latest",
    "macos-14", "macos-15", "macos-15-intel", "macos-26", "macos-26-intel", "macos-latest", "windows-2022", "windows-2025",
    "windows-11-arm", "windows-latest",
}  # fmt: skip
SMALL = """
[runners."ubuntu-latest"]
platform = "linux-x86_64"
cores = 4
memory_gb = 16
disk_gb = 14
[[job]]
name = "one"
runtime = "R"
runners = ["ubuntu-latest"]
"""


def printed(*arguments: str) -> str:
    done = CliRunner().invoke(group, ["plan", "--github", "--table", str(ROOT / PLACE), *arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_plan_is_one_line_of_json_that_a_matrix_takes() -> None:
    text = printed("--weights", "all")
    assert text.count("\n") == 1
    matrix = json.loads(text)
    assert list(matrix) == ["include"]
    assert 1 <= len(matrix["include"]) <= 256
    assert len(text) * 2 < 1_000_000
    for job in matrix["include"]:
        assert all(isinstance(value, str | int | bool) for value in job.values()), "expressions compare plain values alone"
        assert re.fullmatch(r"[A-Za-z0-9._-]+", job["id"]), "names artifacts"
        assert job["runner"] in LABELS
        assert 1 <= job["timeout"] <= 360
    ids = [job["id"] for job in matrix["include"]]
    assert len(set(ids)) == len(ids)


def test_every_night_the_twins_run_on_every_platform() -> None:
    jobs = json.loads(printed())["include"]
    assert {job["platform"] for job in jobs} == {"linux-x86_64", "linux-arm64", "macos-arm64", "windows-x86_64"}
    assert {job["weights"] for job in jobs} == {"twin"}
    windows = {job["runtime"] for job in jobs if job["platform"] == "windows-x86_64"}
    assert windows == {"llama.cpp", "Ollama"}
    assert any(job["runtime"] == "MLX" for job in jobs if job["platform"] == "macos-arm64")


def test_every_runtime_that_has_an_adapter_has_a_job() -> None:
    from runtimeprobe.registry import owners

    assert {job.runtime for job in OURS.job} == {owner.runtime for owner in owners().values()}


def test_published_weights_only_where_they_fit() -> None:
    jobs, without = planning.jobs(OURS, ("real",))
    assert {job.weights for job in jobs} == {"real"}
    assert {job.model for job in jobs} == set(AUDIO_MODELS)
    assert {(item.runner, item.model) for item in without} >= {("macos-15", "gemma-4-e4b")}
    for job in jobs:
        runner = OURS.runners[job.runner]
        assert job.bytes < (runner.disk_gb - 1) * 1e9
        assert job.repository or job.pull


def test_a_smaller_quantization_is_taken_where_the_better_one_does_not_fit() -> None:
    jobs, _ = planning.jobs(OURS, ("real",))
    chosen = {job.platform: job.files for job in jobs if (job.runtime, job.model) == ("llama.cpp", "gemma-4-e2b")}
    assert "Q8_0" in chosen["linux-x86_64"]
    assert "Q4_K_M" in chosen["macos-arm64"]


def test_why_weights_do_not_fit_is_told_in_bytes() -> None:
    _, without = planning.jobs(OURS, ("real",))
    item = next(item for item in without if (item.job, item.model) == ("llama-cpp", "gemma-4-e4b"))
    smallest = min(row.memory_bytes for row in known()["gemma-4-e4b"].gguf)
    assert item.reason.startswith(f"needs {smallest / 1e9:.1f} GB of memory")
    tight = msgspec.structs.replace(OURS.runners["ubuntu-24.04"], disk_gb=4)
    job = next(job for job in OURS.job if job.name == "llama-cpp")
    assert job.real
    assert "GB of disk" in str(planning.fitting(job, job.real, tight, "gemma-4-e2b"))


def test_shards_of_a_job_are_all_of_it() -> None:
    jobs, _ = planning.jobs(OURS, ("twin",), shards=3)
    assert [job.shard for job in jobs[:3]] == ["1/3", "2/3", "3/3"]
    assert len({job.id for job in jobs}) == len(jobs) == 3 * len(planning.jobs(OURS, ("twin",))[0])


def test_cached_weights_fit_into_githubs_cache() -> None:
    jobs, _ = planning.jobs(OURS, ("twin", "real"))
    cached = {planning.shared(job): job.bytes for job in jobs if job.cache}
    assert 0 < sum(cached.values()) <= 10e9
    assert not any(job.cache for job in jobs if not job.repository)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 8_000_000_000)), max_size=20))
def test_caches_never_take_more_than_there_is(rows: list[tuple[int, int]]) -> None:
    jobs = [
        Entry(
            id=f"j{at}",
            title="",
            runner="",
            platform="linux-x86_64",
            runtime="",
            weights="real",
            repository=f"a/{name}",
            bytes=size,
            timeout=1,
        )
        for at, (name, size) in enumerate(rows)
    ]
    kept = {planning.shared(job): job.bytes for job in planning.cached(jobs) if job.cache}
    assert sum(kept.values()) <= planning.CACHE_BYTES


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (('"ubuntu-latest"]\n', '"ubuntu-99.04"]\n'), "no runner 'ubuntu-99.04'"),
        (('["ubuntu-latest"]', '["macos-15"]'), "no runner of the table"),
        (('name = "one"', 'name = "one"\nshards = 0'), "at least one shard"),
        (('name = "one"', 'nmae = "one"'), "nmae"),
        (("cores = 4", "cores = four"), "no TOML"),
        (("cores = 4", 'cores = "four"'), "cores"),
        (('runtime = "R"', 'runtime = "R"\nreal = {column = "vllm"}'), "no column 'vllm'"),
        (('runtime = "R"', 'runtime = "R"\nreal = {column = "ollama"}'), "how many bytes"),
        (('runtime = "R"', 'runtime = "R"\nreal = {column = "gguf", models = ["gemma-9"]}'), "no published model 'gemma-9'"),
    ],
)
def test_a_table_that_is_wrong_says_where(change: tuple[str, str], word: str, tmp_path: Path) -> None:
    file = tmp_path / "nightly.toml"
    file.write_text(SMALL.replace(*change, 1))
    done = CliRunner().invoke(group, ["plan", "--github", "--table", str(file)], standalone_mode=False)
    assert word in str(done.exception)
    assert str(file) in str(done.exception)


def test_two_runners_of_one_platform_would_contradict_each_other() -> None:
    text = SMALL + SMALL.replace("ubuntu-latest", "ubuntu-22.04").partition("[[job]]")[0]
    with pytest.raises(table.BadTable, match="two runners of one platform"):
        table.read(text.replace('["ubuntu-latest"]', '["ubuntu-latest", "ubuntu-22.04"]'))


def test_a_machine_of_your_own_is_declared() -> None:
    assert table.read(SMALL.replace("ubuntu-latest", "gpu-box").replace("cores", "own = true\ncores")).runners["gpu-box"].own


@pytest.mark.parametrize(
    ("jobs", "word"),
    [
        ([], "empty"),
        ([{"id": f"j{number}"} for number in range(257)], "257 jobs"),
        ([{"id": "a/b"}], "cannot name an artifact"),
        ([{"id": "a"}, {"id": "a"}], "two jobs"),
        ([{"timeout": 361}], "360 minutes"),
        ([{"release": "not a repository"}], "no repository"),
        ([{"leave_out": "x" * 600_000}], "characters"),
    ],
)
def test_what_github_would_not_take_is_an_error(jobs: list[dict[str, object]], word: str) -> None:
    values = {"id": "a", "title": "", "runner": "r", "platform": "p", "runtime": "R", "weights": "twin", "timeout": 5}
    with pytest.raises(github.NotAccepted, match=word):
        github.matrix([msgspec.convert({**values, **job}, Entry) for job in jobs])


def test_a_job_of_a_runtime_alone() -> None:
    assert {job["runtime"] for job in json.loads(printed("--runtime", "MLX"))["include"]} == {"MLX"}
    done = CliRunner().invoke(group, ["plan", "--github", "--table", str(ROOT / PLACE), "--runtime", "mlx"], standalone_mode=False)
    assert "did you mean MLX?" in str(done.exception)


def test_without_a_table_it_says_what_to_do(tmp_path: Path) -> None:
    done = CliRunner().invoke(group, ["plan", "--github", "--table", str(tmp_path / "none.toml")], standalone_mode=False)
    assert "--table FILE" in str(done.exception)


def test_the_plan_of_this_machine_puts_every_load_into_one_part() -> None:
    def loads(*arguments: str) -> list[tuple[str, str]]:
        done = CliRunner().invoke(group, ["plan", "--engine", "xllamacpp", *arguments], env={"COLUMNS": "200"})
        assert done.exit_code == 0, done.output
        return sorted(re.findall(r"│ (\d/\d) +│ llama\.cpp .*?(gemma-4-e[24]b)", done.output))

    assert [model for _, model in loads()] == list(AUDIO_MODELS)
    assert [shard for shard, _ in loads("--shards", "2")] == ["1/2", "2/2"]
