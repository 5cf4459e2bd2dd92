"""The twins, brought into a server and taken out again, whatever happens in between."""

import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from runtimeprobe.contract import AdapterError, Candidate, Model, ModelMissing
from runtimeprobe.kit import files
from runtimeprobe.kit.afterwards import Afterwards, Request
from runtimeprobe_ollama.server import Server

PREFIX = "runtimeprobe-twin-"
# The keeper removes what we made even if we are killed; what is left after this long, a machine that went down has left.
ABANDONED = timedelta(hours=6)


def described(candidate: Candidate) -> Model:
    return Model(
        candidate.model,
        candidate.weights,
        candidate.text_gguf,
        projector=candidate.projector_gguf,
        quantization=files.quantization(candidate.text_gguf),
        projector_quantization=files.quantization(candidate.projector_gguf),
        digest=files.digest(candidate.text_gguf),
        projector_digest=files.digest(candidate.projector_gguf),
        size_bytes=files.size(candidate.text_gguf, candidate.projector_gguf),
    )


class Guest:
    """One twin in one server, under a name of this run alone: a keeper of a run that was killed must not take it away from the next."""

    def __init__(self, server: Server, model: Model, parameters: dict[str, Any]) -> None:
        for path in filter(None, (model.name, model.projector)):
            if not Path(path).is_file():
                raise ModelMissing(f"There is no file {path}.", fix="Reinstall runtimeprobe.")
        digest = files.digest(model.name)
        # Ollama tells the small Gemma 4 from the large by `e2b` or `e4b` in the name (server/renderer_resolution.go).
        size = model.model.rpartition("-")[2]
        self.name = f"{PREFIX}{size}-{digest.removeprefix('sha256:')[:8]}:{secrets.token_hex(4)}"
        self._server = server
        self._keeper = Afterwards()
        try:
            self._keeper.add(Request("DELETE", f"{server.address}/api/delete", {"model": self.name}))
            uploads = {"text.gguf": digest} | ({"mmproj.gguf": files.digest(model.projector)} if model.projector else {})
            for path, value in zip(filter(None, (model.name, model.projector)), uploads.values(), strict=True):
                server.upload(value, path)
            server.create(self.name, uploads, parameters)
        except BaseException:
            self._keeper.close()
            raise

    def leave(self) -> None:
        self._keeper.close()


def sweep(server: Server) -> None:
    """Removes what an earlier run had to leave behind. Twins under other names are somebody else's."""
    for tag in server.tags():
        name, made = tag.get("model"), tag.get("modified_at")
        if isinstance(name, str) and name.startswith(PREFIX) and isinstance(made, datetime) and datetime.now(UTC) - made > ABANDONED:
            try:
                server.delete(name)
            except AdapterError:  # somebody was faster
                continue
