"""From the command line to the question: finds the target, reads its file, and knows a twin's right answers."""

import json
from pathlib import Path

import msgspec

from runtimeprobe.contract import Lever, Options
from runtimeprobe.diagnose import mending
from runtimeprobe.diagnose.causes.facts import file_facts
from runtimeprobe.diagnose.causes.interface import FileFacts
from runtimeprobe.diagnose.diagnosing import Question
from runtimeprobe.diagnose.experiment import Budget
from runtimeprobe.diagnose.prompts import BASELINE, Prompt, known
from runtimeprobe.diagnose.target import NoTarget, Target, find
from runtimeprobe.gguf.errors import BadFile
from runtimeprobe.plan import unknown
from runtimeprobe.registry import DISCOVER_LIMIT_S
from runtimeprobe.twins import files
from runtimeprobe.worker.process import Worker, WorkerError


def question(
    text: str,
    engine: str,
    given: dict[str, str],
    projector: Path | None,
    prompts: tuple[str, ...],
    budget: Budget,
    options: Options,
    python: str,
    file_path: Path | None = None,
) -> Question:
    """`file_path`: of the model, where the target is a server's. Raises NoTarget."""
    target = find(text, engine, options, python, projector)
    levers = levers_of(target)
    for name in given:
        if name not in {lever.name for lever in levers}:
            raise NoTarget(unknown("lever", name, [lever.name for lever in levers]), fix="levers are named in docs/diagnose.md")
    path = target.path or file_path
    file = read(path, projector, given.get("template")) if path else None
    large = file is not None and not file.per_layer_embeddings
    mine = tuple(Prompt(id=f"yours {number}", text=prompt) for number, prompt in enumerate(prompts, 1))
    return Question(
        target=target,
        prompts=(*mine, *questions(target)),
        given=given,
        levers=levers,
        file=file,
        template=mending.template(empty_thought=large) if file and file.template is not None else "",
        budget=budget,
    )


def read(path: Path, projector: Path | None, template: str | None) -> FileFacts:
    try:
        return file_facts(path, projector, template=template)
    except BadFile as error:
        raise NoTarget(str(error), fix=error.fix) from None


def questions(target: Target) -> tuple[Prompt, ...]:
    """The baseline; of a twin the right answers are known."""
    answers = files.folder() / target.twin / "answers.json" if target.twin else None
    if answers and answers.exists():
        return known(BASELINE, json.loads(answers.read_text(encoding="utf-8")))
    return BASELINE


def levers_of(target: Target) -> tuple[Lever, ...]:
    found = target.load.found
    try:
        with Worker(found.target) as worker:
            value = worker.call("levers", limit_s=DISCOVER_LIMIT_S, engine=found.engine.name)
            return tuple(msgspec.convert(value, list[Lever]))
    except WorkerError as error:
        raise NoTarget(f"the adapter of {found.engine.name} does not say what it can change: {error}", fix="reinstall it") from None
