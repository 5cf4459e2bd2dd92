"""The cells as test cases in JUnit XML, which CI systems read: what is not heard fails, with its reason and the command that shows it."""

from collections.abc import Iterable
from xml.etree import ElementTree as ET

from runtimeprobe.publish.edition import Edition, digest
from runtimeprobe.publish.interface import Output, safe
from runtimeprobe.results import Cell, Verdict

# A failure is a verdict on the runtime, an error a cell that ended otherwise.
OUTCOMES = {
    Verdict.GARBLED: "failure",
    Verdict.DEAF: "failure",
    Verdict.IGNORED: "failure",
    Verdict.REJECTED: "failure",
    Verdict.FAILED: "error",
    Verdict.CRASHED: "error",
    Verdict.TIMEOUT: "error",
    Verdict.ERROR: "error",
    Verdict.SKIPPED: "skipped",
}


def outputs(edition: Edition) -> Iterable[Output]:
    yield Output("junit.xml", digest(edition.matrix), lambda: render(edition))


def render(edition: Edition) -> bytes:
    root = ET.Element("testsuites", {"name": "runtimeprobe"} | totals(edition.matrix.cells))
    for engine, every in edition.engines.items():
        cells = [cell for cell in every if id(cell) not in edition.dated]  # the newest run alone
        if not cells:
            continue
        about = {"name": safe(engine, 80), "timestamp": safe(edition.matrix.created, 30)}
        suite = ET.SubElement(root, "testsuite", about | totals(cells))
        for cell in cells:
            suite.append(case(cell))
    ET.indent(root, " ")
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def case(cell: Cell) -> ET.Element:
    name = " ".join(filter(None, (cell.route, cell.model, cell.weights, cell.quantization, cell.platform)))
    made = ET.Element("testcase", classname=safe(f"{cell.runtime}.{cell.engine}", 120), name=safe(name, 200), time=f"{seconds(cell):.3f}")
    outcome = OUTCOMES.get(cell.verdict)
    if outcome:
        reason = ET.SubElement(made, outcome, type=cell.verdict.value, message=safe(cell.reason))
        reason.text = "\n".join(filter(None, (safe(cell.reason, 2000), safe(cell.fix), safe(cell.reproduce, 600))))
    if cell.stderr:
        ET.SubElement(made, "system-err").text = safe(cell.stderr[-4000:], 4000)
    return made


def totals(cells: Iterable[Cell]) -> dict[str, str]:
    cells = tuple(cells)
    outcomes = [OUTCOMES.get(cell.verdict) for cell in cells]
    return {
        "tests": str(len(cells)),
        "failures": str(outcomes.count("failure")),
        "errors": str(outcomes.count("error")),
        "skipped": str(outcomes.count("skipped")),
        "time": f"{sum(map(seconds, cells)):.3f}",
    }


def seconds(cell: Cell) -> float:
    stages = (cell.stages.load, cell.stages.ingest, cell.stages.infer, cell.stages.output)
    return sum(stage.seconds or 0.0 for stage in stages)
