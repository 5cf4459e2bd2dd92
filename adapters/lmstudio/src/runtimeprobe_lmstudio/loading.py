"""Getting a model into memory: by /api/v1/models/load, or in an app before 0.4 by asking for it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runtimeprobe.contract import AdapterError, BadReply, EngineDied, LoadFailed, Unavailable
from runtimeprobe.kit.afterwards import Afterwards, Request
from runtimeprobe_lmstudio.listing import Entry, listing, same_model
from runtimeprobe_lmstudio.wire import Server

LOAD = "/api/v1/models/load"  # https://lmstudio.ai/docs/developer/rest/load
UNLOAD = "/api/v1/models/unload"
POLL_S = 0.2
LOADING_S = 1800.0
TTL_S = 300  # https://lmstudio.ai/docs/developer/core/ttl-and-auto-evict: what is left behind goes by itself


@dataclass(frozen=True, slots=True)
class Instance:
    """A loaded model. names: what a reply may call it; on_demand: loaded by an ask of ours, which HTTP cannot undo."""

    identifier: str
    names: Sequence[str]
    reasoning: Sequence[str] = ()
    on_demand: bool = False
    runtime: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    def check(self, answered: str) -> None:
        """Raises BadReply if another model answered: LM Studio 0.3.14 ignored `model` when one was loaded (BT619)."""
        if answered and not same_model(self.names, answered):
            raise BadReply(f"{self.identifier} was asked, and {answered[:200]} answered.", fix="Unload the other model in LM Studio.")


def loaded_by_v1(server: Server, entry: Entry, settings: Mapping[str, Any], afterwards: Afterwards, headers: Mapping[str, str]) -> Instance:
    def undo(identifier: str) -> int:
        return afterwards.add(Request("POST", server.address + UNLOAD, {"instance_id": identifier}, headers))

    likely = undo(entry.key)  # what an only instance is called; if we are killed while it loads, nobody else knows
    body = {"model": entry.key, **settings, "echo_load_config": True}
    reply = server.post(LOAD, body, LoadFailed)
    identifier = reply.get("instance_id")
    if not isinstance(identifier, str) or not identifier:
        raise BadReply("LM Studio's reply to a load names no instance.", words=str(reply)[:2000])
    if identifier != entry.key:
        undo(identifier)
        afterwards.drop(likely)
    echoed = reply.get("load_config")
    details = {"load_config": echoed} if isinstance(echoed, dict) else {}
    loaded = _wait(server, entry.key, identifier)
    names = (entry.key, identifier)
    instance = Instance(identifier, names, loaded.reasoning, details=details)
    return Instance(identifier, names, loaded.reasoning, runtime=_runtime(server, instance), details=details)


def loaded_on_demand(server: Server, entry: Entry) -> Instance:
    """Just-in-time loading, with the app's own settings. It is on unless the user switched it off."""
    instance = Instance(entry.key, (entry.key,), entry.reasoning, on_demand=True, details={"loaded_by": "just-in-time loading"})
    runtime = _runtime(server, instance, needed=True)
    _wait(server, entry.key, entry.key)
    return Instance(entry.key, (entry.key,), entry.reasoning, on_demand=True, runtime=runtime, details=instance.details)


def _wait(server: Server, key: str, identifier: str) -> Entry:
    end = time.monotonic() + LOADING_S
    while time.monotonic() < end:
        found = listing(server)
        entry = found.find(key)
        if entry is not None and (identifier in entry.instances or found.interface == "openai"):
            return entry
        time.sleep(POLL_S)
    raise LoadFailed(f"LM Studio says that it loaded {identifier}, and does not list it as loaded.", fix="Look into LM Studio.")


def _runtime(server: Server, instance: Instance, *, needed: bool = False) -> str:
    """ "llama.cpp-... 2.10.1", as only /api/v0 tells it (optional: https://lmstudio.ai/docs/developer/rest/endpoints), with one token."""
    body = {
        "model": instance.identifier,
        "messages": [{"role": "user", "content": "Hello."}],
        "max_tokens": 1,
        "temperature": 0,
        "ttl": TTL_S,
        "stream": False,
    }
    if not needed:
        del body["ttl"]
    try:
        reply = server.post("/api/v0/chat/completions", body, LoadFailed if needed else AdapterError)
    except (Unavailable, EngineDied):
        raise
    except AdapterError:
        if needed:
            raise
        return ""
    answered, runtime = reply.get("model"), reply.get("runtime")
    instance.check(answered if isinstance(answered, str) else "")
    return " ".join(str(runtime[key])[:80] for key in ("name", "version") if runtime.get(key)) if isinstance(runtime, dict) else ""
