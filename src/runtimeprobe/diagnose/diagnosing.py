"""One diagnosis from beginning to end: read the file, run the model, try changes, rank the causes, confirm the cure.

Whatever ends it early (Ctrl-C, a spent budget), what is known by then is the result.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from runtimeprobe.contract import Engine, Lever, Loaded, Sampling
from runtimeprobe.diagnose import ablate, changes, mending, rank, rates, written
from runtimeprobe.diagnose.ablate import Report, Tally
from runtimeprobe.diagnose.causes.catalogue import examine
from runtimeprobe.diagnose.causes.interface import FileFacts, RunFacts
from runtimeprobe.diagnose.causes.versions import build_number
from runtimeprobe.diagnose.changes import Change
from runtimeprobe.diagnose.experiment import Budget, Laboratory, Spent, Try
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
    levers: tuple[Lever, ...]
    file: FileFacts | None
    template: str = ""
    budget: Budget = Budget()
    confirming_runs: int = ablate.CONFIRMING_RUNS


class Known:
    """What is known so far; grows, and is the diagnosis at whatever moment it ends."""

    def __init__(self) -> None:
        self.asis: Tally | None = None
        self.findings: tuple[Finding, ...] = ()
        self.pulls: list[tuple[Pull, Sequence[str]]] = []
        self.cured: Tally | None = None
        self.loaded: Loaded | None = None
        self.failure = ""
        self.considered = 0  # single changes that could have been tried


def diagnose(question: Question, settings: Settings, report: Report, *, static: bool = False) -> Diagnosis:
    known = Known()
    complete = False
    with tempfile.TemporaryDirectory(prefix="runtimeprobe-") as name:
        laboratory = Laboratory(question.target.load, question.given, settings, question.budget, Path(name))
        try:
            # What the file shows needs no engine, so it stands even if the model does not load.
            known.findings = findings(question, None)
            if not static:
                with laboratory:
                    investigate(question, laboratory, known, report)
            complete = True
        except (Spent, KeyboardInterrupt):
            report.say("ended early: what is known by now follows")
        return result(question, laboratory, known, complete=complete)


def investigate(question: Question, laboratory: Laboratory, known: Known, report: Report) -> None:
    """The experiments, most telling first. Fills `known` as it goes."""
    try:
        laboratory.session.start()
    except WorkerError as error:
        known.failure = str(error)
        report.say(f"it does not load: {error}")
    known.loaded = laboratory.session.loaded
    known.findings = findings(question, known.loaded)
    samplings = [False] if changes.sampled(question.given) else [True, False]
    if not known.failure:
        for tally in ablate.as_it_is(laboratory.run, question.prompts, samplings, report):
            known.asis = tally
        if known.asis is None or not ablate.sick(known.asis, known.asis.runs):
            return
        report.say(f"as it is: {known.asis.loops} of {known.asis.runs} runs loop, {known.asis.wrong} answers are wrong")
    attempts = ablate.pool(known.asis) if known.asis else ablate.tries(question.prompts, ablate.SEEDS, samplings)[: ablate.POOL]
    before = ablate.rate_in(known.asis, attempts) if known.asis else 1.0
    path = question.target.path
    can_mend = question.file is not None and path is not None and path.is_file() and mending.can_copy(path, laboratory.folder)
    mends = mending.patches(question.file, known.findings) if can_mend and question.file else ()
    kind = ablate.baseline(known.asis).kind if known.asis else ""
    singles = changes.candidates(
        known.findings,
        kind,
        question.levers,
        question.given,
        mends,
        question.template,
        projector=bool(question.target.load.model.projector),
    )
    known.considered = len(singles)
    tallies: list[Tally] = []
    if try_all(singles, attempts, before, question, laboratory, known, samplings, tallies, report):
        return
    try_all(ablate.pairs(tallies), attempts, before, question, laboratory, known, samplings, tallies, report)


def try_all(
    wanted: Sequence[Change],
    attempts: Sequence[Try],
    before: float,
    question: Question,
    laboratory: Laboratory,
    known: Known,
    samplings: Sequence[bool],
    tallies: list[Tally],
    report: Report,
) -> bool:
    """Tries changes until one is confirmed. Whether one was."""
    for change in wanted:
        concerned = [attempt for attempt in attempts if not (change.sampling == changes.RECOMMENDED and attempt.recommended)]
        if not concerned:
            continue  # with the recommended sampling it goes wrong as it is
        tally, matters = ablate.tried(laboratory.run, change, concerned, before)
        tallies.append(tally)
        report.say(f"{change.lever}: {change.before} -> {change.after[:40]}: {tally.bad} of {tally.runs} go wrong (as it is {before:.0%})")
        confirmed = matters and confirm(change, question, laboratory, known, samplings, report)
        known.pulls.append((ablate.pull(tally, matters, before, cures=bool(confirmed)), change.aims))
        if confirmed:
            return True
    return False


def confirm(change: Change, question: Question, laboratory: Laboratory, known: Known, samplings: Sequence[bool], report: Report) -> bool:
    """Everything again under the change. A cure that is not confirmed is none."""
    # A change of sampling stands for both samplings: they are the same then.
    kinds = samplings if change.sampling is None else [False]
    tally = None
    for tally in ablate.confirmed(laboratory.run, change, question.prompts, kinds, question.confirming_runs):
        report.passing(f"confirming {change.lever}: {tally.bad} of {tally.runs} go wrong")
    if tally is None or ablate.spoilt(tally):
        return False
    known.cured = tally
    return True


def findings(question: Question, loaded: Loaded | None) -> tuple[Finding, ...]:
    return examine(question.file, run_facts(question, loaded))


def run_facts(question: Question, loaded: Loaded | None) -> RunFacts:
    """What is known of the runtime. Only what the user set counts as sent: the rest is the runtime's own."""
    engine, given = question.target.load.found.engine, question.given
    names = Sampling.__dataclass_fields__
    effective = {lever.name: lever.default for lever in question.levers} | given
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


def result(question: Question, laboratory: Laboratory, known: Known, *, complete: bool) -> Diagnosis:
    load, file = question.target.load, question.file
    engine: Engine = load.found.engine
    loaded = known.loaded or Loaded()
    bad = bool(known.failure) or bool(known.asis and ablate.sick(known.asis, known.asis.runs))
    titles = {finding.id: finding.title for finding in known.findings}
    likely = rank.ranked(known.findings, known.pulls, bad=bad, titles=titles)
    return Diagnosis(
        target=question.target.text,
        model=ModelFacts(
            family=file.architecture if file else "gemma4",
            size=(file.model if file else "") or question.target.twin or load.model.model,
            quantization=load.model.quantization,
            digest=load.model.digest,
        ),
        runtime=RuntimeFacts(
            engine=engine.name,
            version=engine.version,
            build=loaded.build or engine.build,
            device=loaded.device or engine.device,
        ),
        baseline=ablate.baseline(known.asis) if known.asis else None,
        findings=known.findings,
        ablation=tuple(pull for pull, _ in known.pulls),
        causes=tuple(cause.id for cause in likely),
        reasons=likely,
        cure=cure(known.cured, question) if known.cured else None,
        cost=laboratory.cost,
        complete=complete,
        failure=known.failure,
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
