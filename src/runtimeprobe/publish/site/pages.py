"""Pages out of templates: the jinja environment, the content security policy, and what a page says at its top."""

import base64
import functools
import hashlib
import importlib.resources
from typing import Any

import jinja2
from markupsafe import Markup

from runtimeprobe import __version__
from runtimeprobe.publish.interface import SYMBOLS, safe
from runtimeprobe.publish.site import filters
from runtimeprobe.publish.words import PLAIN


def text(name: str) -> str:
    return (importlib.resources.files("runtimeprobe.publish") / "templates" / name).read_text("utf-8").strip()


@functools.cache
def environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("runtimeprobe.publish"), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    made.filters.update(line=safe, **{name: getattr(filters, name) for name in ("tag", "said", "count", "rate", "long", "block", "day")})
    made.filters["secs"] = filters.seconds
    parts = {name: text(file) for name, file in (("style", "style.css"), ("early", "early.js"), ("script", "script.js"))}
    made.globals.update(
        {name: Markup(part) for name, part in parts.items()},  # noqa: S704 (our own files)
        csp=policy(**parts),
        version=__version__,
        legend=[(verdict.value, SYMBOLS[verdict][0], plain) for verdict, plain in PLAIN.items()],
    )
    return made


def policy(style: str, early: str, script: str) -> str:
    """Nothing but what stands in the page itself, and our clips. `file:` is for browsers whose 'self' does not hold for local files."""

    def hashed(part: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()}'"

    return (
        f"default-src 'none'; style-src {hashed(style)}; script-src {hashed(early)} {hashed(script)}; media-src 'self' file:; "
        "base-uri 'none'; form-action 'none'"
    )


@functools.cache
def made_by() -> str:
    """Changes when the templates do, or this program."""
    names = sorted(item.name for item in (importlib.resources.files("runtimeprobe.publish") / "templates").iterdir())
    return hashlib.sha256("\0".join([__version__, *(text(name) for name in names)]).encode()).hexdigest()[:16]


@functools.cache
def section() -> Any:
    return environment().get_template("cell.html.j2").module.section  # type: ignore[attr-defined]


def page(template: str, **values: Any) -> bytes:
    return (environment().get_template(template).render(**values) + "\n").encode("utf-8", "replace")
