"""xllamacpp: llama.cpp's own server inside this process.

Chat goes through `Server.handle_chat_completions`. Transcriptions, which the Python interface lacks, go to the address on which the
same server listens on loopback (`Server.listening_address`). Releases differ: what one lacks is found out, not assumed.
"""

import contextlib
import gc
import importlib.metadata
import json
import re
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from runtimeprobe.contract import (
    Absent,
    AdapterError,
    BadReply,
    Candidate,
    Claim,
    Config,
    Engine,
    EngineMissing,
    Loaded,
    LoadFailed,
    Model,
    Options,
    Releases,
    Reply,
    Route,
    RouteMissing,
)
from runtimeprobe_llamacpp import chat, errors
from runtimeprobe_llamacpp.backend import CHAT_AUDIO, COMPARE, TRANSCRIPTIONS, Request
from runtimeprobe_llamacpp.knobs import cache_type, choice, for_load, number, text

# enum llama_flash_attn_type, llama.cpp include/llama.h
_FLASH_ATTENTION = {"auto": {"flash_attn_type": -1}, "off": {"flash_attn_type": 0}, "on": {"flash_attn_type": 1}}
_DEVICE = {"auto": {}, "cpu": {"n_gpu_layers": 0, "mmproj_use_gpu": False}, "gpu": {"n_gpu_layers": 999}}


# Since 2026 releases are named year.month.build of llama.cpp: 2026.10.11549 holds b11549. Before (0.2.14) nothing tells.
BUILD = r"20\d\d\.\d+\.(\d+)"


class Xllamacpp:
    """The embedded engine. One server at a time."""

    name = "xllamacpp"
    routes = (Route(CHAT_AUDIO), Route(TRANSCRIPTIONS, needs_clip=True, note="the embedded server's own HTTP route"))
    releases = Releases(package="xllamacpp", upstream_build=BUILD, compare=COMPARE)
    knobs = (
        number("context", "n_ctx", "the model's", values=("2048", "4096", "8192")),
        number("threads", "cpuparams.n_threads cpuparams_batch.n_threads", "all physical cores"),
        number("parallel", "n_parallel", "1", values=("1", "2", "4")),
        choice("flash_attention", "auto", _FLASH_ATTENTION, "flash_attn_type"),
        cache_type("kv_type_k", "cache_type_k", by_number=True),
        cache_type("kv_type_v", "cache_type_v", by_number=True),
        choice("context_shift", "off", {"off": {"ctx_shift": False}, "on": {"ctx_shift": True}}, "ctx_shift"),
        choice("swa_full", "off", {"off": {"swa_full": False}, "on": {"swa_full": True}}, "swa_full"),
        choice("device", "auto", _DEVICE, "n_gpu_layers, mmproj_use_gpu"),
        text("template", "chat_template", "the model's own", "chat_template (Jinja text)"),
    )

    def __init__(self) -> None:
        self._server: Any = None

    def discover(self, options: Options) -> Engine | Absent:  # noqa: ARG002
        try:
            version = importlib.metadata.version(self.name)
        except importlib.metadata.PackageNotFoundError:
            return Absent(self.name, "not installed", "pip install xllamacpp")
        return Engine(self.name, version, _build(version))

    def served(self, candidates: Sequence[Candidate]) -> Sequence[Model] | None:  # noqa: ARG002
        return None

    def load(self, model: Model, config: Config) -> Loaded:
        from runtimeprobe_llamacpp.overheard import Overheard

        log = Overheard(last_words="exiting due to")  # init() in xllamacpp's src/xllamacpp/server.cpp
        try:
            with log, _own_signals():
                import xllamacpp

                params = xllamacpp.CommonParams()
                for name, value in for_load(self.knobs, config).items():
                    _set(params, name, value)
                _set(params, "model.path", model.name)
                if model.projector:
                    _set(params, "mmproj.path", model.projector)
                self._server = xllamacpp.Server(params)
        except AdapterError:
            raise
        except ImportError as error:
            raise EngineMissing("xllamacpp cannot be imported.", words=str(error), fix="pip install xllamacpp") from error
        except Exception as error:
            words = errors.complaints(log.text) or str(error)
            raise errors.from_words(self.name, "could not load the model", words, errors.LOADING, LoadFailed) from error
        return self._loaded(xllamacpp, config)

    def ask(self, request: Request) -> Reply:
        transcript = chat.Transcript(request.ask)
        if request.ask.route == TRANSCRIPTIONS:
            events = self._client().transcribe(Path(request.ask.clip), chat.transcription_fields(request))
            reply: Reply = transcript.add_all(events)
            return reply
        problems: list[AdapterError] = []

        def hear(event: str | bytes) -> bool:
            """Called by native code, so nothing may be raised here. True stops the answer."""
            try:
                transcript.add(event if isinstance(event, str) else event.decode("utf-8"))
            except UnicodeDecodeError as error:
                problems.append(BadReply("The reply is not UTF-8.", words=str(error)))
            except AdapterError as error:
                problems.append(error)
            return bool(problems) or transcript.enough

        self._chat(json.dumps(chat.chat_body(request)), hear)
        if problems:
            raise problems[0]
        return transcript.reply()

    def unload(self) -> None:
        self._server = None
        gc.collect()  # the server stops in its destructor

    def _chat(self, body: str, hear: Callable[[str | bytes], bool]) -> None:
        try:
            self._server.handle_chat_completions(body, hear)
        except UnicodeDecodeError as error:
            # An answer cut inside a character: releases before the server replaced such bytes cannot hand it over.
            raise BadReply("The engine handed over text that is not UTF-8.", words=str(error)) from error
        except Exception as error:
            raise errors.from_words(self.name, "refused", str(error), errors.ASKING, AdapterError) from error

    def _client(self) -> Any:
        from runtimeprobe_llamacpp.http import Client

        address = getattr(self._server, "listening_address", "")
        if not address:
            raise RouteMissing("This release of xllamacpp has no HTTP server.", fix="pip install --upgrade xllamacpp")
        return Client(address)

    def _loaded(self, module: Any, config: Config) -> Loaded:
        models: dict[str, Any] = {}
        props: dict[str, Any] = {}
        with contextlib.suppress(AdapterError):  # a release without a listening server, or without one of these pages
            client = self._client()
            models = client.get("/v1/models")
            props = client.get("/props")
            # A list, so it is no good to `get`; but it is answered by the server's main loop, and a server that is taken down before
            # its loop has started waits for it for ever (~Server in xllamacpp's src/xllamacpp/server.cpp; seen with 2026.10.11549).
            client.get("/slots")
        audio = chat.claims_audio(models, props)
        claim = Claim.UNDECLARED if audio is None else Claim.YES if audio else Claim.NO
        details: dict[str, Any] = {key: props[key] for key in ("modalities", "total_slots", "chat_template_caps") if key in props}
        details["listening_address"] = getattr(self._server, "listening_address", "")
        build = _build(importlib.metadata.version(self.name))
        return Loaded(claim, build, _device(module, config), details)


def _build(version: str) -> str:
    named = re.match(BUILD, version)
    return f"b{named[1]}" if named else ""


def _set(params: Any, name: str, value: Any) -> None:
    *path, last = name.split(".")
    target = params
    for part in path:
        target = getattr(target, part, None)
    if not hasattr(target, last):
        raise LoadFailed(f"This release of xllamacpp has no parameter {name}.", fix="pip install --upgrade xllamacpp")
    setattr(target, last, value)


def _device(module: Any, config: Config) -> str:
    """The first accelerator the engine lists, if it may use it; else the processor, as the engine names both."""
    try:
        devices = [(str(item["name"]), str(item["description"])) for item in module.get_device_info()]
    except Exception:  # releases differ; a device we cannot name is no reason to fail
        return ""
    accelerators = [] if config.levers.get("device") == "cpu" else [item for item in devices if item[0] != "CPU"]
    name, description = (accelerators or devices or [("", "")])[0]
    return f"{name} ({description})" if description else name


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    """Puts Ctrl-C and SIGTERM back: the server takes both for itself while it starts, and would merely stop serving."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)
