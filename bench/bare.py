"""The bare script that `matrix` is measured against: the same engines, loads and asks, without worker, judge or results.

`python -m bench.bare PLAN.json`: one process per engine, started by bench/overhead.py one after the other, as `matrix` does.
"""

import importlib
import json
import sys
from typing import Any

from runtimeprobe import probe
from runtimeprobe.audio import clips
from runtimeprobe.contract import Ask, Claim, Model, Options, Sampling
from runtimeprobe.session import CONFIGS


def main() -> None:
    plan: dict[str, Any] = json.loads(sys.argv[1])
    module, _, name = plan["adapter"].partition(":")
    adapter = getattr(importlib.import_module(module), name)()
    adapter.discover(Options())
    for row in plan["models"]:
        model = Model(**row | {"claim": Claim(row["claim"])})
        adapter.load(plan["engine"], model, CONFIGS[model.weights])
        for route in plan["routes"]:
            ask_route(adapter, route, model.weights, plan["asks"][f"{model.model} {route['name']}"])
    adapter.unload()


def ask_route(adapter: Any, route: dict[str, Any], weights: str, asks: dict[str, int]) -> None:
    """The asks that `matrix` made at this route: `attempts` times four, and the defaults if it came to that."""
    for attempt in range(asks["attempts"]):
        pair = clips.pair(weights, attempt)
        sounds = ["" if not route["needs_clip"] else None, str(pair.a.path), str(pair.b.path), str(pair.silence.path)]
        for sound in sounds[: 2 if asks["refused"] else 4]:
            if sound is not None:
                attempt_one(
                    adapter, Ask(route["name"], probe.PROMPTS[weights], sound, probe.MAX_TOKENS[weights], Sampling(), thinking=False)
                )
    if asks["defaults"]:
        attempt_one(adapter, Ask(route["name"], probe.PROMPTS[weights], str(clips.pair(weights).a.path), probe.DEFAULTS_MAX_TOKENS))


def attempt_one(adapter: Any, ask: Ask) -> None:
    try:
        adapter.ask(ask)
    except Exception as error:
        print(f"{ask.route}: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
