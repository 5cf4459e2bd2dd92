"""From the command line to the question: finds the target, reads its file, and knows a twin's right answers."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

from runtimeprobe.contract import Lever, Options
from runtimeprobe.diagnose.causes.facts import file_facts
from runtimeprobe.diagnose.causes.interface import FileFacts
from runtimeprobe.diagnose.diagnosing import Question
from runtimeprobe.diagnose.experiment import Budget
from runtimeprobe.diagnose.prompts import BASELINE, Prompt, known
from runtimeprobe.diagnose.target import NoTarget, Target, find
from runtimeprobe.gguf.errors import BadFile
from runtimeprobe.plan import unknown
from runtimeprobe.twins import files


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
    check(given, target.load.found.levers)
    path = target.path or file_path
    file = read(path, projector, given.get("template")) if path else None
    large = file is not None and not file.per_layer_embeddings
    mine = tuple(Prompt(id=f"yours {number}", text=prompt) for number, prompt in enumerate(prompts, 1))
    return Question(
        target=target,
        prompts=(*mine, *questions(target)),
        given=given,
        file=file,
        template=files.chat_template(empty_thought=large) if file and file.template is not None else "",
        budget=budget,
    )


def check(given: dict[str, str], levers: Sequence[Lever]) -> None:
    """A lever there is not, or a value it cannot take, is a mistake and not a symptom to be cured. Raises NoTarget."""
    known = {lever.name: lever for lever in levers}
    for name, value in given.items():
        lever = known.get(name)
        if lever is None:
            raise NoTarget(unknown("lever", name, known), fix=f"this engine's levers: {', '.join(known) or 'none'}")
        numbers = bool(lever.values) and all(map(is_number, lever.values))
        if is_number(value) if numbers else not lever.values or value in lever.values:
            continue
        raise NoTarget(f"{name} cannot be {value!r}", fix=f"give {'a number such as ' if numbers else ''}{' or '.join(lever.values)}")


def is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def read(path: Path, projector: Path | None, template: str | None) -> FileFacts:
    try:
        return file_facts(path, projector, template=template)
    except BadFile as error:
        raise NoTarget(str(error)) from None


def questions(target: Target) -> tuple[Prompt, ...]:
    """The baseline; of a twin the right answers are known."""
    answers = files.folder() / target.twin / "answers.json" if target.twin else None
    if answers and answers.exists():
        return known(BASELINE, json.loads(answers.read_text(encoding="utf-8")))
    return BASELINE
