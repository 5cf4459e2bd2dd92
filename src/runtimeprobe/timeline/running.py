"""A whole timeline: environments are made while others are probed, and what is known is not probed again."""

import contextlib
import re
import shutil
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import EntryPoint
from pathlib import Path

import msgspec

from runtimeprobe import host, run
from runtimeprobe.contract import Candidate, Options, Releases, Step
from runtimeprobe.history import known as history
from runtimeprobe.plan import NO_ROUTE
from runtimeprobe.results import Struct, Verdict
from runtimeprobe.session import Session, Settings
from runtimeprobe.timeline import index, known, probing, search, story
from runtimeprobe.timeline.environments import TODAY, Environments
from runtimeprobe.timeline.installer import InstallFailed
from runtimeprobe.timeline.parting import Parting, parting
from runtimeprobe.timeline.results import Release, Row, Timeline
from runtimeprobe.worker.process import Worker

LEFT_OUT = "not probed: bisecting did not need it"
WRONG = (Verdict.GARBLED, Verdict.DEAF)  # the sound is consumed, and the answer is not its transcript
NO_DATES = "the package index tells no dates: its dependencies are today's"
OF_TODAY = "the packages of its day gave no environment: its dependencies are today's"
INTERRUPTED = "the run was interrupted before this release was measured"


class Request(Struct, frozen=True, kw_only=True):
    """What the user asked for. `binaries`: version -> path or address, for engines that are no package."""

    subject: probing.Subject
    how: Releases
    releases: tuple[Release, ...]
    binaries: dict[str, str] = msgspec.field(default_factory=dict)
    bisect: bool = False
    again: bool = False
    jobs: int = 1
    settings: Settings = Settings()


class Runner:
    """One run. `folder` holds what is known. `stop` may be called from anywhere; what is measured by then is kept."""

    def __init__(
        self,
        request: Request,
        entry: EntryPoint,
        candidates: tuple[Candidate, ...],
        environments: Environments,
        folder: Path,
        report: Callable[[str], None],
        done: Callable[[Row], None],
    ) -> None:
        self.request, self.entry, self.candidates, self.environments = request, entry, candidates, environments
        self.report, self.done = report, done
        self.probing = threading.Semaphore(request.jobs)
        self.telling = threading.Lock()
        self.open: weakref.WeakSet[Session | Worker] = weakref.WeakSet()
        self.traces: dict[tuple[str, str, str], tuple[Step, ...] | None] = {}
        self.stopped = threading.Event()
        self.rows: dict[int, Row] = {}
        self.folder = folder
        self.adapter = known.source_digest(entry.value)
        self.digests = {item.model: known.candidate_digest(item) for item in candidates}

    def questions(self, release: Release) -> tuple[known.Question, ...]:
        """One per model: what an earlier run must have asked for its row to be this one's."""
        return tuple(
            known.Question(
                engine=self.request.subject.engine,
                model=model,
                routes=tuple(sorted(self.request.subject.routes)),
                digest=self.digests.get(model, ""),
                hearing_test=run.hearing_test(),
                attempts=self.request.settings.attempts,
                adapter=self.adapter,
                machine=known.machine(),
                index=index.address() if self.request.how.package else "",
                binary=known.stamp(self.request.binaries.get(release.version, "")),
            )
            for model in self.request.subject.models
        )

    def run(self, issues: history.Known | None = None) -> Timeline:
        request = self.request
        created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        count = len(request.releases)
        assumed: search.Assumed = ()
        try:
            assumed = self.bisect() if request.bisect else self.every()
        except KeyboardInterrupt:
            self.stop()
        rows = [self.rows.get(number) or self.unreached(number) for number in range(count)]
        partings: tuple[Parting, ...] = ()
        try:
            partings = () if self.stopped.is_set() else tuple(self.partings(rows))
        except KeyboardInterrupt:
            self.stop()
        rows = [annotated(row, issues) for row in rows] if issues else rows
        upstream = story.what_is_known(issues, request.subject.engine) if issues else story.nothing_known
        return Timeline(
            created=created,
            host=host.describe(),
            hearing_test=run.hearing_test(),
            cells=tuple(msgspec.structs.replace(cell, platform=host.platform_name()) for row in rows for cell in row.cells),
            complete=not self.stopped.is_set(),
            engine=request.subject.engine,
            package=request.how.package,
            method="bisect" if request.bisect else "every",
            attempts=request.settings.attempts,
            releases=tuple(row.release for row in rows),
            assumed=tuple((request.releases[low].version, request.releases[high].version) for low, high in assumed),
            story=story.story(rows, request.how, upstream),
            partings=partings,
        )

    def every(self) -> search.Assumed:
        """One environment is made ahead of the probes, so that neither waits for the other."""
        with ThreadPoolExecutor(self.request.jobs + 1) as pool:
            waiting: list[Future[None]] = [pool.submit(self.measure, number) for number in range(len(self.request.releases))]
            try:
                for item in waiting:
                    item.result()
            except BaseException:
                self.stop()
                for item in waiting:
                    item.cancel()
                raise
        return ()

    def bisect(self) -> search.Assumed:
        searcher = search.bisect(len(self.request.releases))
        outcome: search.Outcome = None
        try:
            while True:
                number = searcher.send(outcome)
                self.measure(number)
                outcome = verdicts(self.rows[number])
        except StopIteration as end:
            assumed: search.Assumed = end.value
            return assumed

    def stop(self) -> None:
        self.stopped.set()
        self.environments.stop()
        for item in tuple(self.open):
            item.end()

    def measure(self, number: int) -> None:
        """Fills in one row, from what is known or by probing. An interrupted one stays unmeasured."""
        release = self.request.releases[number]
        questions = self.questions(release)
        row = None if self.request.again else self.recalled(release, questions)
        if row is None:
            try:
                row, lasting = self.measured(release)
            except Exception as error:  # costs its own row only
                reason = f"our own fault, please report it: {type(error).__name__}: {error}"
                row, lasting = self.unmeasured(release, reason, Verdict.ERROR), False
            if self.stopped.is_set():
                return
            for question in questions if lasting else ():
                known.remember(self.folder, question, row)
        with self.telling:
            self.rows[number] = row
            self.done(row)

    def recalled(self, release: Release, questions: Sequence[known.Question]) -> Row | None:
        found = [row for question in questions if (row := known.recall(self.folder, question, release.version))]
        if len(found) < len(questions) or any(row.release.packages != found[0].release.packages for row in found):
            return None
        return Row(release=found[0].release, cells=tuple(cell for row in found for cell in row.cells))

    def measured(self, release: Release) -> tuple[Row, bool]:
        """The row, and whether measuring again would end the same way."""
        if self.stopped.is_set():
            return self.unmeasured(release, INTERRUPTED), False
        try:
            with contextlib.ExitStack() as stack:
                self.report(f"{release.version}: preparing")
                place, release = self.placed(release, stack)
                return self.probed(place, release), not place.url
        except InstallFailed as error:
            return self.unmeasured(release, f"could not be installed: {error}"), error.certain

    def probed(self, place: probing.Place, release: Release) -> Row:
        with self.probing:
            if self.stopped.is_set():
                return self.unmeasured(release, INTERRUPTED)
            self.report(f"{release.version}: probing")
            began = time.monotonic()
            cells = probing.cells(self.entry, self.request.subject, release, place, self.candidates, self.request.settings, self.using)
            spent = round(time.monotonic() - began, 2)
        build = release.build or next((cell.build for cell in cells if cell.build), "")
        return Row(release=msgspec.structs.replace(release, probe_s=spent, build=build), cells=cells)

    def partings(self, rows: list[Row]) -> Iterator[Parting]:
        """For every release that consumes the sound and answers wrong: where it parts from the nearest one that hears."""
        if not self.request.how.traced:
            return
        verdicts_of = [{(cell.model, cell.route): cell.verdict for cell in row.cells} for row in rows]
        for number, found in enumerate(verdicts_of):
            for (model, route), verdict in found.items():
                hearing = [other for other, at in enumerate(verdicts_of) if at.get((model, route)) is Verdict.HEARD]
                if verdict not in WRONG or not hearing:
                    continue
                nearest = min(hearing, key=lambda other: abs(other - number))
                wrong, right = (self.trace(rows[position].release, model, route) for position in (number, nearest))
                if wrong and right:
                    yield parting(model, route, rows[number].release.version, wrong, rows[nearest].release.version, right)

    def trace(self, release: Release, model: str, route: str) -> tuple[Step, ...] | None:
        """Known, or looked at now; None where that failed."""
        key = (release.version, model, route)
        if key in self.traces:
            return self.traces[key]
        question = next(item for item in self.questions(release) if item.model == model)
        steps = None if self.request.again else known.recall_trace(self.folder, question, release.version, route)
        if steps is None:
            self.report(f"{release.version}: tracing")
            with contextlib.suppress(InstallFailed), contextlib.ExitStack() as stack:
                place, _ = self.placed(release, stack)
                subject, settings = self.request.subject, self.request.settings
                steps = probing.trace(self.entry, subject, place, self.candidates, settings, model, route, self.using)
            if steps is not None:
                known.remember_trace(self.folder, question, release.version, route, steps)
        self.traces[key] = steps
        return steps

    def using(self, item: Session | Worker) -> None:
        self.open.add(item)
        if self.stopped.is_set():
            item.end()

    def placed(self, release: Release, stack: contextlib.ExitStack) -> tuple[probing.Place, Release]:
        """Where the release can be probed, for as long as `stack` is open; its environment is made if it has none. Raises InstallFailed."""
        how, release = self.request.how, self.described(release)
        place = self.place_of(release)
        if place.url:
            return place, release
        if place.binary:
            place = msgspec.structs.replace(
                place, path=probing.folder_of(place.binary, how.program, stack), options=Options(own_server=True)
            )
            if shutil.which(how.program, path=place.path) is None:
                raise InstallFailed(f"{place.binary} is not executable", passing=True)
            return place, release
        made = stack.enter_context(self.environments.lent(release, how))
        today = made.resolved == TODAY
        note = "" if not today else OF_TODAY if release.date else NO_DATES
        release = msgspec.structs.replace(release, resolved=made.resolved, packages=made.packages, install_s=made.install_s, note=note)
        if how.program:
            return msgspec.structs.replace(place, path=made.program_folder, options=Options(own_server=True)), release
        return msgspec.structs.replace(place, python=made.python), release

    def place_of(self, release: Release) -> probing.Place:
        """What is known of the place before anything is installed."""
        binary = self.request.binaries.get(release.version, "")
        endpoints = (binary,) if binary.startswith(probing.URLS) else ()
        return probing.Place(python=sys.executable, options=Options(endpoints=endpoints), binary=binary)

    def unmeasured(self, release: Release, reason: str, verdict: Verdict = Verdict.SKIPPED) -> Row:
        """A row of cells that say nothing of the release."""
        told = self.described(release)
        return Row(release=told, cells=probing.missing(self.request.subject, told, self.place_of(release), reason, verdict=verdict))

    def unreached(self, number: int) -> Row:
        """A release that bisecting did not need has no cells; one that was not reached in time has skipped ones."""
        release = self.request.releases[number]
        if self.stopped.is_set():
            return self.unmeasured(release, INTERRUPTED)
        return Row(release=msgspec.structs.replace(self.described(release), note=LEFT_OUT), cells=())

    def described(self, release: Release) -> Release:
        """With its build and the command that shows it again."""
        subject, binary = self.request.subject, self.request.binaries.get(release.version, "")
        return msgspec.structs.replace(
            release, build=build_of(self.request.how, release.version), reproduce=probing.command(subject, release.version, binary)
        )


def annotated(row: Row, issues: history.Known) -> Row:
    """With the addresses of known upstream issues on the cells that they are about."""
    return msgspec.structs.replace(row, cells=tuple(issues.told(cell) for cell in row.cells))


def build_of(how: Releases, version: str) -> str:
    found = re.match(how.upstream_build, version) if how.upstream_build else None
    return f"b{found[1]}" if found else ""


def verdicts(row: Row) -> search.Outcome:
    """What bisecting compares; None where the release could not be had or asked. One that is too old for the model is an outcome."""
    told = sorted((cell.model, cell.route, str(cell.verdict)) for cell in row.cells)
    return tuple(told) if any(cell.route != NO_ROUTE and cell.verdict is not Verdict.ERROR for cell in row.cells) else None
