"""`lms`, LM Studio's command, as its source has it (src/subcommands in lmstudio-ai/lms), as far as it is needed here.

It finds the app as the real one does: under HOME, by `.lmstudio/settings.json` and `.lmstudio/.internal/http-server-config.json`.
"""

import argparse
import json
import shutil
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

HOME = Path.home() / ".lmstudio"
VERSION = "0.4.23+1"


def port() -> int | None:
    try:
        config = json.loads((HOME / ".internal" / "http-server-config.json").read_text())
        with urllib.request.urlopen(f"http://127.0.0.1:{config['port']}/lmstudio-greeting", timeout=2) as reply:
            return int(config["port"]) if json.load(reply).get("lmstudio") is True else None
    except (OSError, ValueError, KeyError):
        return None


def tell(text: str) -> None:
    print(text, file=sys.stderr)


def daemon_status(_given: argparse.Namespace) -> int:
    """daemon/status.ts: with --json there is no version."""
    print(f"llmster v{VERSION} is running (PID: 1)" if port() else "LM Studio is not running")
    return 0


def server_status(_given: argparse.Namespace) -> int:
    """server.ts."""
    found = port()
    print(json.dumps({"running": found is not None, "port": found}))
    return 0


def runtime_ls(_given: argparse.Namespace) -> int:
    """runtime/list.ts, by columnify."""
    print("LLM ENGINE                               SELECTED    MODEL FORMAT")
    print("llama.cpp-linux-x86_64-avx2@2.10.1          ✓            GGUF    ")
    print("llama.cpp-linux-x86_64-vulkan-avx2@2.10.1                GGUF    ")
    return 0


def import_file(given: argparse.Namespace) -> int:
    """importCmd.ts. Only with --copy: a test never moves its files."""
    path = Path(given.file)
    if not path.is_file():
        tell("error: command-argument value is invalid for argument 'file-path'. File does not exist")
        return 1
    folder = Path(json.loads((HOME / "settings.json").read_text())["downloadsFolder"])
    target = folder / given.user_repo / path.name
    if target.exists():
        tell(f"Error: Target file already exists: {target}")
        return 1
    if given.dry_run:
        tell(f"Would copy the file to {target}\nBut not actually doing it because of --dry-run")
        return 0
    assert given.copy
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, target)
    tell(f"File copied to {target}")
    return 0


def unload(given: argparse.Namespace) -> int:
    """unload.ts."""
    body = json.dumps({"identifier": given.identifier}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port()}/emulator/unload", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310 (loopback, by its own configuration)
        unloaded = json.load(reply)["unloaded"]
    tell(f'Model "{given.identifier}" unloaded.' if unloaded else f"Error: Cannot find a model with the identifier {given.identifier}")
    return 0 if unloaded else 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="lms")
    commands = parser.add_subparsers(required=True)

    groups: dict[str, Any] = {"": commands}

    def add(words: str, action: Any) -> argparse.ArgumentParser:
        group, _, last = words.rpartition(" ")
        if group not in groups:
            groups[group] = commands.add_parser(group).add_subparsers(required=True)
        made: argparse.ArgumentParser = groups[group].add_parser(last)
        made.set_defaults(action=action)
        return made

    add("daemon status", daemon_status)
    add("server status", server_status).add_argument("--json", action="store_true")
    add("runtime ls", runtime_ls)
    importing = add("import", import_file)
    importing.add_argument("file")
    importing.add_argument("--user-repo", required=True)
    importing.add_argument("-y", "--yes", action="store_true")
    importing.add_argument("-c", "--copy", action="store_true")
    importing.add_argument("--dry-run", action="store_true")
    add("unload", unload).add_argument("identifier")
    given = parser.parse_args()
    code: int = given.action(given)
    return code


if __name__ == "__main__":
    sys.exit(main())
