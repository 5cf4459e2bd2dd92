"""The adapter's surface: where LM Studio is, what it holds, loading, asking, and leaving it as it was found."""

import platform
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from runtimeprobe.contract import (
    Absent,
    AbsentModel,
    AdapterError,
    Ask,
    Candidate,
    Config,
    Engine,
    EngineMissing,
    Lever,
    Loaded,
    LoadFailed,
    Model,
    ModelMissing,
    Options,
    Reply,
    Route,
    RouteMissing,
)
from runtimeprobe.kit import files
from runtimeprobe.kit.address import checked, is_loopback
from runtimeprobe.kit.afterwards import Afterwards, Remove
from runtimeprobe_lmstudio import answers, asks, disk, errors, knobs, lms
from runtimeprobe_lmstudio.listing import Entry, listing
from runtimeprobe_lmstudio.loading import Instance, loaded_by_v1, loaded_on_demand
from runtimeprobe_lmstudio.token import keeps_secret, token
from runtimeprobe_lmstudio.wire import Server

ENGINE = "lmstudio"
ADDRESS = "http://127.0.0.1:1234"  # https://lmstudio.ai/docs/developer/core/server
DISCOVER_S = 5.0  # of silence
LISTED_S = 30.0  # until an imported model is listed
POLL_S = 0.2
NOTE = "this adapter is so far proven against an emulator of LM Studio only, not against the real one"
# https://lmstudio.ai/docs/developer
INSTALL = {"Windows": "irm https://lmstudio.ai/install.ps1 | iex"}
INSTALL_ELSEWHERE = "curl -fsSL https://lmstudio.ai/install.sh | bash"
START = "lms daemon up && lms server start"


def install_command() -> str:
    return INSTALL.get(platform.system(), INSTALL_ELSEWHERE)


class LmStudio:
    """LM Studio's server. Never started here: `lms` would wake the user's own app, which remembers that its server was switched on."""

    runtime = "LM Studio"

    def __init__(self) -> None:
        self._address = ""
        self._interface = "v1"
        self._lms = ""  # the command, where it speaks of the server that is probed
        self._server: Server | None = None
        self._instance: Instance | None = None
        self._levers: dict[str, str] = {}
        self._afterwards = Afterwards()

    @keeps_secret
    def discover(self, options: Options) -> Sequence[Engine | Absent]:
        try:
            import httpx  # noqa: F401
        except ImportError as error:  # another environment, which holds another engine
            return [Absent(ENGINE, f"its adapter needs a package that is not in this environment: {error}", "pip install httpx")]
        absent: list[Absent] = []
        for address in (*options.endpoints, ADDRESS):
            try:
                where = checked(address, allow_remote=options.allow_remote)
                if not _is_lmstudio(where):
                    if address == ADDRESS:
                        absent.append(Absent(ENGINE, f"what answers at {address} is not LM Studio", f"{START} --port 1234"))
                    continue
                return [self._engine(where)]
            except EngineMissing as error:
                fix = _start_command() if error.fix.startswith("Start it") else error.fix
                absent.append(Absent(ENGINE, str(error), fix))
            except AdapterError as error:
                absent.append(Absent(ENGINE, str(error), error.fix or "restart LM Studio"))
        return absent[:1]

    def routes(self, engine: str) -> Sequence[Route]:  # noqa: ARG002
        native = (Route(asks.NATIVE),) if self._interface == "v1" else ()
        return (Route(asks.CHAT), *native, Route(asks.RESPONSES), Route(asks.TRANSCRIPTIONS, needs_clip=True))

    @keeps_secret
    def models(self, engine: str, candidates: Sequence[Candidate]) -> Sequence[Model | AbsentModel]:  # noqa: ARG002
        server = self._connect()
        found: list[Model | AbsentModel] = [_described(entry, local=self._is_local) for entry in listing(server).entries if entry.gemma]
        here = {model.model for model in found}
        for name in ("gemma-4-e2b", "gemma-4-e4b"):
            if name not in here:
                reason = "LM Studio has not downloaded this model"
                found.append(AbsentModel(name, "real", reason, f"lms get google/{name} -y --gguf"))
        found += [self._twin(candidate) for candidate in candidates if candidate.weights == "twin" and candidate.text_gguf]
        return found

    def levers(self, engine: str) -> Sequence[Lever]:  # noqa: ARG002
        return knobs.LEVERS

    @keeps_secret
    def load(self, engine: str, model: Model, config: Config) -> Loaded:  # noqa: ARG002
        self.unload()
        settings = knobs.for_load(config)
        self._levers = dict(config.levers)
        try:
            return self._load(model, settings, changed=any(row[0].name in config.levers for row in knobs.LOAD))
        except BaseException:
            self.unload()
            raise

    @keeps_secret
    def ask(self, ask: Ask) -> Reply:
        instance = self._instance
        if instance is None:
            raise AdapterError("No model is loaded.", fix="Call load first.")
        if ask.route not in asks.PATHS:
            raise RouteMissing(f"{ENGINE} has no route {ask.route}.", fix=f"Its routes: {', '.join(asks.PATHS)}.")
        if ask.clip and not Path(ask.clip).is_file():
            raise AdapterError(f"There is no clip at {ask.clip}.", fix="Give the path of a sound file.")
        sampling, thinking = knobs.for_ask(ask, self._levers)
        request = asks.Request(ask, instance.identifier, sampling, thinking, instance.reasoning)
        try:
            return self._asked(request)
        except AdapterError as error:
            unknown = set(errors.unrecognised(error)) & sampling.keys()
            if not unknown:
                raise
            fewer = {name: value for name, value in sampling.items() if name not in unknown}
            return self._asked(asks.Request(ask, instance.identifier, fewer, thinking, instance.reasoning))

    def unload(self) -> None:
        """Unloads what we loaded and removes what we imported, nothing else."""
        instance, self._instance = self._instance, None
        if instance is not None and instance.on_demand and self._lms:
            lms.unload(self._lms, instance.identifier)
        self._afterwards.close()
        if self._server is not None:
            self._server.close()
            self._server = None

    @property
    def _is_local(self) -> bool:
        return is_loopback(urlsplit(self._address).hostname or "")

    def _connect(self) -> Server:
        if not self._address:
            raise EngineMissing("LM Studio was not found.", fix="Call discover first.")
        if self._server is None:
            self._server = Server(self._address, token())
        return self._server

    def _engine(self, address: str) -> Engine:
        """Raises what the list of models reports: without a token that is needed, nothing can be probed."""
        self._address = address
        server = Server(address, token(), read_s=DISCOVER_S)
        try:
            self._interface = listing(server).interface
        finally:
            server.close()
        self._lms = lms.command() if self._is_local else ""
        version, runtime = (lms.version(self._lms), lms.runtime(self._lms)) if self._lms else ("", "")
        return Engine(ENGINE, version or "unknown", runtime, endpoint=address, note=NOTE)

    def _twin(self, candidate: Candidate) -> Model | AbsentModel:
        if not self._lms:
            # A copy of ours would be picked up too, but where a running app looks is the app's business.
            reason = "a twin reaches LM Studio only through `lms import`, and `lms` is not on this machine's PATH"
            fix = f"start LM Studio once, which installs `lms`, or: {install_command()}"
            if not self._is_local:
                reason, fix = "a twin reaches LM Studio only through `lms import` on its own machine", "run runtimeprobe there"
            return AbsentModel(candidate.model, candidate.weights, reason, fix)
        return _of_files(candidate.model, "twin", candidate.text_gguf, disk.Files(candidate.text_gguf, candidate.projector_gguf))

    def _load(self, model: Model, settings: dict[str, object], *, changed: bool) -> Loaded:
        server = self._connect()
        key = self._imported(server, model) if model.weights == "twin" else model.name
        found = listing(server)
        entry = found.find(key)
        if entry is None:
            raise ModelMissing(f"LM Studio does not list {key}.", fix="See `lms ls`.")
        if entry.instances and changed:
            raise LoadFailed(
                f"{key} is loaded already, so that nothing of its load can be changed.", fix=f"lms unload {entry.instances[0]}"
            )
        if entry.instances:
            instance = Instance(entry.instances[0], (key, entry.instances[0]), entry.reasoning, details={"loaded_by": "somebody else"})
        elif found.interface == "v1":
            instance = loaded_by_v1(server, entry, settings, self._afterwards, _authorization())
        else:
            instance = loaded_on_demand(server, entry)
        self._instance = instance
        return Loaded(build=instance.runtime, details=dict(instance.details))

    def _imported(self, server: Server, model: Model) -> str:
        """Copies the twin's files into LM Studio's folder, under a new name, and waits until it lists them."""
        if not self._lms:
            raise ModelMissing("`lms`, which imports the twins, is gone.", fix=_start_command())
        repository = f"{model.model.replace('gemma-4', 'twin')}-{secrets.token_hex(3)}"
        folder = lms.target(self._lms, model.name, repository)
        self._afterwards.add(Remove(str(folder), and_parent=True))
        for file in filter(None, (model.name, model.projector)):
            lms.copy(self._lms, file, repository)
        end = time.monotonic() + LISTED_S
        while time.monotonic() < end:
            for entry in listing(server).entries:
                if repository in entry.key.lower():
                    return entry.key
            time.sleep(POLL_S)
        raise ModelMissing(
            f"LM Studio at {self._address} does not list what `lms import` copied to {folder}.",
            fix="Check that `lms` belongs to the LM Studio that answers there.",
        )

    def _asked(self, request: asks.Request) -> Reply:
        server, route, path = self._connect(), request.ask.route, asks.PATHS[request.ask.route]
        answer = answers.Answer(request.ask)
        if route == asks.TRANSCRIPTIONS:
            clip = Path(request.ask.clip)
            page = server.upload(path, asks.transcription_fields(request), asks.clip_name(request.ask.clip), clip.read_bytes())
            return answer.read_page(page)
        with server.events(path, asks.body(request)) as events:
            reply = answer.read(events)
        assert self._instance is not None
        self._instance.check(answer.model)
        return reply


def _is_lmstudio(address: str) -> bool:
    """By its greeting, as `lms` does it, else by its list of models. Asked without the token: it may be anybody's server."""
    server = Server(address, read_s=DISCOVER_S)
    try:
        try:
            if server.get("/lmstudio-greeting").get("lmstudio") is True:
                return True
        except EngineMissing:
            raise
        except AdapterError as error:
            if error.words.startswith("ReadTimeout"):
                message = f"What listens at {address} does not answer within {DISCOVER_S:.0f} s."
                raise EngineMissing(message, fix="restart it, or give another --endpoint") from error
        try:
            return isinstance(server.get("/api/v0/models").get("data"), list)
        except EngineMissing:
            raise
        except AdapterError:
            return False
    finally:
        server.close()


def _described(entry: Entry, *, local: bool) -> Model:
    found = disk.find(entry) if local else None
    if found is None:
        return Model(entry.gemma, "real", entry.key, quantization=entry.quantization, size_bytes=entry.size_bytes)
    return _of_files(entry.gemma, "real", entry.key, found)


def _of_files(model: str, weights: str, name: str, found: disk.Files) -> Model:
    return Model(
        model,
        weights,
        name,
        projector=found.projector,
        quantization=files.quantization(found.text),
        projector_quantization=files.quantization(found.projector),
        digest=files.digest(found.text),
        projector_digest=files.digest(found.projector),
        size_bytes=files.size(found.text, found.projector),
        claim=found.claim,
    )


def _authorization() -> dict[str, str]:
    secret = token()
    return {"Authorization": f"Bearer {secret}"} if secret else {}


def _start_command() -> str:
    return START if lms.command() else f"{install_command()}; then: {START}"
