"""Download progress on stderr: a bar on a terminal, a line per tenth elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from runtimeprobe.weights.fit import gigabytes

STEPS = 10


@dataclass(frozen=True, slots=True)
class Progress:
    """Bytes of one file so far; `number` of `of` files."""

    file: str
    number: int
    of: int
    done: int
    total: int


Report = Callable[[Progress], None]


@contextmanager
def on_stderr() -> Iterator[Report]:
    """A report function that shows what it is told."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, object] = {}

        def report(progress: Progress) -> None:
            if progress.file not in tasks:
                tasks[progress.file] = bar.add_task(f"{progress.number}/{progress.of} {progress.file}", total=progress.total)
            bar.update(tasks[progress.file], completed=progress.done)  # type: ignore[arg-type]

        yield report


def _lines() -> Report:
    shown: dict[str, int] = {}

    def report(progress: Progress) -> None:
        step = STEPS * progress.done // max(progress.total, 1)
        if step > shown.get(progress.file, -1):
            shown[progress.file] = step
            share = 100 * progress.done // max(progress.total, 1)
            print(f"{progress.number}/{progress.of} {progress.file}: {share}% of {gigabytes(progress.total)}", file=sys.stderr, flush=True)

    return report
