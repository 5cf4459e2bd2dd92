"""`lms`, LM Studio's command line, for what its HTTP interface cannot do: versions, importing files, unloading before 0.4.

Read in lmstudio-ai/lms, src/subcommands. Most of its commands wake the app or its service if neither runs, so they are called only when a
server on this machine answers already; `import` merely copies files. What it says to people goes to stderr.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

from runtimeprobe.contract import AdapterError, LoadFailed
from runtimeprobe_lmstudio import disk
from runtimeprobe_lmstudio.listing import PUBLISHER

QUICK_S = 10.0
COPY_S = 600.0
MAX_WORDS = 2000
_VERSION = re.compile(r"\bv(\d[\w.+-]{0,40}) is running")  # daemon/status.ts
_RUNTIME = re.compile(r"^(\S{1,80}@\d\S{0,40})\s+✓", re.MULTILINE)  # runtime/list.ts: engine, selected, format
_TARGET = re.compile(r"^Would copy the file to (.+)$", re.MULTILINE)  # importCmd.ts


def command() -> str:
    """Its path, or "": on PATH, or where the app puts it."""
    return shutil.which("lms", path=os.pathsep.join([os.environ.get("PATH", os.defpath), str(disk.home() / "bin")])) or ""


def version(lms: str) -> str:
    """The app's version. `lms version` tells the command's own commit only."""
    found = _VERSION.search(_quick(lms, "daemon", "status"))
    return found[1] if found else ""


def runtime(lms: str) -> str:
    """The engine selected for GGUF files, such as "llama.cpp-linux-x86_64-avx2@2.10.1"; "" if more than one is, or none."""
    found = _RUNTIME.findall(_quick(lms, "runtime", "ls"))
    llamacpp = [name for name in found if name.startswith("llama.cpp")]
    return llamacpp[0] if len(llamacpp) == 1 else ""


def unload(lms: str, identifier: str) -> None:
    _run(lms, ["unload", identifier], QUICK_S)


def target(lms: str, file: str, repository: str) -> Path:
    """The folder an import would make, which is told before anything is done. Raises LoadFailed unless it is a new one of ours."""
    done = _run(lms, [*_import(file, repository), "--dry-run"], QUICK_S)
    found = _TARGET.search(done.stderr) or _TARGET.search(done.stdout)
    folder = Path(found[1].strip()).parent if found else Path()
    if folder.name != repository or folder.parent.name != PUBLISHER or not folder.is_absolute() or folder.exists():
        raise LoadFailed("`lms import` does not say where it would put the twin.", words=_words(done), fix="Update LM Studio.")
    return folder


def copy(lms: str, file: str, repository: str) -> None:
    done = _run(lms, _import(file, repository), COPY_S)
    if done.returncode != 0:
        raise LoadFailed(f"`lms import` failed with exit code {done.returncode}.", words=_words(done), fix="See `lms import --help`.")


def _import(file: str, repository: str) -> list[str]:
    return ["import", file, "--user-repo", f"{PUBLISHER}/{repository}", "-y", "-c"]


def _quick(lms: str, *words: str) -> str:
    """What a command prints, or "" where it fails: an older release does not have all of them."""
    try:
        return _run(lms, list(words), QUICK_S).stdout
    except AdapterError:
        return ""


def _run(lms: str, words: list[str], limit_s: float) -> "subprocess.CompletedProcess[str]":
    environment = dict(os.environ, NO_COLOR="1")
    try:
        return subprocess.run(
            [lms, *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=limit_s, check=False, env=environment,
            encoding="utf-8", errors="replace",
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        raise LoadFailed(f"`lms {words[0]}` does not run.", words=str(error)[:MAX_WORDS], fix="Reinstall LM Studio.") from error


def _words(done: "subprocess.CompletedProcess[str]") -> str:
    return (done.stderr.strip() or done.stdout.strip())[:MAX_WORDS]
