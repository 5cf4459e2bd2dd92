"""The workflows and actions themselves: linted, audited, and every line of their shell accounted for."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.nightly.workflow import BIN, GITHUB, ROOT, read, shell_steps

WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
ACTIONS = sorted((GITHUB / "actions").glob("*/action.yml"))
SCRIPTS = sorted((GITHUB / "scripts").glob("*.sh"))
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def tool(name: str, *arguments: str, cwd: Path = ROOT, given: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(BIN / name), *arguments], cwd=cwd, input=given, capture_output=True, text=True, check=False)


def actionlint(*files: Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return tool("actionlint", "-shellcheck", str(BIN / "shellcheck"), "-no-color", *map(str, files), cwd=cwd)


def zizmor(folder: Path) -> subprocess.CompletedProcess[str]:
    return tool("zizmor", "--offline", "--no-progress", "--color=never", "--persona=auditor", str(folder))


def shellcheck(script: str) -> subprocess.CompletedProcess[str]:
    return tool("shellcheck", "--shell=bash", "-", given=script)


def test_actionlint_finds_nothing() -> None:
    done = actionlint(*WORKFLOWS)
    assert done.returncode == 0, done.stdout + done.stderr


def test_zizmor_finds_nothing() -> None:
    done = zizmor(GITHUB)
    assert done.returncode == 0, done.stdout + done.stderr
    audited = [line.split()[-1] for line in done.stderr.splitlines() if "completed" in line]
    assert len(audited) >= len(WORKFLOWS) + len(ACTIONS) + 1, "with dependabot.yml"


def test_the_linters_would_find_something(tmp_path: Path) -> None:
    """That they are silent means something only if they speak of what is wrong."""
    place = tmp_path / ".github" / "workflows"
    place.mkdir(parents=True)
    text = (GITHUB / "workflows" / "ci.yml").read_text("utf-8")
    wrong = text.replace("run: make lint", "run: echo ${{ github.event.pull_request.title }} $HOME/*").replace(
        "timeout-minutes: 15", "timeout: 15"
    )
    (place / "ci.yml").write_text(wrong)
    linted = actionlint(place / "ci.yml", cwd=tmp_path).stdout
    assert "SC2086" in linted
    assert '"timeout"' in linted
    assert "template-injection" in zizmor(tmp_path).stdout


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.name)
def test_shellcheck_finds_nothing_in_a_script(file: Path) -> None:
    done = shellcheck(file.read_text("utf-8"))
    assert done.returncode == 0, done.stdout


STEPS = {
    f"{file.parent.name}/{file.name} {name}": step["run"] for file in (*WORKFLOWS, *ACTIONS) for name, step in shell_steps(file).items()
}


@pytest.mark.parametrize("script", STEPS.values(), ids=STEPS.keys())
def test_shellcheck_finds_nothing_in_a_step_and_no_expression_reaches_its_shell(script: str) -> None:
    done = shellcheck(script)
    assert done.returncode == 0, done.stdout
    assert "${{" not in script


@pytest.mark.parametrize("file", [*WORKFLOWS, *ACTIONS], ids=lambda file: f"{file.parent.name}/{file.name}")
def test_every_action_is_pinned_with_its_version(file: Path) -> None:
    for line in file.read_text("utf-8").splitlines():
        if found := re.match(r"\s*-?\s*uses: (.*)", line):
            assert PINNED.fullmatch(found[1]) or found[1].startswith("$/"), line


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_nobody_may_do_more_than_it_says(file: Path) -> None:
    workflow = read(file)
    assert workflow["permissions"] == {}
    assert workflow["concurrency"]["group"]
    for name, job in workflow["jobs"].items():
        assert job["timeout-minutes"], name
        assert job["permissions"], name
    assert "secrets." not in file.read_text("utf-8")


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_no_expression_compares_with_a_truth_value(file: Path) -> None:
    """An input that a schedule does not have is null, and GitHub finds null equal to false."""
    assert not re.search(r"[!=]= *(true|false)", file.read_text("utf-8"))


def test_each_right_to_write_is_held_by_a_job_that_installs_nothing() -> None:
    for name, job in read(GITHUB / "workflows" / "nightly.yml")["jobs"].items():
        if "write" in job["permissions"].values():
            assert not [step for step in job["steps"] if "install" in step.get("uses", "")], name


def test_the_action_that_others_use_needs_three_lines() -> None:
    """Every input has a default."""
    for name, given in read(GITHUB / "actions" / "probe" / "action.yml")["inputs"].items():
        assert "default" in given, name


def test_scripts_can_be_started() -> None:
    listed = subprocess.run(["git", "ls-files", "--stage", *map(str, SCRIPTS)], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert [line.split()[0] for line in listed.splitlines()] == ["100755"] * len(SCRIPTS)
    assert shutil.which("jq"), "the scripts read JSON with jq, as on GitHub's runners"
