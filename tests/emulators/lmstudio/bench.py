"""A bench for tests: a home with LM Studio's folder and `lms` on PATH, an emulator, and what is left behind afterwards."""

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.emulators.serving import started

ROOT = Path(__file__).resolve().parents[3]
CLEAN_S = 10.0


@dataclass
class Bench:
    """home: what HOME is for everything that is tested. models: LM Studio's folder."""

    home: Path
    models: Path
    address: str = ""
    server: int = 0  # process id

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name != "LM_API_TOKEN"}
        return inherited | {"HOME": str(self.home), "PATH": f"{self.home / 'bin'}{os.pathsep}{os.environ['PATH']}"}

    @contextlib.contextmanager
    def serving(self, behaviour: str, *options: str) -> Iterator["subprocess.Popen[str]"]:
        with started("tests.emulators.lmstudio", "--behaviour", behaviour, "--models-folder", str(self.models), *options) as (
            where,
            process,
        ):
            self.address, self.server = where, process.pid
            config = {"port": int(where.rpartition(":")[2]), "networkInterface": "127.0.0.1"}
            (self.home / ".lmstudio" / ".internal" / "http-server-config.json").write_text(json.dumps(config))
            yield process

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.address}{path}", timeout=10) as reply:  # noqa: S310 (our own emulator)
            return json.load(reply)

    def left_behind(self) -> dict[str, list[str]]:
        """Files in the models folder and processes with our HOME but the server's, after what undoes them had time to."""
        end = time.monotonic() + CLEAN_S
        while True:
            left = {"files": [str(path) for path in self.models.iterdir()], "processes": self._processes()}
            if not any(left.values()) or time.monotonic() > end:
                return left
            time.sleep(0.1)

    def _processes(self) -> list[str]:
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                theirs = self.server in (process.pid, *(parent.pid for parent in process.parents()))
                if process.environ().get("HOME") == str(self.home) and not theirs:
                    found.append(" ".join(process.cmdline())[:200])
        return found


def bench(folder: Path) -> Bench:
    home, models = folder / "home", folder / "models"
    for made in (home / ".lmstudio" / ".internal", home / "bin", models):
        made.mkdir(parents=True)
    (home / ".lmstudio" / "settings.json").write_text(json.dumps({"downloadsFolder": str(models)}))
    command = home / "bin" / "lms"
    command.write_text(f"#!/bin/sh\nexec '{sys.executable}' '{ROOT / 'tests' / 'emulators' / 'lms.py'}' \"$@\"\n")
    command.chmod(0o755)
    return Bench(home, models)
