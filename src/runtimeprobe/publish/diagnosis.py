"""What `diagnose` shows: the report in a terminal, and the text of an issue for the upstream tracker."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from runtimeprobe.diagnose.results import Baseline, Diagnosis, Finding, Pull, Status
from runtimeprobe.publish.interface import safe

EVIDENCE = 160  # characters of one piece of evidence
TEXT = 240


def render(diagnosis: Diagnosis, console: Console) -> None:
    """Answer first: does it loop, why, and what to do; then what shows it."""
    console.print(Text(headline(diagnosis), style="bold"), soft_wrap=True)
    for line in answer(diagnosis):
        console.print(Text(line), soft_wrap=True)
    if diagnosis.baseline and diagnosis.baseline.examples:
        example = diagnosis.baseline.examples[0]
        console.print(
            Text(f"\n{safe(example.prompt, 80)!r} (seed {example.seed}) was answered, from character {example.start} on in a loop:")
        )
        console.print(Text(safe(example.text, TEXT), style="dim"), soft_wrap=True)
    if diagnosis.ablation:
        console.print(_tried(diagnosis.ablation))
    found = [finding for finding in diagnosis.findings if finding.status is Status.FOUND]
    if found:
        console.print(_found(found))
    unchecked = [finding.id for finding in diagnosis.findings if finding.status is Status.NOT_CHECKED]
    clear = sum(finding.status is Status.CLEAR for finding in diagnosis.findings)
    console.print(Text(f"{clear} causes are ruled out; not checked: {', '.join(unchecked) or 'none'} (--json says why)"), soft_wrap=True)
    cost = diagnosis.cost
    console.print(Text(f"{cost.runs} runs, {cost.tokens} tokens, {cost.seconds:.0f} s" + ("" if diagnosis.complete else "; ended early")))


def headline(diagnosis: Diagnosis) -> str:
    runtime = diagnosis.runtime
    where = f"{safe(diagnosis.target, 120)} on {safe(f'{runtime.engine} {runtime.version}', 80)}"
    if diagnosis.failure:
        return f"{where}: does not load"
    if diagnosis.baseline is None:
        return f"{where}: not run"
    return f"{where}: {verdict(diagnosis.baseline)}"


def verdict(baseline: Baseline) -> str:
    share = f"{baseline.loops} of {baseline.runs} runs"
    failed = f", and {baseline.failures} failed" if baseline.failures else ""
    if baseline.loops:
        return f"loops in {share} ({baseline.kind}; 95%: {baseline.low:.0%} to {baseline.high:.0%}){failed}"
    wrong = f", but {baseline.wrong} of {baseline.checked} answers are wrong" if baseline.wrong else ""
    return f"does not loop here ({share}; 95%: under {baseline.high:.0%}){wrong}{failed}"


def answer(diagnosis: Diagnosis) -> list[str]:
    lines = []
    if diagnosis.failure:
        lines.append(f"It says: {safe(diagnosis.failure)}")
    for number, cause in enumerate(diagnosis.reasons, 1):
        lines.append(
            f"{'Cause' if number == 1 else 'Or   '}  {cause.id} {cause.title}: {'; '.join(safe(item, EVIDENCE) for item in cause.evidence)}"
        )
        lines += [f"       against it: {safe(item, EVIDENCE)}" for item in cause.against]
    if not diagnosis.reasons and diagnosis.goes_wrong and diagnosis.complete:
        lines.append("Cause  unknown: nothing in the catalogue was found, and no change that was tried stops it.")
    cure = diagnosis.cure
    if cure:
        what = ", ".join(f"{name} = {safe(value, 60)}" for name, value in cure.config.items())
        wrong = f", {cure.wrong} of them answered wrong" if cure.wrong else ""
        sure = f"{cure.loops} of {cure.runs} runs loop{wrong}, so under {cure.upper_bound:.0%} at 95%"
        lines += [
            f"Cure   {what} ({sure})",
            *(f"       {name}: {line}" for name, text in cure.written_as.items() for line in text.splitlines()),
        ]
        if "template" in cure.config:
            lines.append(f"       {cure.config['template']}: the official template of this size, or ours: runtimeprobe twins template")
    elif diagnosis.reasons:
        fixes = {finding.id: finding.fix for finding in diagnosis.findings}
        lines.append(f"Fix    {safe(fixes.get(diagnosis.reasons[0].id, ''))} (advice: not tried here)")
    return lines


def _tried(pulls: tuple[Pull, ...]) -> Table:
    table = Table(title="Tried", title_justify="left")
    for heading in ("change", "from", "to", "runs", "loops", "wrong", "effect"):
        table.add_column(heading, overflow="fold")
    for pull in pulls:
        effect = pull.effect.value + (f" ({safe(pull.note, 60)})" if pull.note else "")
        row = (pull.lever, safe(pull.before, 40), safe(pull.after, 40), str(pull.runs), str(pull.loops), str(pull.wrong), effect)
        table.add_row(*[escape(item) for item in row])
    return table


def _found(findings: list[Finding]) -> Table:
    table = Table(title="Found without running it", title_justify="left")
    for heading in ("id", "what", "seen", "expected", "sure", "fix"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        row = (finding.id, finding.title, safe(finding.seen), safe(finding.expected), finding.confidence, safe(finding.fix))
        table.add_row(*[escape(item) for item in row])
    return table


def issue(diagnosis: Diagnosis) -> str:
    """Markdown for an issue tracker. What a model said stands in code, so that it can do nothing there."""
    runtime, model = diagnosis.runtime, diagnosis.model
    about = [
        f"- runtime: {code(f'{runtime.engine} {runtime.version} {runtime.build}'.strip())}, {code(runtime.device or 'device not told')}",
        f"- model: {code(f'{model.family} {model.size} {model.quantization}'.strip())}, {code(model.digest or 'no digest')}",
    ]
    lines = [f"# {headline(diagnosis)}", "", *about, ""]
    if diagnosis.baseline:
        lines += [f"As it is: {verdict(diagnosis.baseline)}.", ""]
        for example in diagnosis.baseline.examples[:1]:
            lines += [f"Prompt {code(example.prompt)}, seed {example.seed}:", "", fenced(example.text), ""]
    for cause in diagnosis.reasons:
        lines += [
            f"- **{cause.id} {cause.title}**",
            *(f"  - {code(item)}" for item in cause.evidence),
            *(f"  - against: {code(item)}" for item in cause.against),
        ]
    if diagnosis.ablation:
        lines += ["", "| change | from | to | runs | loops | wrong | effect |", "|---|---|---|---:|---:|---:|---|"]
        lines += [
            f"| {pull.lever} | {code(pull.before)} | {code(pull.after)} | {pull.runs} | {pull.loops} | {pull.wrong} | {pull.effect} |"
            for pull in diagnosis.ablation
        ]
    if diagnosis.cure:
        cure = diagnosis.cure
        lines += ["", f"With this, {cure.runs - cure.loops} of {cure.runs} runs were clean:", "", fenced(cure.written_as["llama-server"])]
    return "\n".join([*lines, "", "Measured by `runtimeprobe diagnose`."]) + "\n"


def code(text: str) -> str:
    """In backticks, one line, and no way out of them or out of a table."""
    return "`" + safe(text, EVIDENCE).replace("`", "'").replace("|", "¦") + "`"


def fenced(text: str) -> str:
    body = "\n".join(safe(line, TEXT) for line in text[: 4 * TEXT].splitlines()).replace("```", "'''")
    return f"```\n{body}\n```"
