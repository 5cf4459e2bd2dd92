"""TARGET of `runtimeprobe diagnose`: from what the user wrote to an engine, a model on it and, where it can be read, the model's file."""

import dataclasses
import re
from collections.abc import Sequence
from importlib.metadata import EntryPoint
from pathlib import Path

from runtimeprobe.contract import Candidate, Model, Options
from runtimeprobe.plan import Load
from runtimeprobe.registry import Found, adapters, discover_one
from runtimeprobe.results import Struct
from runtimeprobe.worker import process

# Prefix of a target, which is its adapter's entry point -> the engine, where only one of the adapter's is meant.
PREFIXES = {"ollama": "", "lmstudio": "", "llamacpp": "llama-server", "mlx": ""}
FORMS = "name a GGUF file, ollama:NAME, lmstudio:KEY, llamacpp:URL or mlx:FOLDER"
GGUF_ENGINES = ("xllamacpp", "llama-server", "llama-cpp-python")  # in the order they are preferred
TWIN = re.compile(r"twin-(e2b|e4b|31b)")


class NoTarget(Exception):
    """It names nothing that can be diagnosed here; the message says why, `fix` what to do where it does not say that too."""

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.fix = fix


class Target(Struct, frozen=True, kw_only=True):
    """`path`: the model's file or folder, None where only a server has it. `twin`: "twin-31b" if it is one, or made from one."""

    text: str
    load: Load
    path: Path | None = None
    twin: str = ""


def find(text: str, engine: str, options: Options, python: str, projector: Path | None) -> Target:
    """Raises NoTarget."""
    prefix, _, rest = text.partition(":")
    if prefix in PREFIXES and rest:
        return _prefixed(text, prefix, rest, engine or PREFIXES[prefix], options, python)
    path = Path(text).expanduser()
    if not path.exists():
        raise NoTarget(f"there is no file {text}", fix=FORMS)
    if path.is_dir():
        return _prefixed(text, "mlx", text, engine, options, python)
    return _of_file(text, path, engine, options, python, projector)


def _of_file(text: str, path: Path, engine: str, options: Options, python: str, projector: Path | None) -> Target:
    from runtimeprobe.gguf.errors import BadFile
    from runtimeprobe.gguf.header import read_header

    try:
        header = read_header(path)
    except BadFile as error:
        raise NoTarget(str(error)) from None
    twin = TWIN.search(str(header.get("general.name") or ""))
    model = f"gemma-4-{twin[1]}" if twin else "gemma-4"
    candidate = Candidate(model, "twin" if twin else "real", text_gguf=str(path.absolute()), projector_gguf=str(projector or ""))
    found = _ask("llamacpp", options, python, (candidate,))
    here = {item.engine.name: item for item in found.engines if any(Path(model.name) == path.absolute() for model in item.models)}
    for name in [engine] if engine else GGUF_ENGINES:
        if name in here:
            item = here[name]
            (chosen,) = [model for model in item.models if Path(model.name) == path.absolute()]
            return Target(text=text, load=Load(found=item, model=chosen, routes=item.routes), path=path, twin=twin[0] if twin else "")
    raise NoTarget(_why(found, engine, "no engine here reads GGUF files"), fix="pip install xllamacpp")


def _prefixed(text: str, prefix: str, rest: str, engine: str, options: Options, python: str) -> Target:
    candidates: tuple[Candidate, ...] = ()
    path = None
    if prefix == "mlx":
        path = Path(rest).expanduser()
        if not path.is_dir():
            raise NoTarget(f"there is no folder {rest}", fix="give the folder that holds config.json and the safetensors files")
        candidates = (Candidate("gemma-4", "real", hf_folder=str(path.absolute())),)
    if prefix == "llamacpp":
        options = dataclasses.replace(options, endpoints=(rest, *options.endpoints))
    found = _ask(prefix, options, python, candidates)
    items = [
        item for item in found.engines if (not engine or item.engine.name == engine) and (prefix != "llamacpp" or item.engine.endpoint)
    ]
    for item in items:
        for model in _named(item.models, prefix, rest):
            return Target(text=text, load=Load(found=item, model=model, routes=item.routes), path=path, twin="")
    names = [model.name for item in items for model in item.models]
    if items:
        known = f"it holds: {', '.join(names)[:300]}" if names else "it holds no Gemma 4"
        raise NoTarget(f"{prefix} has no Gemma 4 named {rest}; {known}", fix="runtimeprobe doctor --weights real")
    raise NoTarget(_why(found, engine, f"{prefix} has no engine here"), fix="runtimeprobe doctor")


def _named(models: Sequence[Model], prefix: str, rest: str) -> list[Model]:
    """A server at a URL has one model; Ollama's names mean :latest where they have no tag."""
    if prefix in {"llamacpp", "mlx"}:
        return list(models)
    wanted = {rest, f"{rest}:latest"} if prefix == "ollama" else {rest}
    return [model for model in models if model.name in wanted]


def _ask(name: str, options: Options, python: str, candidates: tuple[Candidate, ...]) -> Found:
    entries: list[EntryPoint] = [entry for entry in adapters() if entry.name == name]
    if not entries:
        raise NoTarget(f"the adapter for {name} is not installed", fix=f"pip install runtimeprobe-{name}")
    return discover_one(entries[0], process.Target(entries[0].value, python), options, candidates)


def _why(found: Found, engine: str, otherwise: str) -> str:
    reasons = [f"{item.absent.name}: {item.absent.reason}; {item.absent.fix}" for item in found.missing if engine in {"", item.absent.name}]
    return "; ".join([*reasons, *found.problems]) or (f"no engine named {engine} can load it" if engine else otherwise)
