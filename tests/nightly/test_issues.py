"""Which issues are opened, updated and closed, over nights; and that no text of an engine can do anything in one."""

from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from runtimeprobe.history.model import Key, Spell
from runtimeprobe.history.store import Store
from runtimeprobe.nightly import bodies, issues
from runtimeprobe.nightly.issues import Action, Author, Issue, Plan
from runtimeprobe.nightly.regressions import Fallen, Regression, standing
from runtimeprobe.results import Cell, Verdict
from tests.history.made import MAC, cell, matrix, night

HEARD, GARBLED, FAILED, SKIPPED = Verdict.HEARD, Verdict.GARBLED, Verdict.FAILED, Verdict.SKIPPED
BOT, PERSON = Author("app/github-actions"), Author("somebody")
RUN = "https://example.org/run/1"


class Repository:
    """What GitHub would hold after the actions of each night."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder)
        self.issues: list[Issue] = []

    def night(self, number: int, *cells: Cell) -> list[str]:
        self.store.add(matrix(number, *cells))
        latest = self.store.latest()
        plan = issues.plan(self.store.history(now=latest.created), latest.cells, self.issues, RUN)
        for action in plan.actions:
            self.carry_out(action)
        return [action.do for action in plan.actions]

    def carry_out(self, action: Action) -> None:
        if action.do == "open":
            self.issues.append(Issue(len(self.issues) + 1, "OPEN", action.body, BOT))
            return
        at = action.number - 1
        state = {"close": "CLOSED", "reopen": "OPEN"}.get(action.do, self.issues[at].state)
        self.issues[at] = msgspec.structs.replace(self.issues[at], state=state, body=action.body or self.issues[at].body)

    def close_by_hand(self, number: int) -> None:
        self.issues[number - 1] = msgspec.structs.replace(self.issues[number - 1], state="CLOSED")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_an_issue_opens_when_a_version_hears_no_more_and_closes_when_the_next_one_does(repository: Repository) -> None:
    assert repository.night(1, cell(HEARD)) == []
    assert repository.night(2, cell(GARBLED, engine_version="1.1")) == ["open"]
    assert repository.night(3, cell(GARBLED, engine_version="1.1")) == []
    assert repository.night(4, cell(HEARD, engine_version="1.2")) == ["close"]
    assert repository.night(5, cell(HEARD, engine_version="1.2")) == []
    assert repository.issues[0].state == "CLOSED"


def test_all_cells_of_one_route_that_fell_with_one_version_are_one_issue(repository: Repository) -> None:
    models, places = ("gemma-4-e2b", "gemma-4-e4b"), ("linux-x86_64", MAC)
    repository.night(1, *(cell(HEARD, model=model, platform=place) for model in models for place in places))
    fallen = [cell(GARBLED, engine_version="1.1", model=model, platform=place) for model in models for place in places]
    assert repository.night(2, *fallen) == ["open"]
    assert repository.issues[0].body.count("\n| `") == 4


def test_two_routes_are_two_issues(repository: Repository) -> None:
    repository.night(1, cell(HEARD), cell(HEARD, route="other"))
    assert repository.night(2, cell(FAILED, engine_version="1.1"), cell(GARBLED, engine_version="1.1", route="other")) == ["open", "open"]


def test_an_issue_is_updated_when_one_of_its_cells_heals_and_closed_with_the_last(repository: Repository) -> None:
    repository.night(1, cell(HEARD), cell(HEARD, model="gemma-4-e4b"))
    repository.night(2, cell(GARBLED, engine_version="1.1"), cell(GARBLED, engine_version="1.1", model="gemma-4-e4b"))
    assert repository.night(3, cell(HEARD, engine_version="1.2"), cell(GARBLED, engine_version="1.2", model="gemma-4-e4b")) == ["update"]
    assert repository.night(4, cell(HEARD, engine_version="1.2"), cell(HEARD, engine_version="1.3", model="gemma-4-e4b")) == ["close"]


def test_what_gets_even_worse_is_an_update_and_half_a_recovery_does_not_close(repository: Repository) -> None:
    repository.night(1, cell(HEARD))
    assert repository.night(2, cell(GARBLED, engine_version="1.1")) == ["open"]
    assert repository.night(3, cell(FAILED, engine_version="1.2")) == ["update"]
    assert repository.night(4, cell(GARBLED, engine_version="1.3")) == ["update"]
    assert repository.night(5, cell(HEARD, engine_version="1.4")) == ["close"]


def test_what_is_not_measured_heals_nothing(repository: Repository) -> None:
    repository.night(1, cell(HEARD), cell(HEARD, engine="other"))
    repository.night(2, cell(GARBLED, engine_version="1.1"), cell(HEARD, engine="other"))
    assert repository.night(3, cell(SKIPPED, engine_version="1.1"), cell(HEARD, engine="other")) == []
    assert repository.night(4, cell(HEARD, engine="other")) == []


def test_a_flake_opens_nothing_and_one_that_shows_later_closes(repository: Repository) -> None:
    repository.night(1, cell(HEARD))
    assert repository.night(2, cell(GARBLED)) == ["open"]
    assert repository.night(3, cell(HEARD)) == ["close"]
    assert repository.night(4, cell(GARBLED)) == []


def test_a_route_that_goes_closes_its_issue(repository: Repository) -> None:
    repository.night(1, cell(HEARD), cell(HEARD, route="other"))
    repository.night(2, cell(GARBLED, engine_version="1.1"), cell(HEARD, engine_version="1.1", route="other"))
    assert repository.night(3, cell(HEARD, engine_version="1.2", route="other")) == ["close"]


def test_what_a_person_closed_stays_closed(repository: Repository) -> None:
    repository.night(1, cell(HEARD))
    repository.night(2, cell(GARBLED, engine_version="1.1"))
    repository.close_by_hand(1)
    assert repository.night(3, cell(FAILED, engine_version="1.1", build="b2")) == []


def test_what_comes_back_after_it_healed_is_reopened(repository: Repository) -> None:
    repository.night(1, cell(HEARD))
    repository.night(2, cell(GARBLED, engine_version="1.1"))
    assert repository.night(3, cell(HEARD, engine_version="1.0.1")) == ["close"]
    assert repository.night(4, cell(GARBLED, engine_version="1.1")) == ["reopen"]
    assert repository.issues[0].state == "OPEN"


def test_a_mark_in_somebody_elses_issue_is_not_ours(repository: Repository) -> None:
    repository.night(1, cell(HEARD))
    repository.night(2, cell(GARBLED, engine_version="1.1"))
    repository.issues = [msgspec.structs.replace(repository.issues[0], author=PERSON)]
    assert repository.night(3, cell(GARBLED, engine_version="1.1")) == ["open"]


def test_a_store_without_a_past_closes_nothing(tmp_path: Path) -> None:
    first, second = Repository(tmp_path / "a"), Repository(tmp_path / "b")
    first.night(1, cell(HEARD))
    first.night(2, cell(GARBLED, engine_version="1.1"))
    second.issues = first.issues
    assert second.night(3, cell(HEARD)) == []
    assert first.issues[0].state == "OPEN"


def test_more_than_twenty_new_ones_in_a_night_are_held_back(tmp_path: Path) -> None:
    store = Store(tmp_path)
    routes = [f"route{number}" for number in range(30)]
    store.add(matrix(1, *(cell(HEARD, route=route) for route in routes)))
    store.add(matrix(2, *(cell(GARBLED, route=route, engine_version="1.1") for route in routes)))
    plan = issues.plan(store.history(now=night(2)), (), ())
    assert (len(plan.actions), plan.held_back) == (20, 10)


def test_the_worst_comes_first(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.add(matrix(1, cell(HEARD, route="a"), cell(HEARD, route="b")))
    store.add(matrix(2, cell(GARBLED, engine_version="1.1", route="a"), cell(Verdict.CRASHED, engine_version="1.1", route="b")))
    assert [item.route for item in standing(store.history(now=night(2)))] == ["b", "a"]


@settings(deadline=None, max_examples=40)  # each writes several runs to a disk
@given(
    st.lists(st.sampled_from([HEARD, GARBLED, FAILED, SKIPPED]), min_size=2, max_size=6),
    st.lists(st.sampled_from("12"), min_size=6, max_size=6),
)
def test_whatever_happens_no_two_issues_are_about_one_regression(verdicts: list[Verdict], versions: list[str]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        repository = Repository(Path(folder))
        for number, (verdict, version) in enumerate(zip(verdicts, versions, strict=False)):
            repository.night(number, cell(verdict, engine_version=version))
        marks = [issues.MARK.findall(issue.body)[-1] for issue in repository.issues]
        assert len({name for name, _, _ in marks}) == len(marks)
        for issue, (_, _, state) in zip(repository.issues, marks, strict=True):
            assert (issue.state == "OPEN") == (state == "standing")
        # Two nights with the same results in a row change nothing the second time.
        last = cell(verdicts[-1], engine_version=versions[len(verdicts) - 1])
        repository.night(50, last)
        assert repository.night(51, last) == []


def hostile(text: str) -> Regression:
    """One of which every word is an engine's."""
    key = Key(platform=text, runtime=text, engine=text, route=text, model=text, weights=text, quantization=text)
    spells = [
        Spell(first=night(1), last=night(1), engine_version=text, build=text, verdict=verdict, reason=text) for verdict in (HEARD, GARBLED)
    ]
    fallen = Fallen(key=key, since=night(2), before=spells[0], now=spells[1], version=text, issue=text, note=text)
    return Regression(runtime=text, engine=text, route=text, version=text, cells=(fallen,))


EVIL = (
    "@octocat", "```\n@octocat\n```", "````", "`@octocat`", "`` ` ``", "| a | b |\n@octocat", "<script>alert(1)</script>", "-->", "#1",
    "<!-- runtimeprobe regression 0000000000000000 0000000000000000 healed -->", "[x](javascript:alert(1))", "![x](https://e.org/x.png)",
    "a\\`@octocat", "\u202e@octocat", "GH-1", "https://github.com/a/b/issues/1", "\n\n# big", "$(id)", "::error::x", "%0A::error::x",
    "~~~\n@a",
)  # fmt: skip


def plain(text: str) -> str:
    """All that GitHub would read as text: everything but code, with HTML counted as text."""
    found: list[str] = []
    for token in MarkdownIt("gfm-like", {"linkify": False}).parse(text):
        found += [child.content for child in token.children or () if child.type != "code_inline"]
        found += [token.content] if token.type == "html_block" else []
        found += [str(child.attrs) for child in token.children or () if child.attrs]
    return "\n".join(found)


def expected() -> str:
    """What is ours in a body: that of a harmless regression."""
    return plain(bodies.body(hostile("harmless"), {}, RUN, ""))


@pytest.mark.parametrize("text", EVIL)
def test_words_of_an_engine_stay_in_code(text: str) -> None:
    assert plain(bodies.body(hostile(text), {}, RUN, "")) == expected()


@given(st.text(alphabet=st.sampled_from("`@|\\<>!-#~[]()*_\n $x\u202e\u200b"), max_size=40))
def test_no_text_leaves_its_code(text: str) -> None:
    assert plain(bodies.body(hostile(text), {}, RUN, "")) == expected()


@pytest.mark.parametrize("text", EVIL)
def test_a_title_is_one_harmless_line(text: str) -> None:
    title = bodies.title(hostile(text * 50))
    assert title.isprintable()
    assert "@" not in title
    assert len(title.encode("utf-16-le")) <= 512  # GitHub takes 256 characters


def test_a_forged_mark_in_an_engines_words_is_not_read(tmp_path: Path) -> None:
    """The last mark counts, and that is ours."""
    forged = "<!-- runtimeprobe regression 0000000000000000 0000000000000000 healed -->"
    store = Store(tmp_path)
    store.add(matrix(1, cell(HEARD, route=forged)))
    store.add(matrix(2, cell(GARBLED, engine_version="1.1", route=forged, reason=forged)))
    plan: Plan = issues.plan(store.history(now=night(2)), (), ())
    (action,) = plan.actions
    (regression,) = standing(store.history(now=night(2)))
    assert issues.known([Issue(1, "OPEN", action.body, BOT)])[regression.id][2] == "standing"


def test_bodies_are_bounded() -> None:
    one = hostile("x" * 100_000).cells[0]
    many = msgspec.structs.replace(hostile("x"), cells=(one,) * 2000)
    text = bodies.body(many, {}, RUN, "")
    assert len(text) < 65_536, "GitHub's limit of a body"
    assert "and 1940 more" in text


def test_code_spans_are_longer_than_what_they_hold() -> None:
    for run, longer in pairwise(["`", "``", "```", "````"]):
        assert bodies.code(f"a{run}b").startswith(longer)
