"""Regressions and the issues there are, to what to do. Pure: the workflow only carries it out.

An issue is known by a mark in its body, and only if the workflow's own account opened it. What a person closed stays closed.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from runtimeprobe.history.model import History, Key
from runtimeprobe.nightly import bodies
from runtimeprobe.nightly.regressions import Regression, standing
from runtimeprobe.results import NOT_EVALUATED, Cell, Struct

LABEL = "regression"
# How `gh issue list --json author` and the API call the account behind GITHUB_TOKEN.
OURS = frozenset({"app/github-actions", "github-actions[bot]", "github-actions"})
MOST_NEW = 20  # opened in one night: more than that is our own fault until a person has looked
MARK = re.compile(r"<!-- runtimeprobe regression ([0-9a-f]{16}) ([0-9a-f]{16}) (standing|healed) -->")


class Author(msgspec.Struct, frozen=True):
    login: str


class Issue(msgspec.Struct, frozen=True):
    """As `gh issue list --json number,state,body,author` tells it."""

    number: int
    state: str
    body: str
    author: Author


class Action(Struct, frozen=True, kw_only=True):
    """One thing to do: open, update, close or reopen. Empty text: leave as it is."""

    do: str
    number: int = 0
    title: str = ""
    body: str = ""
    comment: str = ""


class Plan(Struct, frozen=True, kw_only=True):
    """`held_back`: regressions that are too many for one night."""

    actions: tuple[Action, ...]
    held_back: int = 0


def plan(history: History, newest: Iterable[Cell], issues: Sequence[Issue], run: str = "", site: str = "") -> Plan:
    """What to do about all regressions. A history that shows nothing to compare with closes nothing."""
    if len(history.runs) < 2:
        return Plan(actions=())
    cells = {Key.of(cell): cell for cell in newest}
    marked = known(issues)
    regressions = standing(history)
    wanted = {regression.id for regression in regressions}
    actions: list[Action] = []
    opened = held_back = 0
    for regression in regressions:
        if regression.id in marked:
            actions += kept(regression, *marked[regression.id], cells, run, site)
        elif opened < MOST_NEW:
            opened += 1
            text = bodies.body(regression, cells, run, site) + mark(regression.id, state_of(regression), "standing")
            actions.append(Action(do="open", title=bodies.title(regression), body=text))
        else:
            held_back += 1
    measured = any(cell.verdict not in NOT_EVALUATED for cell in cells.values())
    for name, (issue, digest, state) in marked.items():
        if name not in wanted and state == "standing" and is_open(issue) and measured:
            actions.append(closed(issue, name, digest, run))
    return Plan(actions=tuple(actions), held_back=held_back)


def kept(regression: Regression, issue: Issue, digest: str, state: str, cells: Mapping[Key, Cell], run: str, site: str) -> list[Action]:
    """For a regression that has its issue."""
    if not is_open(issue) and state == "standing":
        return []
    if is_open(issue) and state == "standing" and digest == state_of(regression):
        return []
    body = bodies.body(regression, cells, run, site) + mark(regression.id, state_of(regression), "standing")
    if not is_open(issue):
        return [Action(do="reopen", number=issue.number, title=bodies.title(regression), body=body, comment=linked("It is back.", run))]
    return [Action(do="update", number=issue.number, title=bodies.title(regression), body=body, comment=linked("Something changed.", run))]


def closed(issue: Issue, name: str, digest: str, run: str) -> Action:
    comment = linked("Every cell is as good as before, flakes in both directions, or is gone.", run)
    return Action(
        do="close", number=issue.number, body=MARK.sub("", issue.body).rstrip() + "\n\n" + mark(name, digest, "healed"), comment=comment
    )


def linked(text: str, run: str) -> str:
    return f"{text} [Seen in this run]({run})." if run else text


def is_open(issue: Issue) -> bool:
    return issue.state.upper() == "OPEN"


def known(issues: Sequence[Issue]) -> dict[str, tuple[Issue, str, str]]:
    """Our issues by regression, with the digest and state of their mark; of several of one regression an open one, else the newest."""
    found: dict[str, tuple[Issue, str, str]] = {}
    for issue in sorted(issues, key=lambda issue: (is_open(issue), issue.number)):
        marks = MARK.findall(issue.body)
        if issue.author.login in OURS and marks:
            name, digest, state = marks[-1]  # the last one is ours: it stands behind everything an engine said
            found[name] = (issue, digest, state)
    return found


def mark(name: str, digest: str, state: str) -> str:
    return f"<!-- runtimeprobe regression {name} {digest} {state} -->\n"


def state_of(regression: Regression) -> str:
    """Changes when there is something to tell."""
    made = [
        (cell.key.slug, str(cell.now.verdict), cell.now.engine_version, str(cell.before.verdict) if cell.before else "")
        for cell in regression.cells
    ]
    return hashlib.sha256(msgspec.json.encode(made)).hexdigest()[:16]
