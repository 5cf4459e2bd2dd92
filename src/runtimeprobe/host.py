"""What machine this is, for the results' header, and how much memory is free."""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from runtimeprobe.results import Host


def describe() -> Host:
    import psutil

    return Host(
        os=f"{platform.system()} {platform.release()}",
        arch=platform.machine(),
        cpu=cpu_name(),
        gpu=gpu_name(),
        memory_bytes=psutil.virtual_memory().total,
        python=platform.python_version(),
    )


# What Python calls systems and processors -> what results call them.
SYSTEMS = {"darwin": "macos"}
PROCESSORS = {"amd64": "x86_64", "x64": "x86_64", "aarch64": "arm64", "armv8l": "arm64"}


def platform_name(system: str = "", machine: str = "") -> str:
    """`linux-x86_64`, `macos-arm64`, `windows-x86_64`: of this machine, or of one that calls itself so."""
    system, machine = (system or platform.system()).lower(), (machine or platform.machine()).lower()
    return f"{SYSTEMS.get(system, system)}-{PROCESSORS.get(machine, machine)}"


def memory_available_bytes() -> int:
    import psutil

    return int(psutil.virtual_memory().available)


def memory_total_bytes() -> int:
    import psutil

    return int(psutil.virtual_memory().total)


def cpu_name() -> str:
    """The processor's marketing name, with the number of logical cores."""
    name = ""
    if sys.platform == "linux":
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    elif sys.platform == "darwin":
        name = output("sysctl", "-n", "machdep.cpu.brand_string")
    return f"{name or platform.processor() or platform.machine()} ({os.cpu_count()} cores)"


def gpu_name() -> str:
    """The first GPU, where a tool that names it is there; "" otherwise."""
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return cpu_name().partition(" (")[0]
    return output("nvidia-smi", "--query-gpu=name", "--format=csv,noheader").splitlines()[0] if shutil.which("nvidia-smi") else ""


def output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
