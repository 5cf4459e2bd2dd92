"""Where results go: the table to stdout, JSON to a file or stdout, progress to stderr. Files are written whole or not at all."""

import contextlib
import io
import os
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import click

from runtimeprobe.results import Cell, Matrix, Verdict, encode
from runtimeprobe.writing import write_whole


def write(file: Path, data: bytes) -> None:
    """A file is replaced in one step; a device or pipe is written to."""
    if file.exists() and not file.is_file():
        file.write_bytes(data)
    else:
        write_whole(file, data)


@dataclass(frozen=True)
class Destination:
    """Checked before anything is measured: an hour's results must not end at a folder that cannot be written."""

    json_file: str | None
    folder: Path | None

    @classmethod
    def prepare(cls, json_file: str | None, folder: Path | None) -> Self:
        target = Path(json_file) if json_file and json_file != "-" else None
        device = target is not None and target.exists() and not target.is_file() and not target.is_dir()
        for path in (folder, target.absolute().parent if target and not device else None):
            if path is None:
                continue
            try:
                path.mkdir(parents=True, exist_ok=True)
                with tempfile.NamedTemporaryFile(dir=path, prefix=".runtimeprobe-"):
                    pass
            except OSError as error:
                raise click.ClickException(f"cannot write into {path}: {error.strerror}; choose another folder") from None
        if json_file and json_file != "-" and Path(json_file).is_dir():
            raise click.ClickException(f"{json_file} is a folder; name a file in it")
        return cls(json_file, folder)

    def write(self, matrix: Matrix) -> None:
        """Prints the table, whatever becomes of the files; a file that cannot be written is reported with the JSON saved elsewhere."""
        from rich.console import Console

        from runtimeprobe.publish import terminal
        from runtimeprobe.publish.interface import PLAIN_WIDTH, console

        terminal.render(matrix, console(stderr=self.json_file == "-"))
        data = encode(matrix)
        if self.json_file == "-":
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        targets = [] if self.json_file in (None, "-") else [(Path(str(self.json_file)), data)]
        if self.folder:
            text = io.StringIO()
            terminal.render(matrix, Console(file=text, width=PLAIN_WIDTH))
            targets += [(self.folder / "matrix.json", data), (self.folder / "matrix.txt", text.getvalue().encode())]
        save(targets, data)


def save(targets: Iterable[tuple[Path, bytes]], results: bytes) -> None:
    """Writes each file. If one cannot be written, `results` are kept elsewhere, so that nothing measured is lost."""
    for file, content in targets:
        try:
            write(file, content)
        except OSError as error:
            raise click.ClickException(f"cannot write {file}: {error.strerror}; {rescue(results)}") from None


def rescue(data: bytes) -> str:
    """Keeps results that found no place: in the temporary folder, else on stdout."""
    try:
        descriptor, name = tempfile.mkstemp(prefix="runtimeprobe-", suffix=".json")
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
    except OSError:
        sys.stdout.buffer.write(data)
        return "the results are on stdout instead"
    return f"the results are in {name} instead"


class Lines:
    """One moving line on a terminal, plain lines elsewhere; always on stderr."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty() and "NO_COLOR" not in os.environ
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        if self._live:
            from rich.console import Console

            self._status = self._stack.enter_context(Console(stderr=True).status("starting"))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def passing(self, line: str) -> None:
        """What is going on just now: seen on a terminal only."""
        if self._live:
            from rich.text import Text

            self._status.update(Text(line))

    def say(self, line: str) -> None:
        """A line that stays."""
        print(line, file=sys.stderr, flush=True)


class Progress(Lines):
    """Counts cells."""

    def __init__(self, total: int) -> None:
        super().__init__()
        self.total, self.count = total, 0

    def report(self, text: str) -> None:
        self.passing(f"[{self.count + 1}/{self.total}] {text}")

    def done(self, cell: Cell) -> None:
        if cell.verdict is Verdict.SKIPPED:
            return
        self.count += 1
        if not self._live:
            self.say(f"[{self.count}/{self.total}] {cell.engine} {cell.route} {cell.model}: {cell.verdict}")
