"""Changes as an Atom feed (RFC 4287). Ids are made of what changed and when, so that they stay whatever the site's address is."""

import uuid
from collections.abc import Iterable
from xml.etree import ElementTree as ET

from runtimeprobe.history.model import Change
from runtimeprobe.publish.edition import Edition, digest
from runtimeprobe.publish.interface import Output, safe
from runtimeprobe.publish.naming import https
from runtimeprobe.publish.news import sentence
from runtimeprobe.publish.site.table import engine_page

MOST = 100  # entries
NAMESPACE = "http://www.w3.org/2005/Atom"
OURS = uuid.uuid5(uuid.NAMESPACE_DNS, "runtimeprobe.changes")


def outputs(edition: Edition) -> Iterable[Output]:
    news = edition.news[:MOST]
    yield Output("feed.xml", digest(news, edition.address, edition.matrix.created), lambda: render(edition, news))


def identity(change: Change) -> str:
    return uuid.uuid5(OURS, f"{change.key.slug} {change.kind} {change.when}").urn


def render(edition: Edition, news: Iterable[Change]) -> bytes:
    news = tuple(news)
    root = ET.Element("feed", xmlns=NAMESPACE)
    element(root, "title", "Who really hears Gemma 4: changes")
    element(root, "id", uuid.uuid5(OURS, edition.address).urn)
    element(root, "updated", news[0].when if news else edition.matrix.created)
    element(ET.SubElement(root, "author"), "name", "runtimeprobe")
    if edition.address:
        ET.SubElement(root, "link", rel="self", href=edition.at("feed.xml"))
        ET.SubElement(root, "link", rel="alternate", href=edition.at("index.html"))
    for change in news:
        entry = ET.SubElement(root, "entry")
        element(entry, "title", sentence(change))
        element(entry, "id", identity(change))
        element(entry, "updated", change.when)
        ET.SubElement(entry, "category", term=safe(change.kind, 40))
        if edition.address:
            ET.SubElement(entry, "link", rel="alternate", href=edition.at(f"{engine_page(change.key.engine)}#{change.key.slug}"))
        if https(change.issue):
            ET.SubElement(entry, "link", rel="related", href=https(change.issue))
        element(entry, "content", safe(" ".join(filter(None, (sentence(change) + ".", change.note))), 1000), type="text")
    ET.indent(root, " ")
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def element(parent: ET.Element, name: str, text: str, **attributes: str) -> None:
    ET.SubElement(parent, name, attributes).text = safe(text, 1000)
