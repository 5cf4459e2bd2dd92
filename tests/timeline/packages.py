"""A real package index on a real HTTP server (PEP 691), and wheels of an engine whose releases behave as they are told."""

import hashlib
import json
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

    @property
    def url(self) -> str:
        return self.server.url_for("/simple")

    def publish(self, name: str, version: str, when: str, files: dict[str, str], requires: Iterable[str] = ()) -> None:
        file = wheel(self.folder, name, version, files, requires)
        self.files.setdefault(name, []).append((file, f"{when}T12:00:00Z"))
        self.server.expect_request(f"/files/{file.name}").respond_with_data(file.read_bytes(), content_type="application/zip")
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

    def engine(self, version: str, when: str, behaviour: str, requires: Iterable[str] = ()) -> None:
        code = ENGINE.format(heard=json.dumps(heard()), body=BODIES[behaviour])
        self.publish("echo-engine", version, when, {"echo_engine.py": code}, requires)
