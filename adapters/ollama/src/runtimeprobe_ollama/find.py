"""Which Ollama: the first endpoint that is one, OLLAMA_HOST, or the program on PATH."""

import importlib.util
import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass

from runtimeprobe.contract import Absent, AdapterError, Engine, EngineMissing, Options
from runtimeprobe.kit.address import checked
from runtimeprobe_ollama import address

ENGINE = "ollama"
NOTE = "so far the adapter for Ollama has been proven only against an emulator of it, never against Ollama itself"
# https://ollama.com/download
INSTALL = {"Windows": "irm https://ollama.com/install.ps1 | iex"}
INSTALL_ELSEWHERE = "curl -fsSL https://ollama.com/install.sh | sh"
NEEDS = ("httpx", "ollama")
VERSION_S = 20.0


@dataclass(frozen=True, slots=True)
class Nothing:
    """No Ollama at an address. `stranger`: something else answers there."""

    reason: str
    fix: str
    stranger: bool = False


def install_command() -> str:
    return INSTALL.get(platform.system(), INSTALL_ELSEWHERE)


def discover(options: Options) -> Engine | Absent:
    """An Engine without an endpoint is one whose server we start ourselves."""
    if missing := [name for name in NEEDS if importlib.util.find_spec(name) is None]:
        return Absent(ENGINE, f"this Python environment lacks {' and '.join(missing)}", f"pip install {' '.join(missing)}")
    if options.own_server:
        return ours(options, [])
    reasons: list[str] = []
    for endpoint in options.endpoints:
        found = at(endpoint, options)
        if isinstance(found, Engine):
            return found
        if not found.stranger:
            reasons.append(found.reason)
    where = address.parse(os.environ.get("OLLAMA_HOST", ""))
    if not where.loopback and not options.allow_remote:
        reasons.append(f"OLLAMA_HOST names {where}, which is not this machine: not asked")
        return Absent(ENGINE, "; ".join(reasons), "unset OLLAMA_HOST, or pass --allow-remote")
    found = at(str(where), options)
    if isinstance(found, Engine):
        return found
    reasons.append(found.reason)
    if found.stranger or not where.loopback:
        return Absent(ENGINE, "; ".join(reasons), found.fix)
    return ours(options, reasons)


def ours(options: Options, reasons: list[str]) -> Engine | Absent:
    """The program on PATH, whose server we start ourselves; `reasons`: why no other will do."""
    binary = shutil.which(ENGINE)
    if binary is None:
        return Absent(ENGINE, "; ".join(reasons) or "ollama is not on PATH", f"{install_command()}; then: ollama serve")
    if not options.start_servers:
        return Absent(ENGINE, "; ".join([*reasons, "starting servers is switched off"]), "start it yourself: ollama serve")
    try:
        return Engine(ENGINE, version_of(binary), note=NOTE)
    except (OSError, subprocess.SubprocessError) as error:
        return Absent(ENGINE, f"{binary} does not run: {error}", install_command())


def at(endpoint: str, options: Options) -> Engine | Nothing:
    """The server there, judged by what it says: LM Studio answers 200 to routes that it does not have."""
    from runtimeprobe_ollama.server import Server

    try:
        where = checked(endpoint, allow_remote=options.allow_remote)
    except EngineMissing as error:
        return Nothing(f"{error} It was not asked.", error.fix)
    server = Server(where)
    try:
        return Engine(ENGINE, server.version(), endpoint=where, note=NOTE)
    except EngineMissing as error:
        return Nothing(f"nothing answers at {where}: {error.__cause__}", f"{install_command()}; then: ollama serve")
    except AdapterError as error:
        return Nothing(f"what answers at {where} is not Ollama: {error}", "point OLLAMA_HOST to Ollama", stranger=True)
    finally:
        server.close()


def version_of(binary: str) -> str:
    """`ollama --version`: "ollama version is 0.33.0", or a warning that no server runs and "client version is 0.33.0" (cmd/cmd.go)."""
    done = subprocess.run([binary, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=VERSION_S, check=False)
    found = re.search(rb"version is ([\w.+-]{1,64})", done.stdout[:65536] + done.stderr[:65536])
    return found[1].decode() if found else "unknown"
