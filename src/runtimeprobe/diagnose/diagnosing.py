"""One diagnosis from beginning to end: read the file, run the model, try changes, rank the causes, confirm the cure.

Whatever ends it early (Ctrl-C, a spent budget), what is known by then is the result.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from runtimeprobe.contract import Loaded, Sampling
from runtimeprobe.diagnose import ablate, changes, mending, rank, rates, written
from runtimeprobe.diagnose.ablate import Report, Tally
from runtimeprobe.diagnose.causes.catalogue import examine
from runtimeprobe.diagnose.causes.interface import FileFacts, RunFacts
from runtimeprobe.diagnose.causes.versions import build_number
from runtimeprobe.diagnose.changes import Change
from runtimeprobe.diagnose.experiment import Budget, Laboratory, Spent
from runtimeprobe.diagnose.prompts import Prompt
from runtimeprobe.diagnose.results import Cure, Diagnosis, Finding, ModelFacts, Pull, RuntimeFacts
from runtimeprobe.diagnose.target import Target
from runtimeprobe.results import Struct
from runtimeprobe.session import CONFIGS, Settings
from runtimeprobe.worker.process import WorkerError


class Question(Struct, frozen=True, kw_only=True):
    """What is to be found out. `given`: the configuration it is seen with, as levers. `file`: None where only the server has it."""

    target: Target
    prompts: tuple[Prompt, ...]
    given: dict[str, str]
    file: FileFacts | None
    template: str = ""
    budget: Budget = Budget()
    confirming_runs: int = ablate.CONFIRMING_RUNS


class Investigation:
    """The experiments on one question, and what they have shown so far: the diagnosis at whatever moment it ends."""

    def __init__(self, question: Question, laboratory: Laboratory, report: Report) -> None:
        self.question, self.laboratory, self.report = question, laboratory, report
        self.samplings = [False] if changes.sampled(question.given) else [True, False]
        self.loaded: Loaded | None = None
        self.failure = ""
        self.asis: Tally | None = None
        # What the file shows needs no engine, so it stands even if the model does not load.
        self.findings = findings(question, None)
        self.tallies: list[Tally] = []
        self.pulls: list[tuple[Pull, Sequence[str]]] = []
        self.cured: Tally | None = None
        self.considered = 0  # single changes that could have been tried

    @property
    def sick(self) -> bool:
        return bool(self.failure) or (self.asis is not None and ablate.sick(self.asis, self.asis.runs))

    def run(self) -> None:
        """All of them, most telling first."""
        try:
            self.laboratory.session.start()
        except WorkerError as error:
            self.failure = str(error)
            self.report.say(f"it does not load: {error}")
        self.loaded = self.laboratory.session.loaded
        self.findings = findings(self.question, self.loaded)
        if not self.failure:
            for tally in ablate.as_it_is(self.laboratory.run, self.question.prompts, self.samplings, self.report):
                self.asis = tally
        if not self.sick:
            return
        if self.asis:
            self.report.say(f"as it is: {self.asis.loops} of {self.asis.runs} runs loop, {self.asis.wrong} answers are wrong")
        singles = self.singles()
        self.considered = len(singles)
        if not self.cure_with(singles):
            self.cure_with(ablate.pairs(self.tallies))

    def singles(self) -> tuple[Change, ...]:
        question, path = self.question, self.question.target.path
        mends: tuple[tuple[str, changes.Patch], ...] = ()
        if question.file and path and path.is_file() and mending.can_copy(path, self.laboratory.folder):
            mends = mending.patches(question.file, self.findings)
        found = question.target.load.found
        kind = ablate.baseline(self.asis).kind if self.asis else ""
        with_projector = bool(question.target.load.model.projector)
        return changes.candidates(self.findings, kind, found.levers, question.given, mends, question.template, projector=with_projector)

    def cure_with(self, wanted: Sequence[Change]) -> bool:
        """Tries changes on what went wrong until one is confirmed. Whether one was."""
        if self.asis:
            attempts, before = ablate.pool(self.asis), ablate.rate_in(self.asis, ablate.pool(self.asis))
        else:
            attempts, before = ablate.tries(self.question.prompts, ablate.SEEDS, self.samplings)[: ablate.POOL], 1.0
        for change in wanted:
            concerned = [attempt for attempt in attempts if not (change.sampling == changes.RECOMMENDED and attempt.recommended)]
            if not concerned:
                continue  # with the recommended sampling it goes wrong as it is
            tally, matters = ablate.tried(self.laboratory.run, change, concerned, before)
            self.tallies.append(tally)
            step = f"{change.lever}: {change.before} -> {change.after[:40]}"
            self.report.say(f"{step}: {tally.bad} of {tally.runs} go wrong (as it is {before:.0%})")
            cures = bool(matters) and self.confirm(change)
            self.pulls.append((ablate.pull(tally, matters, before, cures=cures), change.aims))
            if cures:
                return True
        return False

    def confirm(self, change: Change) -> bool:
        """Everything again under the change. A cure that is not confirmed is none."""
        # A change of sampling stands for both samplings: they are the same then.
        kinds = self.samplings if change.sampling is None else [False]
        tally = Tally(change=change)
        for tally in ablate.confirmed(self.laboratory.run, change, self.question.prompts, kinds, self.question.confirming_runs):
            self.report.passing(f"confirming {change.lever}: {tally.bad} of {tally.runs} go wrong")
        if not tally.runs or ablate.spoilt(tally):
            return False
        self.cured = tally
        return True

    def result(self, *, complete: bool) -> Diagnosis:
        question, load, file = self.question, self.question.target.load, self.question.file
        loaded = self.loaded or Loaded()
        titles = {finding.id: finding.title for finding in self.findings}
        likely = rank.ranked(self.findings, self.pulls, bad=self.sick, chosen=bool(question.given), titles=titles)
        return Diagnosis(
            target=question.target.text,
            model=ModelFacts(
                family=file.architecture if file else "gemma4",
                size=(file.model if file else "") or question.target.twin or load.model.model,
                quantization=load.model.quantization,
                digest=load.model.digest,
            ),
            runtime=RuntimeFacts(
                engine=load.found.engine.name,
                version=load.found.engine.version,
                build=loaded.build or load.found.engine.build,
                device=loaded.device or load.found.engine.device,
            ),
            baseline=ablate.baseline(self.asis) if self.asis else None,
            findings=self.findings,
            ablation=tuple(pull for pull, _ in self.pulls),
            causes=tuple(cause.id for cause in likely),
            reasons=likely,
            cure=cure(self.cured, question) if self.cured else None,
            cost=self.laboratory.cost,
            goes_wrong=self.sick,
            complete=complete,
            failure=self.failure,
        )


def diagnose(question: Question, settings: Settings, report: Report, *, static: bool = False) -> Diagnosis:
    complete = False
    with tempfile.TemporaryDirectory(prefix="runtimeprobe-") as name:
        laboratory = Laboratory(question.target.load, question.given, settings, question.budget, Path(name))
        investigation = Investigation(question, laboratory, report)
        try:
            if not static:
                with laboratory:
                    investigation.run()
            complete = True
        except (Spent, KeyboardInterrupt):
            report.say("ended early: what is known by now follows")
        return investigation.result(complete=complete)


def findings(question: Question, loaded: Loaded | None) -> tuple[Finding, ...]:
    return examine(question.file, run_facts(question, loaded))


def run_facts(question: Question, loaded: Loaded | None) -> RunFacts:
    """What is known of the runtime. Only what the user set counts as sent: the rest is the runtime's own."""
    engine, given = question.target.load.found.engine, question.given
    names = Sampling.__dataclass_fields__
    effective = {lever.name: lever.default for lever in question.target.load.found.levers} | given
    switch = {"on": True, "off": False}
    whole = {name: int(value) for name, value in effective.items() if value.isdigit()}
    return RunFacts(
        engine=engine.name,
        version=engine.version,
        build=build_number((loaded.build if loaded else "") or engine.build),
        device=(loaded.device if loaded else "") or engine.device,
        kv_type_k=effective.get("kv_type_k", ""),
        kv_type_v=effective.get("kv_type_v", ""),
        flash_attention=switch.get(effective.get("flash_attention", "")),
        context=whole.get("context", CONFIGS[question.target.load.model.weights].context_tokens),
        context_shift=switch.get(effective.get("context_shift", "")),
        parallel=whole.get("parallel"),
        sampling={name: float(value) for name, value in given.items() if name in names},
        thinking=switch.get(given.get("thinking", "")),
    )


def cure(tally: Tally, question: Question) -> Cure:
    model = str(question.target.path or question.target.load.model.name)
    return Cure(
        config=written.settings(tally.change),
        written_as=written.everywhere(tally.change, Path(model).name if question.target.path else model),
        runs=tally.runs,
        loops=tally.loops,
        wrong=tally.wrong,
        upper_bound=rates.upper_bound(tally.loops, tally.runs),
    )


def encode(diagnosis: Diagnosis) -> bytes:
    """The JSON of schema_version 1: `kind` of a loop is its "class", `before` and `after` are "from" and "to", `written_as` is "as"."""
    return msgspec.json.format(msgspec.json.encode(diagnosis), indent=1)
