"""Excerpts of real files, taken once: `python -m tests.diagnose.corpus.collect SURVEYED LLAMA_CPP RUST_DOCS` writes stored/files.jsonl.xz.

SURVEYED lists the paths that thresholds were chosen on: their excerpts are the half to tune on, those of all other files are held out.
Only sources with a licence that allows it are taken, and the entry names both.
"""

import base64
import importlib.metadata
import math
import random
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from tests.diagnose.corpus.store import Entry, Half, write

SEED = 20261124
REPOSITORY = Path(__file__).resolve().parents[3]
SHORTEST, LONGEST = 200, 8000  # characters of an excerpt
PACKAGES = {
    "numpy": "BSD-3-Clause",
    "scipy": "BSD-3-Clause",
    "sklearn": "BSD-3-Clause",
    "sympy": "BSD-3-Clause",
    "pandas": "BSD-3-Clause",
    "networkx": "BSD-3-Clause",
    "jinja2": "BSD-3-Clause",
    "httpx": "BSD-3-Clause",
    "click": "BSD-3-Clause",
    "rich": "MIT",
    "jsonschema": "MIT",
    "mlx_lm": "MIT",
    "mlx_vlm": "MIT",
    "librosa": "ISC",
    "transformers": "Apache-2.0",
    "huggingface_hub": "Apache-2.0",
    "datasets": "Apache-2.0",
}
FAMILIES = {  # family: (file name endings, entries)
    "Python": ((".py",), 380),
    "C and C++": ((".c", ".h", ".cpp", ".hpp", ".cu", ".metal"), 240),
    "JavaScript, CSS, shell": ((".js", ".css", ".sh", ".ts"), 90),
    "Markdown": ((".md",), 260),
    "plain text": ((".txt", ".rst"), 120),
    "licence": (("LICENSE", "LICENSE.txt", "licence"), 100),
    "CSV and TSV": ((".csv", ".tsv", ".tab"), 150),
    "JSON": ((".json",), 120),
    "SVG": ((".svg",), 70),
    "HTML and XML": ((".html", ".xml"), 130),
    "YAML and TOML": ((".yaml", ".yml", ".toml"), 40),
    "templates and grammars": ((".jinja", ".gbnf"), 60),
}
DUMPS = {"base64": 110, "hex dump": 110}


def roots(llama_cpp: Path, rust: Path) -> Iterator[tuple[Path, str, str]]:
    """(folder, name, licence)"""
    yield Path(sysconfig.get_paths()["stdlib"]), "CPython 3.11", "PSF-2.0"
    site = Path(sysconfig.get_paths()["purelib"])
    for name, licence in PACKAGES.items():
        yield site / name, f"{name} {version(name)}".strip(), licence
    yield llama_cpp, "llama.cpp", "MIT"
    yield rust, "Rust documentation", "MIT OR Apache-2.0"
    yield Path("/usr/share/common-licenses"), "common licences", "verbatim copies allowed"
    yield Path("/usr/share/zoneinfo"), "tz database", "public domain"
    yield REPOSITORY / "src", "runtimeprobe", "Apache-2.0"
    yield REPOSITORY / "audio_samples", "runtimeprobe", "Apache-2.0"


def version(name: str) -> str:
    try:
        return importlib.metadata.version({"sklearn": "scikit-learn"}.get(name, name))
    except importlib.metadata.PackageNotFoundError:
        return ""


def files(llama_cpp: Path, rust: Path) -> dict[str, list[tuple[Path, str, str]]]:
    found: dict[str, list[tuple[Path, str, str]]] = {name: [] for name in (*FAMILIES, "binary")}
    for root, name, licence in roots(llama_cpp, rust):
        for path in sorted(root.rglob("*")):
            if (
                not path.is_file()
                or path.is_symlink()
                or not 200 < path.stat().st_size < 5_000_000
                or "site-packages" in str(path.relative_to(root))
            ):
                continue
            source = f"{name}: {path.relative_to(root)}"
            if name == "common licences":
                found["licence"].append((path, source, licence))
            elif path.suffix in {".npy", ".npz", ".wav", ".pkl", ".mat", ".ico", ".gguf"} or path.read_bytes()[:4] == b"TZif":
                found["binary"].append((path, source, licence))
            else:
                for family, (endings, _) in FAMILIES.items():
                    if path.name.endswith(endings):
                        found[family].append((path, source, licence))
    return found


def excerpt(text: str, rng: random.Random) -> str:
    """From the beginning of a line, and up to the end of one where lines are short."""
    length = int(math.exp(rng.uniform(math.log(SHORTEST), math.log(LONGEST))))
    begin = rng.randrange(max(1, len(text) - length)) if rng.random() < 0.8 else 0
    begin = text.rfind("\n", 0, begin) + 1 if begin - text.rfind("\n", 0, begin) < 500 else begin
    end = text.find("\n", begin + length)
    return text[begin : end if 0 < end - begin - length < 200 else begin + length].strip("\n")


def dumped(data: bytes, family: str, rng: random.Random) -> str:
    begin = rng.randrange(max(1, len(data) - 3000)) if rng.random() < 0.5 else 0
    data = data[begin : begin + int(math.exp(rng.uniform(math.log(200), math.log(4000))))]
    if family == "base64":
        return base64.b64encode(data).decode() if rng.random() < 0.5 else base64.encodebytes(data).decode()
    rows = range(0, len(data), 16)
    return "\n".join(f"{at:08x}  {data[at : at + 16].hex(' ')}  |{shown(data[at : at + 16])}|" for at in rows)


def shown(data: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in data)


def entries(surveyed: set[str], llama_cpp: Path, rust: Path) -> Iterator[Entry]:
    rng = random.Random(SEED)
    found = files(llama_cpp, rust)
    wanted = {family: number for family, (_, number) in FAMILIES.items()} | DUMPS
    for family, number in wanted.items():
        pool = found.get(family) or found["binary"]
        rng.shuffle(pool)
        halves: tuple[Half, Half] = ("tune", "held out")
        for half in halves:
            mine = (
                [item for item in pool if (str(item[0]) in surveyed) == (half == "tune")]
                if family in FAMILIES
                else pool[half == "tune" :: 2]
            )
            if not mine:
                continue
            texts: set[str] = set()
            for at in range(number * 3):
                path, source, licence = mine[at % len(mine)]
                data = path.read_bytes()
                text = dumped(data, family, rng) if family in DUMPS else excerpt(data.decode("utf-8", "ignore"), rng)
                if SHORTEST // 2 < len(text) <= 3 * LONGEST and text not in texts:
                    texts.add(text)
                    yield Entry(text=text, family=family, half=half, source=source, licence=licence)
                if len(texts) >= number // 2:
                    break


if __name__ == "__main__":
    listed, llama, docs = sys.argv[1:4]
    write("files.jsonl.xz", entries(set(Path(listed).read_text(encoding="utf-8").splitlines()), Path(llama), Path(docs)))
