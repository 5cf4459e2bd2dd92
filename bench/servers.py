"""A hundred asks in a row of a server that crashes at random: how each ended, and what is left behind. An emulator stands in for Ollama."""

import json
import os
import time
import urllib.error
import urllib.request

from tests.emulators.enduring import endure, leaked, marked, sockets
from tests.emulators.serving import started

ASKS, LIMIT_S = 100, 10.0
CRASHES = ("0", "0.1", "0.3")
HEALTHY_AGAIN_S = 15.0


def models_left(address: str) -> int:
    """Once the server is back."""
    end = time.monotonic() + HEALTHY_AGAIN_S
    while True:
        try:
            with urllib.request.urlopen(f"{address}/api/tags", timeout=5) as response:  # noqa: S310 (our own emulator)
                return len(json.load(response)["models"])
        except (OSError, urllib.error.URLError):
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def row(probability: str) -> str:
    with marked() as mark, started("tests.emulators.ollama", "--crash-probability", probability, "--seed", "1") as (address, _):
        endured = endure("ollama", address, ASKS, LIMIT_S)
        models, connections = models_left(address), sockets(address, os.getpid())
    how = "; ".join(f"{name} {count}" for name, count in endured.outcomes.most_common())
    counted = sum(endured.outcomes.values())
    left = f"{len(leaked(mark))} processes, {connections} sockets, {models} models"
    return f"| {probability} | {counted} | {how} | {endured.slowest_s:.1f} s | {endured.seconds:.0f} s | {left} |"


def run() -> str:
    return "\n".join(
        (
            f"{ASKS} asks, limit {LIMIT_S:.0f} s each; the server's process is killed with this probability per ask, and started again.",
            "",
            "| crashes per ask | asks accounted for | how they ended | slowest | all | left behind |",
            "|---:|---:|---|---:|---:|---|",
            *[row(probability) for probability in CRASHES],
        )
    )
