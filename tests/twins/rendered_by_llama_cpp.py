"""Run as a program: renders conversations through the template inside a twin's GGUF with llama.cpp's own server; JSON in, JSON out."""

import json
import os
import sys
import urllib.request
from pathlib import Path

from runtimeprobe.twins.recipe.engines import Xllamacpp, quiet

if __name__ == "__main__":
    with quiet():
        engine = Xllamacpp(Path(sys.argv[1]))
    prompts = []
    for body in json.load(sys.stdin):
        address = f"{engine.server.listening_address}/apply-template"
        request = urllib.request.Request(address, json.dumps(body).encode(), {"Content-Type": "application/json"})  # noqa: S310  our own server
        with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310
            prompts.append(json.load(reply)["prompt"])
    print(json.dumps(prompts), flush=True)
    os._exit(0)
