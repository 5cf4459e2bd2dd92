"""Models in a folder as LM Studio keeps them (publisher/repository/*.gguf), and those in memory, each with an engine of its own."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtimeprobe.contract import LoadFailed
from runtimeprobe.kit import gguf
from tests.emulators.engine import Engine, Refused
from tests.emulators.lmstudio.behaviours import Behaviour
from tests.emulators.lmstudio.words import LOAD_FAULTS

RUNTIME = {"name": "llama.cpp-linux-x86_64-avx2", "version": "2.10.1", "supported_formats": ["gguf"]}
DEFAULT_CONTEXT = 4096


class NotLoaded(Exception):
    """The load failed; the message is LM Studio's."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A model on disk. The key is the repository's name in small letters without -gguf (inferred from the keys in `lms ls`)."""

    key: str
    publisher: str
    text: Path
    projector: Path | None
    architecture: str
    quantization: str

    @property
    def size_bytes(self) -> int:
        """Inferred: both files."""
        return self.text.stat().st_size + (self.projector.stat().st_size if self.projector else 0)


@dataclass(frozen=True, slots=True)
class Instance:
    entry: Entry
    engine: Engine
    config: dict[str, Any]


class Store:
    """All models. An instance is called after its key (documented: 1_developer/2_rest/list.md)."""

    def __init__(self, folder: Path, behaviour: Behaviour) -> None:
        self.folder, self.behaviour = folder, behaviour
        self.instances: dict[str, Instance] = {}
        self.loading: set[str] = set()
        self._lock = threading.Lock()

    def entries(self) -> Iterator[Entry]:
        for text in sorted(self.folder.glob("*/*/*.gguf")):
            if "mmproj" in text.name.lower():
                continue
            try:
                keys = gguf.read_keys(str(text))
            except LoadFailed:
                continue
            key = text.parent.name.lower().removesuffix("-gguf")
            projector = next(iter(text.parent.glob("*mmproj*.gguf")), None)
            yield Entry(key, text.parent.parent.name, text, projector, str(keys.get(gguf.ARCHITECTURE)), gguf.quantization(keys))

    def find(self, name: str) -> Entry | None:
        return next((entry for entry in self.entries() if entry.key == name), None)

    def load(self, entry: Entry, given: dict[str, Any]) -> Instance:
        with self._lock:
            if entry.key in self.instances:
                return self.instances[entry.key]
            if self.behaviour.load_fault:
                raise NotLoaded(LOAD_FAULTS[self.behaviour.load_fault])
            self.loading.add(entry.key)
            try:
                time.sleep(self.behaviour.load_s)
                config = {
                    "context_length": DEFAULT_CONTEXT,
                    "eval_batch_size": 512,
                    "flash_attention": True,
                    "offload_kv_cache_to_gpu": True,
                }
                config |= given
                projector = str(entry.projector) if entry.projector and self.behaviour.projector else ""
                engine = Engine(str(entry.text), projector, int(config["context_length"]))
            except Refused as error:
                raise NotLoaded(f"Failed to load model: {error.text}") from error
            finally:
                self.loading.discard(entry.key)
            self.instances[entry.key] = Instance(entry, engine, config)
            return self.instances[entry.key]

    def unload(self, name: str) -> bool:
        with self._lock:
            instance = self.instances.pop(name, None)
        if instance is not None:
            instance.engine.stop()
        return instance is not None

    def loaded(self, name: Any) -> Instance | str:
        """The instance that a request names, loaded if it must be; or why there is none."""
        if isinstance(name, str) and name in self.instances:
            return self.instances[name]
        entry = self.find(name) if isinstance(name, str) else None
        if entry is None:
            return "model_not_found"
        return self.load(entry, {}) if self.behaviour.just_in_time else "nothing_loaded"
