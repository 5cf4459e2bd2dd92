"""The published formats: a row each. Adding one is a module with `outputs(edition)`, and its row here."""

import importlib
from typing import cast

from runtimeprobe.publish.interface import Format

# name -> module
FORMATS = {
    "html": "runtimeprobe.publish.site",
    "markdown": "runtimeprobe.publish.markdown",
    "junit": "runtimeprobe.publish.junit",
    "badges": "runtimeprobe.publish.badges",
    "feed": "runtimeprobe.publish.feed",
    "github": "runtimeprobe.publish.github",
}


def load(name: str) -> Format:
    return cast("Format", importlib.import_module(FORMATS[name]))
