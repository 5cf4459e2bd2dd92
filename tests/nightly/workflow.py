"""Runs the shell of a workflow's steps here, as a runner would: bash -eo pipefail, GITHUB_* files, and expressions from a table."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
GITHUB = ROOT / ".github"
BIN = Path(sys.executable).parent
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")


def read(file: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(file.read_text("utf-8"))
    return loaded


def shell_steps(file: Path) -> dict[str, dict[str, Any]]:
    """Steps with `run:`, by job and id; of an action without jobs by id alone."""
    content = read(file)
    jobs = content.get("jobs") or {"": content["runs"]}
    return {
        f"{job}.{step.get('id', number)}".removeprefix("."): step
        for job, body in jobs.items()
        for number, step in enumerate(body["steps"])
        if "run" in step
    }


@dataclass
class Outcome:
    code: int
    output: str
    outputs: dict[str, str]
    summary: str
    path: list[str]


@dataclass
class Machine:
    """A runner's workspace in a temporary folder. `context`: what expressions stand for; `tools`: a folder that comes first on PATH."""

    folder: Path
    context: dict[str, str] = field(default_factory=dict)
    tools: Path | None = None

    def __post_init__(self) -> None:
        self.workspace, self.temporary = self.folder / "workspace", self.folder / "temp"
        for part in (".github", "matrix"):
            shutil.copytree(ROOT / part, self.workspace / part)
        self.temporary.mkdir()

    def run(self, file: str, name: str, **environment: str) -> Outcome:
        """`environment`: instead of what the step says, for what is another thing here."""
        step = shell_steps(GITHUB / file)[name]
        files = {key: self.folder / key for key in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_PATH")}
        for path in files.values():
            path.write_text("")
        env = {key: value for key, value in os.environ.items() if not key.startswith(("GITHUB_", "GH_"))}
        env |= {"PATH": os.pathsep.join(map(str, filter(None, (self.tools, BIN, os.environ["PATH"])))), "GITHUB_ACTIONS": "true"}
        env |= {"GITHUB_WORKSPACE": str(self.workspace), "RUNNER_TEMP": str(self.temporary), "GITHUB_REPOSITORY": "Owner/name"}
        env |= {key: str(path) for key, path in files.items()}
        env |= {key: self.filled(str(value)) for key, value in (step.get("env") or {}).items() if key not in environment}
        script = self.folder / "step.sh"
        script.write_text(step["run"])
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)]
        done = subprocess.run(command, cwd=self.workspace, env=env | environment, capture_output=True, text=True, timeout=240, check=False)
        lines = [line.partition("=") for line in files["GITHUB_OUTPUT"].read_text().splitlines()]
        return Outcome(
            done.returncode,
            done.stdout + done.stderr,
            {key: value for key, _, value in lines},
            files["GITHUB_STEP_SUMMARY"].read_text(),
            files["GITHUB_PATH"].read_text().splitlines(),
        )

    def filled(self, text: str) -> str:
        """A step that asks for what the table does not hold fails the test."""
        return EXPRESSION.sub(lambda found: self.context[found[1]], text)
