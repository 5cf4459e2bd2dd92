"""The folder that holds every run. Append-only: a run is added and never changed.

    latest.json              the newest run, for whoever wants to read one file
    known_issues.toml        written by hand
    history/runs/*.json.gz   one complete matrix each
    history/index.json       which runs there are: a run counts from the moment it stands here
    history/tracks.json.gz   every cell through time, derived (ledger.py)

Each file is replaced in one step, the index after the run and everything derived after the index. Whatever a kill leaves undone is made
up for by the next reader in memory and by the next writer on disk; a run that was written but not listed yet is adopted.
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from runtimeprobe.history import classify, files, known
from runtimeprobe.history.files import StoreError, Unreadable
from runtimeprobe.history.index import RUN_FILE, Index, decoded, encoded, entry_of, in_order, run_id
from runtimeprobe.history.ledger import Ledger, Seen
from runtimeprobe.history.model import History, RunEntry
from runtimeprobe.results import Matrix, decode, encode
from runtimeprobe.writing import write_whole

LOCK_LIMIT_S = 120.0


class Store:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.history_folder = folder / "history"
        self.runs_folder = self.history_folder / "runs"
        self.index_file = self.history_folder / "index.json"
        self.tracks_file = self.history_folder / "tracks.json.gz"
        self.latest_file = folder / "latest.json"
        self.known_file = folder / "known_issues.toml"

    # Reading: never writes, never waits.

    def latest(self) -> Matrix:
        """The newest run that can be read. Raises StoreError where there is none."""
        problems: list[str] = []
        for entry in reversed(self.index([]).runs):
            try:
                matrix = self.read_run(entry)
            except Unreadable as error:
                problems.append(f"{error}; an older run is shown")
                continue
            return self.told(msgspec.structs.replace(matrix, problems=(*matrix.problems, *problems)))
        if self.latest_file.exists():
            return self.told(files.read_matrix(self.latest_file))
        raise StoreError(f"{self.folder} holds no run; make one: runtimeprobe matrix --store {self.folder}")

    def latest_or_none(self) -> Matrix | None:
        with contextlib.suppress(StoreError):
            return self.latest()
        return None

    def run(self, name: str) -> Matrix:
        """By id, by an unambiguous beginning of it, or `latest`, `previous`. Raises StoreError."""
        return self.told(self.read_run(self.entry(name)))

    def entry(self, name: str) -> RunEntry:
        runs = self.index([]).runs
        place = {"latest": -1, "previous": -2}.get(name)
        if place is not None:
            if len(runs) < -place:
                raise StoreError(f"{self.folder} holds {len(runs)} runs: there is no {name} one")
            return runs[place]
        found = [entry for entry in runs if entry.id.startswith(name)]
        if len(found) != 1 or not name:
            newest = runs[-1].id if runs else "none"
            raise StoreError(f"{self.folder} holds {len(found) if name else 'no'} runs named {name[:60]!r}; the newest is {newest}")
        return found[0]

    def history(self, now: str = "", stale_days: int = classify.STALE_DAYS) -> History:
        """`now`: as of when; the time of the call if it is not given. Damaged runs are named in `problems`, and left out."""
        problems: list[str] = []
        index, stored = self.index(problems), self.stored_ledger()
        if stored and len(stored.runs) > len(index.runs):  # somebody added a run just now
            index = self.index(problems)
        ledger = self.ledger(index, stored, problems)
        for entry in index.runs:
            with contextlib.suppress(FileNotFoundError):
                if (self.runs_folder / entry.file).stat().st_size == entry.size_bytes:
                    continue
            problems.append(f"the file of run {entry.id} is lost or damaged")
        tracks = ledger.tracks()
        now = now or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        changes = classify.changes(tracks, self.known(), now=now, stale_days=stale_days)
        return History(runs=index.runs, tracks=tracks, changes=changes, problems=tuple(dict.fromkeys(problems)))

    def known(self) -> known.Known:
        """The store's own known issues, or those that ship with the tool. Raises StoreError for a file that is wrong."""
        return known.load(self.known_file) if self.known_file.exists() else known.shipped()

    def told(self, matrix: Matrix) -> Matrix:
        """With the addresses of known issues on the cells they are about."""
        return self.known().annotate(matrix)

    def read_run(self, entry: RunEntry) -> Matrix:
        try:
            return files.placed(decode(self.content(entry)))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Unreadable(f"run {entry.id} is damaged: {error}") from None

    def content(self, entry: RunEntry) -> bytes:
        """The JSON of a run, if its file is what the index says."""
        try:
            data = files.read(self.runs_folder / entry.file)
            plain = files.unpacked(data)
        except FileNotFoundError:
            raise Unreadable(f"run {entry.id} is lost: its file is not there") from None
        except Unreadable as error:
            raise Unreadable(f"run {entry.id} is damaged: {error}") from None
        if hashlib.sha256(data).hexdigest() != entry.digest:
            raise Unreadable(f"run {entry.id} is damaged: its digest is not the one in the index")
        return plain

    def index(self, problems: list[str]) -> Index:
        """As it stands; made again from the runs if it is lost or damaged."""
        try:
            if index := decoded(files.read(self.index_file)):
                return index
            problems.append("the index was damaged, or is of another version of this tool; it was made again from the runs")
        except FileNotFoundError:
            if any(self.unlisted(Index())):
                problems.append("the index was lost; it was made again from the runs")
        except Unreadable as error:
            problems.append(f"{error}; it was made again from the runs")
        return self.adopted(Index(), problems)

    def unlisted(self, index: Index) -> Iterator[Path]:
        """Run files that the index does not name, oldest first."""
        if not self.runs_folder.is_dir():
            return
        listed = {entry.file for entry in index.runs}
        yield from sorted(file for file in self.runs_folder.iterdir() if RUN_FILE.fullmatch(file.name) and file.name not in listed)

    def adopted(self, index: Index, problems: list[str]) -> Index:
        """With every whole run that is in the folder."""
        found: list[RunEntry] = []
        for file in self.unlisted(index):
            try:
                data = files.read(file)
                plain = files.unpacked(data)
                seen = msgspec.json.decode(plain, type=Seen)
                name = run_id(seen.created, plain)
            except (FileNotFoundError, StoreError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                problems.append(f"the run in {file.name} is damaged: {error}")
                continue
            if file.name == f"{name}.json.gz":
                found.append(entry_of(file.name, data, seen))
            else:
                problems.append(f"the run in {file.name} is left out: by what it holds, it would be named {name}.json.gz")
        if not found:
            return index
        return msgspec.structs.replace(index, runs=tuple(sorted((*index.runs, *found), key=in_order)))

    def stored_ledger(self) -> Ledger | None:
        with contextlib.suppress(FileNotFoundError, Unreadable):
            return Ledger.read(files.read(self.tracks_file))
        return None

    def ledger(self, index: Index, ledger: Ledger | None, problems: list[str]) -> Ledger:
        """The stored one, brought up to date in memory; made from the runs if it is of no use."""
        held = ledger.holds(index.runs) if ledger else None
        if ledger is None or held is None or self.mended(ledger, index, problems):
            ledger, held = Ledger(), 0
        fold(ledger, index.runs[held:], self.content, problems)
        return ledger

    def mended(self, ledger: Ledger, index: Index, problems: list[str]) -> bool:
        """Whether a run that could not be read when it was added now can be. Those that cannot are named."""
        for held, entry in zip(ledger.runs, index.runs, strict=False):
            if not held.readable:
                try:
                    self.content(entry)
                except Unreadable as error:
                    problems.append(str(error))
                else:
                    return True
        return False

    # Writing: one process at a time.

    def add(self, matrix: Matrix) -> RunEntry:
        """Adds a run, or finds that it is there already."""
        from filelock import FileLock, Timeout

        matrix = files.placed(matrix)
        data = msgspec.json.encode(matrix)
        name = run_id(matrix.created, data)
        try:
            self.runs_folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.history_folder / ".lock", timeout=LOCK_LIMIT_S):
                return self.write(name, data)
        except Timeout:
            raise StoreError(f"another process has been writing to {self.folder} for {LOCK_LIMIT_S:.0f} s; try again") from None
        except OSError as error:
            raise StoreError(f"cannot write to {self.folder}: {error.strerror or error}") from None

    def write(self, name: str, data: bytes) -> RunEntry:
        for folder in (self.runs_folder, self.history_folder, self.folder):
            files.sweep(folder)
        problems: list[str] = []
        index = self.adopted(self.index(problems), problems)
        entry = next((entry for entry in index.runs if entry.id == name), None)
        if entry is None or not self.has(entry, data):
            packed = files.packed(data)
            file = self.runs_folder / f"{name}.json.gz"
            entry = entry_of(file.name, packed, msgspec.json.decode(data, type=Seen))
            write_whole(file, packed, durable=True)
            others = (other for other in index.runs if other.id != name)
            index = Index(runs=tuple(sorted((*others, entry), key=in_order)))
        self.refresh(index)
        return entry

    def has(self, entry: RunEntry, data: bytes) -> bool:
        """Whether this very run is there and whole; a damaged one may be written again."""
        try:
            if self.content(entry) == data:
                return True
        except Unreadable:
            return False
        raise StoreError(f"another run is named {entry.id}; measure again")

    def refresh(self, index: Index) -> None:
        """Brings index and derived files up to date, each only if it is not."""
        problems: list[str] = []
        self.put(self.index_file, encoded(index))
        self.put(self.tracks_file, self.ledger(index, self.stored_ledger(), problems).write())
        with contextlib.suppress(StoreError):
            self.put(self.latest_file, encode(self.latest()))

    @staticmethod
    def put(file: Path, data: bytes) -> None:
        with contextlib.suppress(FileNotFoundError, Unreadable):
            if files.read(file) == data:
                return
        write_whole(file, data, durable=True)


def fold(ledger: Ledger, entries: Sequence[RunEntry], content: Callable[[RunEntry], bytes], problems: list[str]) -> None:
    for entry in entries:
        seen = None
        try:
            seen = msgspec.json.decode(content(entry), type=Seen)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            problems.append(f"run {entry.id} is damaged: {error}")
        except Unreadable as error:
            problems.append(str(error))
        ledger.add(entry, seen)
