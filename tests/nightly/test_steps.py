"""The nightly run's shell, executed in its order: plan, measure, merge, compare, publish, issues, store. GitHub alone is stood in for."""

import gzip
import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from runtimeprobe.results import Verdict, encode
from tests.nightly.test_timelines import timeline
from tests.nightly.workflow import BIN, GITHUB, Machine, shell_steps
from tests.weights.hub import Hub, running

NIGHTLY, PROBE = "workflows/nightly.yml", "actions/probe/action.yml"
# What cannot run here, and why. Everything else must, below.
NEEDS_GITHUB = {
    "probe.ollama": "the real program",
    "probe.lmstudio": "the real program",
    "probe.pull": "a model library",
    "timeline.timeline": "the real program; fetch_release.sh is tested alone",
}
RAN = {
    "plan.plan", "probe.engines", "probe.release",
    "probe.digest", "probe.weights", "probe.measure", "merge.merge", "merge.compare", "merge.publish", "merge.listed",
    "merge.issues", "store.keep", "issues.apply",
}  # fmt: skip


@pytest.fixture
def github(tmp_path: Path) -> Path:
    folder = tmp_path / "github"
    folder.mkdir()
    (folder / "issues.json").write_text("[]")
    return folder


@pytest.fixture
def machine(tmp_path: Path, github: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "gh").write_text(f'#!/bin/sh\nexec {sys.executable} {Path(__file__).with_name("gh.py")} "$@"\n')
    (tools / "gh").chmod(0o755)
    monkeypatch.setenv("FAKE_GITHUB", str(github))
    return Machine(tmp_path / "machine", {"github.token": "t", "vars.SITE_URL": ""}, tools)


def said(github: Path) -> list[dict[str, Any]]:
    log = github / "said.jsonl"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def test_every_step_is_run_here_or_says_what_it_needs() -> None:
    assert set(shell_steps(GITHUB / NIGHTLY)) == RAN | set(NEEDS_GITHUB)


def measure(machine: Machine, entry: dict[str, Any]) -> Path:
    """One shard; its artifact arrives where the merge looks for it."""
    machine.context |= {f"matrix.{name}": str(value) for name, value in entry.items()}
    done = machine.run(NIGHTLY, "probe.measure", ATTEMPTS="1")
    assert done.code == 0, done.output
    made = machine.workspace / "cells" / f"{entry['id']}.json"
    artifact = machine.workspace / "cells" / f"cells-{entry['id']}"
    artifact.mkdir(exist_ok=True)
    return Path(shutil.move(made, artifact / made.name))


def next_night(file: Path) -> None:
    """As if a newer engine had been measured a day later, which garbles what the old one heard, and says something nasty."""
    matrix = json.loads(file.read_text())
    matrix["created"] = (datetime.fromisoformat(matrix["created"]) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    for cell in matrix["cells"]:
        if cell["verdict"] == "heard":
            cell |= {
                "verdict": "garbled",
                "engine_version": "9999.1",
                "reason": "```\n@octocat $(touch /tmp/never) closes #1",
                "seconds": None,
            }
    for shard in matrix["shards"]:
        for item in shard["planned"]:
            item["engine_version"] = "9999.1"
    file.write_text(json.dumps(matrix))


def merged(machine: Machine, count: int, night: int) -> dict[str, str]:
    """The merge job, up to what the issues job is given."""
    machine.context |= {
        "needs.plan.outputs.count": str(count),
        "github.server_url": "https://example.org", "github.repository": "Owner/name", "github.run_id": str(night),
    }  # fmt: skip
    for name in ("merge.merge", "merge.compare", "merge.publish", "merge.listed", "merge.issues"):
        done = machine.run(NIGHTLY, name, COUNT=str(count))
        assert done.code == 0, f"{name}: {done.output}"
        if name == "merge.publish":
            published = done
            machine.context["steps.publish.outputs.site"] = done.outputs["site"]
    return {**published.outputs, "summary": published.summary, "log": published.output}


def test_two_nights_from_the_plan_to_an_issue(machine: Machine, github: Path, tmp_path: Path) -> None:
    machine.context["inputs.weights || (github.event.schedule == '17 2 * * 0' && 'all' || 'twin')"] = "twin"
    planned = machine.run(NIGHTLY, "plan.plan")
    assert planned.code == 0, planned.output
    include = json.loads(planned.outputs["matrix"])["include"]
    assert planned.outputs["count"] == str(len(include))
    assert (machine.workspace / "costs" / "latest.json").is_file()

    # The first night: one job in two shards arrives, all others are lost.
    job = next(job for job in include if job["runtime"] == "llama.cpp" and job["platform"].startswith("linux-x86"))
    halves = [{**job, "id": f"{job['id']}-{number}-of-2", "shard": f"{number}/2"} for number in (1, 2)]
    include = [*halves, *(other for other in include if other is not job)]
    machine.context["needs.plan.outputs.matrix"] = json.dumps({"include": include})
    parts = [measure(machine, half) for half in halves]
    first = merged(machine, len(include), 1)
    assert first["site"] == "https://owner.github.io/name/"
    assert "Who really hears" in first["summary"]
    assert f"- `{include[-1]['id']}`" in first["summary"], "jobs without results are named"
    assert (machine.workspace / "site" / "index.html").is_file()
    assert json.loads((machine.workspace / "issues" / "actions.json").read_text()) == []
    stored = json.loads((machine.workspace / "store" / "latest.json").read_text())
    assert {cell["verdict"] for cell in stored["cells"] if cell["engine"] == "xllamacpp"} == {"heard"}
    lost = [cell for cell in stored["cells"] if cell["runtime"] == "MLX"]
    assert lost, "the table still has them"
    assert {(cell["verdict"], cell["reason"]) for cell in lost} == {("skipped", "its job on ubuntu-24.04 delivered no results")}

    remote = tmp_path / "remote" / "Owner" / "name"
    subprocess.run(["git", "init", "--quiet", "--bare", str(remote)], check=True)
    keep = {"GITHUB_SERVER_URL": f"file://{tmp_path / 'remote'}"}
    done = machine.run(NIGHTLY, "store.keep", **keep)
    assert done.code == 0, done.output

    # The second night: it hears no more, and there is a timeline.
    (machine.workspace / "timelines").mkdir()
    (machine.workspace / "timelines" / "ollama.json").write_bytes(encode(timeline(("0.33.0", Verdict.HEARD))))
    for part in parts:
        next_night(part)
    second = merged(machine, len(include), 2)
    assert "**regressed**" in second["summary"]
    assert "::error" in second["log"], "and an annotation"
    changes = json.loads((machine.workspace / "changes.json").read_text())
    assert changes["counts"]["regressed"] >= 2
    actions = json.loads((machine.workspace / "issues" / "actions.json").read_text())
    assert {action["do"] for action in actions} == {"open"}
    assert len(actions) == len({action["title"] for action in actions}), "one for each engine and route"

    done = machine.run(NIGHTLY, "issues.apply")
    assert done.code == 0, done.output
    opened = [call for call in said(github) if call["arguments"][:2] == ["issue", "create"]]
    assert [call["arguments"][2].removeprefix("--title=") for call in opened] == [action["title"] for action in actions]
    assert [call["body"].strip() for call in opened] == [action["body"].strip() for action in actions]
    assert "````" in opened[0]["body"], "the engine's fence is within a longer one"
    assert not Path("/tmp/never").exists()  # noqa: S108 (what a careless shell would make)

    done = machine.run(NIGHTLY, "store.keep", **keep)
    assert done.code == 0, done.output
    log = subprocess.run(["git", "log", "--oneline", "results"], cwd=remote, capture_output=True, text=True, check=True).stdout
    assert len(log.splitlines()) == 2
    kept = subprocess.run(["git", "ls-tree", "-r", "--name-only", "results"], cwd=remote, capture_output=True, text=True, check=True).stdout
    assert {"README.md", "latest.json", "history/index.json", "known_issues.toml", "timelines/ollama.json"} <= set(kept.splitlines())

    assert "nothing new" in machine.run(NIGHTLY, "store.keep", **keep).output
    for run in (machine.workspace / "store" / "history" / "runs").iterdir():
        run.unlink()
    refused = machine.run(NIGHTLY, "store.keep", **keep)
    assert refused.code == 1
    assert "nothing was pushed" in refused.output


def test_every_kind_of_action_is_carried_out_word_for_word(machine: Machine, github: Path) -> None:
    words = "--label=x $(id) `id` \"' \\n\n@x"
    actions = [
        {"do": what, "number": number, "title": f"-{what} {words}", "body": f"body {what} {words}", "comment": f"comment {what} {words}"}
        for number, what in enumerate(("open", "update", "reopen", "close"))
    ]
    (machine.workspace / "issues").mkdir()
    (machine.workspace / "issues" / "actions.json").write_text(json.dumps(actions))
    machine.context["github.repository"] = "Owner/name"
    done = machine.run(NIGHTLY, "issues.apply")
    assert done.code == 0, done.output
    calls = said(github)
    assert [call["arguments"][:3] for call in calls[2:]] == [
        ["issue", "edit", "1"], ["issue", "comment", "1"], ["issue", "reopen", "2"], ["issue", "edit", "2"], ["issue", "comment", "2"],
        ["issue", "edit", "3"], ["issue", "comment", "3"], ["issue", "close", "3"],
    ]  # fmt: skip
    assert calls[1]["arguments"][2] == f"--title={actions[0]['title']}"
    assert calls[2]["body"] == f"{actions[1]['body']}\n"
    assert calls[3]["body"] == f"{actions[1]['comment']}\n"


def archive(name: str, files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    if name.endswith(".zip"):
        with zipfile.ZipFile(made, "w") as pack:
            for path, data in files.items():
                pack.writestr(path, data)
        return made.getvalue()
    with tarfile.open(fileobj=made, mode="w") as pack:
        for path, data in files.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(data), 0o755
            pack.addfile(entry, io.BytesIO(data))
    return gzip.compress(made.getvalue())


def release(github: Path, *releases: tuple[str, dict[str, bytes], dict[str, Any]]) -> None:
    """(tag, assets, further fields of it), newest first."""
    listed = []
    for tag, assets, more in releases:
        (github / tag).mkdir()
        for name, data in assets.items():
            (github / tag / name).write_bytes(data)
        rows = [{"name": name, "digest": f"sha256:{hashlib.sha256(data).hexdigest()}"} for name, data in assets.items()]
        listed.append({"tag_name": tag, "draft": False, "prerelease": False, "assets": rows, **more})
    (github / "releases.json").write_text(json.dumps(listed))


def fetched(machine: Machine, asset: str, leave_out: str = "") -> tuple[int, str, list[str]]:
    machine.context |= {"matrix.release": "o/n", "matrix.asset": asset, "matrix.leave_out": leave_out}
    done = machine.run(NIGHTLY, "probe.release")
    return done.code, done.output, done.path


@pytest.mark.parametrize("name", ["tool-linux.tar.gz", "tool-linux.tgz", "tool-win.zip"])
def test_a_release_is_unpacked_and_its_program_found(machine: Machine, github: Path, name: str) -> None:
    release(github, ("v2", {name: archive(name, {"bin/tool": b"new", "lib/cuda_v13/big": b"x"})}, {}))
    code, output, path = fetched(machine, f"{name[:4]}*{name[8:]}", "*/cuda_*")
    assert code == 0, output
    program = next(Path(folder) for folder in path if (Path(folder) / "tool").is_file())
    assert (program / "tool").read_bytes() == b"new"
    assert name.endswith(".zip") or not (program.parent / "lib" / "cuda_v13").exists(), "what is left out"


def test_a_file_that_is_not_what_was_uploaded_is_refused(machine: Machine, github: Path) -> None:
    release(github, ("v2", {"tool.tgz": archive("tool.tgz", {"tool": b"good"})}, {}))
    (github / "v2" / "tool.tgz").write_bytes(archive("tool.tgz", {"tool": b"evil"}))
    code, output, path = fetched(machine, "tool.tgz")
    assert (code, path) == (1, [])
    assert "not what was uploaded" in output
    assert not list(machine.workspace.glob("program/**/tool"))


def test_a_release_still_being_uploaded_and_one_for_trial_are_passed_over(machine: Machine, github: Path) -> None:
    pack = archive("tool.tgz", {"tool": b"old"})
    release(github, ("v4", {"tool.tgz": pack}, {"prerelease": True}), ("v3", {"other.txt": b""}, {}), ("v2", {"tool.tgz": pack}, {}))
    code, output, path = fetched(machine, "tool.tgz")
    assert code == 0, output
    assert path[0].endswith("program/v2/")


def test_a_release_without_a_digest_is_refused(machine: Machine, github: Path) -> None:
    release(github, ("v2", {"tool.tgz": archive("tool.tgz", {"tool": b"x"})}, {"assets": [{"name": "tool.tgz", "digest": None}]}))
    code, output, _ = fetched(machine, "tool.tgz")
    assert code == 1
    assert "no digest is known" in output


def test_the_newest_few_releases_for_a_timeline(machine: Machine, github: Path, tmp_path: Path) -> None:
    releases: list[tuple[str, dict[str, bytes], dict[str, Any]]] = [
        (f"v{number}", {"tool.tgz": archive("tool.tgz", {"bin/tool": str(number).encode()})}, {}) for number in (5, 4, 3)
    ]
    release(github, *releases)
    script = machine.workspace / ".github" / "scripts" / "fetch_release.sh"
    path = f"{machine.tools}:{BIN}:/usr/bin:/bin"
    done = subprocess.run(
        ["bash", str(script), "o/n", "tool.tgz", "programs", "2"],
        cwd=tmp_path, env={"PATH": path, "FAKE_GITHUB": str(github)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "v5\tprograms/v5\nv4\tprograms/v4\n"
    assert (tmp_path / "programs" / "v4" / "bin" / "tool").read_text() == "4"


def test_a_requirement_that_cannot_be_had_costs_its_engine_alone(machine: Machine, tmp_path: Path) -> None:
    assert machine.tools
    uv = machine.tools / "uv"
    uv.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path / "uv.log"}\ncase "$*" in *broken*) exit 1;; esac\n')
    uv.chmod(0o755)
    machine.context["matrix.requirements"] = "mlx[cpu]\nbroken\nmlx-vlm"
    done = machine.run(NIGHTLY, "probe.engines")
    assert done.code == 0
    assert "::warning::broken cannot be installed" in done.output
    assert [line.split()[-1] for line in (tmp_path / "uv.log").read_text().splitlines()] == ["mlx[cpu]", "broken", "mlx-vlm"]


def test_published_weights_are_named_by_their_digests_fetched_and_checked(machine: Machine, tmp_path: Path) -> None:
    files = {"o/n/a.gguf": b"text", "o/n/b.gguf": b"projector", "o/n/other.gguf": b"not wanted"}
    cache = tmp_path / "cache"
    with running(Hub(dict(files))) as hub:
        here = {"HF_ENDPOINT": hub.url, "HF_HUB_CACHE": str(cache), "HF_HUB_OFFLINE": "0"}

        def asked(repository: str, *names: str) -> tuple[int, str, str]:
            machine.context |= {"matrix.repository": repository, "matrix.files": "\n".join(names)}
            digest = machine.run(NIGHTLY, "probe.digest", **here)
            weights = machine.run(NIGHTLY, "probe.weights", **here)
            return weights.code, digest.outputs.get("digest", ""), digest.output + weights.output

        def blobs() -> list[bytes]:
            return sorted(blob.read_bytes() for blob in cache.glob("models--o--n/blobs/*") if not blob.name.endswith(".incomplete"))

        code, first, output = asked("o/n", "a.gguf", "b.gguf")
        assert code == 0, output
        assert len(first) == 64
        assert blobs() == [b"projector", b"text"]

        damaged = cache / "models--o--n" / "blobs" / hashlib.sha256(b"text").hexdigest()
        damaged.write_bytes(b"txet")
        code, _, output = asked("o/n", "a.gguf", "b.gguf")
        assert "is damaged and was removed" in output
        assert (code, blobs()) == (0, [b"projector", b"text"])

        hub.files["o/n/a.gguf"] = b"text, changed upstream"
        assert asked("o/n", "a.gguf", "b.gguf")[1] not in ("", first)
        code, digest, output = asked("o/none", "a.gguf")
        assert (code != 0, digest) == (True, "")
        assert "the hub does not tell the digests of o/none" in output


def probed(machine: Machine, engine: str, fail_on: str = "") -> tuple[int, list[dict[str, str]], str]:
    machine.context |= {"steps.install.outputs.programs": str(BIN), "inputs.runtime": "", "inputs.engine": engine, "inputs.weights": "twin"}
    machine.context |= {"inputs.model": "gemma-4-e2b", "inputs.attempts": "1", "inputs.fail-on": fail_on}
    done = machine.run(PROBE, "probe")
    return done.code, json.loads(done.outputs.get("verdicts", "[]")), done.output


def test_the_action_gives_verdicts(machine: Machine) -> None:
    code, verdicts, output = probed(machine, "xllamacpp", "ignored")
    assert code == 0, output
    assert {(item["route"], item["verdict"]) for item in verdicts} == {("chat.input_audio", "heard"), ("audio.transcriptions", "heard")}


def test_the_action_fails_on_what_it_was_told_and_gives_its_verdicts_all_the_same(machine: Machine) -> None:
    code, verdicts, output = probed(machine, "llama-cpp-python", "ignored")
    assert code == 1, output
    assert "ignored" in {item["verdict"] for item in verdicts}


def test_the_action_is_not_green_where_nothing_was_measured(machine: Machine) -> None:
    code, verdicts, output = probed(machine, "lmstudio")
    assert code == 2
    assert "::error::nothing was measured" in output
    assert {item["verdict"] for item in verdicts} == {"skipped"}
