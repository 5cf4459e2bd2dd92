"""Where the runtimes keep models, from an environment and a home folder alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of one owner. kind: "files" is walked for models, "ollama" is a blob store with manifests."""

    owner: str
    folder: Path
    kind: str = "files"


def hub_cache(env: Mapping[str, str], home: Path) -> Path:
    """The Hugging Face cache, by the rules of huggingface_hub/constants.py."""
    for name, inside in (("HF_HUB_CACHE", ""), ("HUGGINGFACE_HUB_CACHE", ""), ("HF_HOME", "hub"), ("XDG_CACHE_HOME", "huggingface/hub")):
        if env.get(name):
            return _expand(env[name], home) / inside
    return home / ".cache/huggingface/hub"


def llamacpp_caches(env: Mapping[str, str], home: Path, platform: str) -> tuple[Path, ...]:
    """llama.cpp's own cache (fs_get_cache_directory in common/common.cpp).

    Since 2026 its `-hf` downloads go to the Hugging Face cache, or to LLAMA_CACHE in the same layout (common/hf-cache.cpp); files
    of older builds lie flat in the folder named here.
    """
    if env.get("LLAMA_CACHE"):
        return (_expand(env["LLAMA_CACHE"], home),)
    if platform == "win32":
        return (Path(env["LOCALAPPDATA"]) / "llama.cpp",) if env.get("LOCALAPPDATA") else ()
    if platform == "darwin":
        return (home / "Library/Caches/llama.cpp",)
    base = _expand(env["XDG_CACHE_HOME"], home) if env.get("XDG_CACHE_HOME") else home / ".cache"
    return (base / "llama.cpp",)


def lmstudio_folders(home: Path) -> tuple[Path, ...]:
    """LM Studio's folders: the home its pointer file names (lmstudio.js, findLMStudioHome), then the two usual ones."""
    folders = [home / ".lmstudio/models", home / ".cache/lm-studio/models"]
    try:
        with (home / ".lmstudio-home-pointer").open("rb") as file:
            named = file.read(4096).decode("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        named = ""
    if named and "\0" not in named:
        folders.insert(0, Path(named) / "models")
    return tuple(dict.fromkeys(folders))


def ollama_stores(env: Mapping[str, str], home: Path, platform: str) -> tuple[Path, ...]:
    """Ollama's stores: OLLAMA_MODELS, or the user's, and on Linux the one of the system service (its install script)."""
    if env.get("OLLAMA_MODELS"):
        return (_expand(env["OLLAMA_MODELS"], home),)
    service = (Path("/usr/share/ollama/.ollama/models"),) if platform.startswith("linux") else ()
    return (home / ".ollama/models", *service)


def places(env: Mapping[str, str], home: Path, platform: str) -> tuple[Place, ...]:
    """Every folder to look into, in the order in which finds are preferred."""
    hub = hub_cache(env, home)
    found = [Place("Hugging Face cache", hub)]
    found += [Place("llama.cpp cache", folder) for folder in llamacpp_caches(env, home, platform) if folder != hub]
    found += [Place("LM Studio", folder) for folder in lmstudio_folders(home)]
    found += [Place("Ollama", folder, "ollama") for folder in ollama_stores(env, home, platform)]
    return tuple(found)


def _expand(value: str, home: Path) -> Path:
    """`~` is the home folder we were given, not the one of the process."""
    return home / value[2:] if value.startswith("~/") else home if value == "~" else Path(value)
