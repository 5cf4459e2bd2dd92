"""The static site: one page with the table, one per engine with its evidence, one per month of changes; no server, no request elsewhere.

table      cells -> the grid
panel      a cell -> its section of evidence
strip      spells -> a drawing
lanes      a release timeline -> lanes, a table and sentences
pages      templates, content security policy
contents   what stands on which page
"""

from collections.abc import Iterable

from runtimeprobe.publish.edition import Edition
from runtimeprobe.publish.interface import Output


def outputs(edition: Edition) -> Iterable[Output]:
    from runtimeprobe.publish.site.contents import Site

    return Site(edition).outputs()
