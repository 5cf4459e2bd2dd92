"""A real package index on a real HTTP server (PEP 691), and wheels of an engine whose releases behave as they are told."""

import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pytest_httpserver import HTTPServer
from werkzeug import Response

from runtimeprobe.audio import clips

ENGINE = """
import hashlib, json, os, time
HEARD = json.loads({heard!r})
class Refused(Exception): pass
def known(clip):
    return HEARD.get(hashlib.sha256(open(clip, "rb").read()).hexdigest(), "") if clip else ""
def answer(clip):
    {body}
STEPS = {{"front end": [0.0, 1.0, 2.0], "encoder": [1.0, 2.0, 3.0], "decoder": [4.0, 5.0, 6.0]}} | json.loads({steps!r})
"""
BODIES = {
    "hears": "return known(clip)",
    "garbles": 'return "".join(reversed(known(clip)))',
    "deaf": 'return "a dog"',
    "refuses": 'if clip: raise Refused("no sound here")\n    return "text"',
    "dies": "os._exit(3)",
    "hangs": "time.sleep(60)",
}


def heard() -> dict[str, str]:
    """What a listener would write down, by the clip's digest."""
    return {
        hashlib.sha256(Path(clip.path).read_bytes()).hexdigest(): clip.transcript
        for attempt in range(3)
        for clip in (clips.pair("twin", attempt).a, clips.pair("twin", attempt).b)
    }


def wheel(folder: Path, name: str, version: str, files: dict[str, str], requires: Iterable[str] = ()) -> Path:
    """A wheel as PEP 427 describes it."""
    plain = name.replace("-", "_")
    info = f"{plain}-{version}.dist-info"
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}", *(f"Requires-Dist: {item}" for item in requires)]
    everything = files | {
        f"{info}/METADATA": "\n".join(metadata) + "\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    everything[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in everything) + f"{info}/RECORD,,\n"
    file = folder / f"{plain}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as archive:
        for path, text in everything.items():
            entry = zipfile.ZipInfo(path)
            entry.external_attr = (0o100755 if "/bin/" in path else 0o100644) << 16
            archive.writestr(entry, text)
    return file


@dataclass
class Index:
    """Published files by project: (file, time of upload)."""

    server: HTTPServer
    folder: Path
    files: dict[str, list[tuple[Path, str]]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)  # names of files that are on a page and cannot be fetched just now

    def served(self, file: Path) -> Response:
        return Response("gone", status=503) if file.name in self.gone else Response(file.read_bytes(), content_type="application/zip")

    @property
    def url(self) -> str:
        return self.server.url_for("/simple")

    def publish(self, name: str, version: str, when: str, files: dict[str, str], requires: Iterable[str] = ()) -> None:
        self.add(name, wheel(self.folder, name, version, files, requires), when)

    def add(self, name: str, file: Path, when: str) -> None:
        self.files.setdefault(name, []).append((file, f"{when}T12:00:00Z"))
        self.server.expect_request(f"/files/{file.name}").respond_with_handler(lambda _request: self.served(file))
        if len(self.files[name]) == 1:
            self.server.expect_request(f"/simple/{name}/").respond_with_handler(lambda _request: self.page(name))

    def page(self, name: str) -> Response:
        page = {
            "meta": {"api-version": "1.1"},
            "name": name,
            "versions": [made.name.split("-")[1] for made, _ in self.files[name]],
            "files": [
                {
                    "filename": made.name,
                    "url": self.server.url_for(f"/files/{made.name}"),
                    "hashes": {"sha256": hashlib.sha256(made.read_bytes()).hexdigest()},
                    "size": made.stat().st_size,
                    "upload-time": time,
                }
                for made, time in self.files[name]
            ],
        }
        return Response(json.dumps(page), content_type="application/vnd.pypi.simple.v1+json")

    def source(self, version: str, when: str, setup: str) -> None:
        """A release that is nothing but source, with what its setup.py does."""
        file = self.folder / f"echo_engine-{version}.tar.gz"
        with tarfile.open(file, "w:gz") as archive:
            for name, text in (("setup.py", setup), ("PKG-INFO", f"Metadata-Version: 2.1\nName: echo-engine\nVersion: {version}\n")):
                entry = tarfile.TarInfo(f"echo_engine-{version}/{name}")
                entry.size = len(text)
                archive.addfile(entry, io.BytesIO(text.encode()))
        self.add("echo-engine", file, when)

    def engine(
        self, version: str, when: str, behaviour: str, requires: Iterable[str] = (), steps: dict[str, list[float]] | None = None
    ) -> None:
        """`steps`: numbers at steps on the way that are not those of a healthy release."""
        code = ENGINE.format(heard=json.dumps(heard()), body=BODIES[behaviour], steps=json.dumps(steps or {}))
        self.publish("echo-engine", version, when, {"echo_engine.py": code}, requires)
