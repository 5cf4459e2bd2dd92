"""A store of a year, 365 nights of 2,000 cells, made up but shaped like real ones: how long reading it and adding a night take.

`python -m bench.store FOLDER [NIGHTS]` makes one to look at.
"""

import itertools
import random
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from bench.startup import measured
from runtimeprobe.contract import Claim
from runtimeprobe.history import files
from runtimeprobe.history.index import Index, encoded, entry_of, run_id
from runtimeprobe.history.ledger import Ledger, Seen
from runtimeprobe.history.store import Store
from runtimeprobe.results import Answers, Attempt, Cell, Evidence, Host, Matrix, Stage, Stages, Timing, Verdict

NIGHTS = 365
FIRST_NIGHT = datetime(2025, 11, 24, 2, 17, tzinfo=UTC)
PLATFORMS = ("linux-x86_64", "linux-arm64", "macos-arm64", "windows-x86_64")
ENGINES = tuple(f"engine-{number}" for number in range(10))
ROUTES = ("chat.input_audio", "chat.image_url", "audio.transcriptions", "generate.audio", "responses.input_audio")
MODELS = ("gemma-4-e2b", "gemma-4-e4b")
WEIGHTS = (("twin", "F16"), ("real", "BF16"), ("real", "Q8_0"), ("real", "Q5_K_M"), ("real", "Q4_K_M"))
HOST = Host(os="Linux 6.11", arch="x86_64", cpu="AMD EPYC (4 cores)", gpu="", memory_bytes=16 * 2**30, python="3.12.4")
HEARING_TEST = "hearing-test/1+runtimeprobe-words/1+clips/1"
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
# How a cell is: nine of ten hear; a new version changes one cell in fifty; one night in 500 a cell flakes.
USUAL = (*(Verdict.HEARD,) * 18, Verdict.IGNORED, Verdict.REJECTED)
OTHERWISE = (Verdict.GARBLED, Verdict.DEAF, Verdict.IGNORED, Verdict.FAILED, Verdict.CRASHED, Verdict.TIMEOUT)
SKIPPED, CHANGED, FLAKED, TIMED = 0.02, 0.02, 0.002, 0.1


def keys() -> list[tuple[str, str, str, str, str, str]]:
    return [
        (platform, engine, route, model, weights, quantization)
        for platform in PLATFORMS
        for engine in ENGINES
        for model in MODELS
        for weights, quantization in WEIGHTS
        for route in ROUTES
    ]


def cell(key: tuple[str, str, str, str, str, str], version: int, verdict: Verdict, rng: random.Random) -> Cell:
    platform, engine, route, model, weights, quantization = key
    if verdict is Verdict.SKIPPED:
        reason = "too little memory: about 19.5 GiB needed, 13.1 GiB available"
        return Cell(
            platform=platform, runtime=f"runtime-{engine[-1]}", engine=engine, engine_version=f"1.{version}", route=route, model=model,
            weights=weights, quantization=quantization, verdict=verdict, reason=reason, fix="use a smaller quantization",
        )  # fmt: skip
    reason = "both clips transcribed right, and the prompt grew by the sound's tokens" if verdict is Verdict.HEARD else f"it is {verdict}"

    def attempt() -> Attempt:
        said = [" ".join(rng.choices(WORDS, k=5)) for _ in range(2)]
        answers = Answers(control="I hear nothing.", a=said[0], b=said[1] if verdict is Verdict.HEARD else said[0], silence="")
        evidence = Evidence(
            control_tokens=11, a_tokens=51, b_tokens=77, expected_a=38, expected_b=64, tokens_per_second_of_audio=24.61,
            token_evidence="consumed", wer_a=0.0, wer_b=0.0, wer_control=1.0, depends_on_clip=True,
        )  # fmt: skip
        return Attempt(verdict=verdict, reason=reason, evidence=evidence, answers=answers)

    attempts = (attempt(), attempt(), attempt())
    digest = f"sha256:{hash_of(model, quantization)}"
    return Cell(
        platform=platform, runtime=f"runtime-{engine[-1]}", engine=engine, engine_version=f"1.{version}", build=f"b{9000 + version}",
        device="CPU", route=route, model=model, weights=weights, quantization=quantization, projector_quantization="BF16", digest=digest,
        projector_digest=f"sha256:{hash_of(model, 'projector')}", claim=Claim.YES, verdict=verdict, reason=reason,
        stages=Stages(
            load=Stage(status="pass", seconds=round(rng.uniform(0.1, 9), 3)), ingest=Stage(status="pass", seconds=0.042),
            infer=Stage(status="pass", seconds=round(rng.uniform(0.1, 9), 3)), output=Stage(status="pass"),
        ),
        evidence=attempts[0].evidence, answers=msgspec.structs.replace(attempts[0].answers, defaults="four two"), attempts=attempts,
        pass_rate=1.0 if verdict is Verdict.HEARD else 0.0,
        timing=Timing(ttft_s=0.04, tokens_per_s=round(rng.uniform(20, 90), 2), audio_rtf=0.03, peak_rss_bytes=rng.randrange(10**8, 10**9)),
        reproduce=f"runtimeprobe matrix --engine {engine} --route {route} --model {model} --weights {weights}",
        seconds=round(rng.uniform(1, 90), 2),
    )  # fmt: skip


def hash_of(*parts: str) -> str:
    import hashlib

    return hashlib.sha256("/".join(parts).encode()).hexdigest()


def nights(count: int, seed: int = 20261124) -> Iterator[bytes]:
    """The JSON of one matrix after the other, as the store would write it. A cell that stayed as it was is not encoded again."""
    rng = random.Random(seed)
    every = {engine: rng.randint(2, 30) for engine in ENGINES}  # nights between two versions
    all_keys = keys()
    normal = {key: rng.choice(USUAL) for key in all_keys}
    written: dict[tuple[str, ...], tuple[tuple[int, Verdict], bytes]] = {}
    blank = msgspec.json.encode(Matrix(created="CREATED", host=HOST, hearing_test=HEARING_TEST))
    for night in range(count):
        cells: list[bytes] = []
        for key in all_keys:
            version = night // every[key[1]]
            if night and night % every[key[1]] == 0 and rng.random() < CHANGED:
                normal[key] = rng.choice(OTHERWISE) if normal[key] is Verdict.HEARD else Verdict.HEARD
            chance = rng.random()
            verdict = normal[key]
            if chance < SKIPPED:
                verdict = Verdict.SKIPPED
            elif chance < SKIPPED + FLAKED:
                verdict = Verdict.GARBLED
            known = written.get(key)
            if known is None or known[0] != (version, verdict) or rng.random() < TIMED:
                written[key] = ((version, verdict), msgspec.json.encode(cell(key, version, verdict, rng)))
            cells.append(written[key][1])
        created = (FIRST_NIGHT + timedelta(days=night)).strftime("%Y-%m-%dT%H:%M:%SZ")
        yield blank.replace(b"CREATED", created.encode()).replace(b'"cells":[]', b'"cells":[' + b",".join(cells) + b"]")


def make(folder: Path, some: Iterable[bytes]) -> Store:
    """A store as adding these nights would leave it, without the many fsyncs."""
    store = Store(folder)
    store.runs_folder.mkdir(parents=True, exist_ok=True)
    ledger, runs = Ledger(), []
    for data in some:
        seen = msgspec.json.decode(data, type=Seen)
        name = f"{run_id(seen.created, data)}.json.gz"
        packed = files.packed(data, 1)
        (store.runs_folder / name).write_bytes(packed)
        entry = entry_of(name, packed, seen)
        runs.append(entry)
        ledger.add(entry, seen)
    store.index_file.write_bytes(encoded(Index(runs=tuple(runs))))
    store.tracks_file.write_bytes(ledger.write())
    store.refresh(store.index([]))
    return store


READ = """
import sys
from pathlib import Path
from runtimeprobe.history.store import Store
store = Store(Path(sys.argv[1]))
store.history()
store.latest()
"""


def size_mb(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def run() -> str:
    from runtimeprobe.results import decode

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        began = time.perf_counter()
        calendar = nights(NIGHTS + 1)
        store = make(folder, itertools.islice(calendar, NIGHTS))
        making = time.perf_counter() - began
        seconds, memory = measured(sys.executable, "-c", READ, str(folder))
        history = store.history()
        spells = sum(len(track.spells) for track in history.tracks)
        matrix = decode(next(calendar))
        began = time.perf_counter()
        store.add(matrix)
        adding = time.perf_counter() - began
        whole = size_mb(folder)
        tracks = store.tracks_file.stat().st_size / 1e6
        store.tracks_file.unlink()
        rebuilding, rebuilding_memory = measured(sys.executable, "-c", READ, str(folder))
    return "\n".join(
        (
            f"{NIGHTS} nights of {len(keys())} cells: {len(history.tracks)} tracks of {spells} spells, {len(history.changes)} changes.",
            "",
            "| what | measured | limit |",
            "|---|---:|---:|",
            f"| reading the history and the newest run, as publishing does | {seconds:.1f} s, {memory:.0f} MB | 20 s, 500 MB |",
            f"| adding a night | {adding:.2f} s | 3 s |",
            f"| reading when the tracks are lost, from all runs | {rebuilding:.1f} s, {rebuilding_memory:.0f} MB | |",
            f"| the store on disk, a night of it, its tracks | {whole:.0f}, {whole / NIGHTS:.2f}, {tracks:.1f} MB | |",
            f"| making this store | {making:.0f} s | |",
        )
    )


if __name__ == "__main__":
    make(Path(sys.argv[1]), nights(int(sys.argv[2]) if len(sys.argv) > 2 else NIGHTS))
