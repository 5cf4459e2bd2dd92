"""Small matrices to make a history of."""

from datetime import UTC, datetime, timedelta

from runtimeprobe.results import Answers, Attempt, Cell, Evidence, Host, Matrix, Verdict

LINUX, MAC = "linux-x86_64", "macos-arm64"
HOST = Host(os="Linux 6", arch="x86_64", cpu="Test (2 cores)", gpu="", memory_bytes=1, python="3.11")
FIRST = datetime(2026, 11, 1, 2, 17, tzinfo=UTC)
TEST = "hearing-test/1"


def night(number: int) -> str:
    return (FIRST + timedelta(days=number)).strftime("%Y-%m-%dT%H:%M:%SZ")


def cell(verdict: Verdict = Verdict.HEARD, /, **given: object) -> Cell:
    """`heard`: how many of its three attempts heard."""
    heard = given.pop("heard", 3 if verdict is Verdict.HEARD else 0)
    assert isinstance(heard, int)
    attempts = tuple(
        Attempt(verdict=item, reason=f"it is {item}", evidence=Evidence(), answers=Answers(a="three nine"))
        for item in (*(Verdict.HEARD,) * heard, *(verdict,) * (3 - heard))
    )
    values: dict[str, object] = {
        "platform": LINUX, "runtime": "R", "engine": "alpha", "engine_version": "1.0", "build": "b1", "route": "chat",
        "model": "gemma-4-e2b", "weights": "twin", "quantization": "F16", "digest": "sha256:a", "reason": f"it is {verdict}",
        "attempts": () if verdict in (Verdict.SKIPPED, Verdict.ERROR) else attempts, **given,
    }  # fmt: skip
    return Cell(verdict=verdict, **values)  # type: ignore[arg-type]


def matrix(when: int | str, *cells: Cell, **given: object) -> Matrix:
    values: dict[str, object] = {"host": HOST, "hearing_test": TEST, **given}
    created = night(when) if isinstance(when, int) else when
    return Matrix(created=created, cells=cells, **values)  # type: ignore[arg-type]
