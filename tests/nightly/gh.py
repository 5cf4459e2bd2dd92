"""Stands in for GitHub's command line: answers from the folder in FAKE_GITHUB, and writes down what it was told to do."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

folder = Path(os.environ["FAKE_GITHUB"])
arguments = sys.argv[1:]
said: dict[str, object] = {"arguments": arguments}
for argument in arguments:
    if argument.startswith("--body-file="):
        said["body"] = Path(argument.partition("=")[2]).read_text("utf-8")
with (folder / "said.jsonl").open("a") as log:
    log.write(json.dumps(said) + "\n")

match arguments[:2]:
    case ["api", address]:
        expression = arguments[arguments.index("--jq") + 1]
        answer = (folder / "releases.json").read_bytes()
        sys.exit(subprocess.run(["jq", "-r", expression], input=answer, check=False).returncode if "releases" in address else 1)
    case ["release", "download"]:
        name, target = arguments[arguments.index("--pattern") + 1], arguments[arguments.index("--dir") + 1]
        shutil.copy(folder / arguments[2] / name, target)
    case ["issue", "list"]:
        print((folder / "issues.json").read_text())
    case ["issue" | "label" | "auth", _]:
        pass
    case _:
        sys.exit(f"no such command here: {arguments}")
