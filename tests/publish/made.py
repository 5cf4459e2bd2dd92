"""A store as nights leave it: every verdict, two platforms, twins and real weights, changes, a release timeline, hostile answers."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from runtimeprobe.contract import Claim
from runtimeprobe.history.store import Store
from runtimeprobe.results import Answers, Attempt, Cell, Evidence, Host, Matrix, Stage, Stages, Timing, Verdict
from runtimeprobe.run import hearing_test
from runtimeprobe.timeline.results import Change, Release, Side, Timeline, Track

LINUX, MAC = "linux-x86_64", "macos-arm64"
HOST = Host(os="Linux 6", arch="x86_64", cpu="Test", gpu="", memory_bytes=1, python="3.11")
FIRST = datetime(2026, 10, 1, 2, 17, tzinfo=UTC)
HOSTILE = (
    "</script><script>window.owned=1</script>",
    "\"><img src=x onerror=window.owned=1> ' onmouseover=window.owned=1 x='",
    "<!-- ]]> --><style>*{display:none}</style>",
    "{{ 7*7 }}{% raw %}",
    "\x1b[2J\x1b]0;owned\x07 \u202egnp.exe\u2066 \x00 \ufffe",
    "| a | b |\n|---|---|\n# heading [x](javascript:alert(1)) ![](http://example.invalid/x.png) <b>bold</b>",
    "::error::owned%0A::warning::owned\n::add-mask::x",
    "word " * 200_000,
)
ISSUES = ("https://github.com/owner/project/issues/1", "javascript:alert(1)")
ANSWERS = {
    Verdict.HEARD: ("three nine", "one four seven two six", 49, 75),
    Verdict.GARBLED: ("tree nein", "won for", 49, 75),
    Verdict.DEAF: ("I hear music", "I hear music", 49, 75),
    Verdict.IGNORED: ("nothing", "nothing", 11, 11),
}


def cell(
    verdict: Verdict,
    *,
    engine: str = "xllamacpp",
    runtime: str = "llama.cpp",
    version: str = "1.0",
    route: str = "chat.input_audio",
    model: str = "gemma-4-e2b",
    weights: str = "twin",
    quantization: str = "F16",
    platform: str = LINUX,
    claim: Claim = Claim.YES,
    reason: str = "",
    answer: str | None = None,
) -> Cell:
    a, b, a_tokens, b_tokens = ANSWERS.get(verdict, (None, None, None, None))
    answers = Answers(control="nothing", a=answer or a, b=b, silence="nothing") if a is not None else Answers()
    evidence = Evidence(control_tokens=11, a_tokens=a_tokens, b_tokens=b_tokens, expected_a=38, expected_b=64, wer_a=0.0, wer_b=0.0)
    attempt = Attempt(verdict=verdict, reason=reason, evidence=evidence, answers=answers)
    measured = verdict not in (Verdict.SKIPPED, Verdict.ERROR)
    return Cell(
        platform=platform, runtime=runtime, engine=engine, engine_version=version, build="b1", device="CPU", route=route, model=model,
        weights=weights, quantization=quantization, digest="sha256:" + "5" * 64, claim=claim, verdict=verdict,
        reason=reason or f"because it is {verdict}", evidence=evidence, answers=answers, attempts=(attempt,) * 3 if measured else (),
        stages=Stages(load=Stage(status="pass", seconds=0.1)), pass_rate=float(verdict is Verdict.HEARD) if measured else None,
        timing=Timing(ttft_s=0.04, tokens_per_s=900.0, audio_rtf=0.03, peak_rss_bytes=10**8) if measured else Timing(),
        reproduce=f"runtimeprobe matrix --engine {engine} --route {route}" if measured else "", fix="" if measured else "install it",
        notes=("a note",), issues=ISSUES if verdict is Verdict.CRASHED else (),
    )  # fmt: skip


def cells(vlm: Verdict = Verdict.HEARD, version: str = "0.7.11", *, hostile: bool = False) -> tuple[Cell, ...]:
    """`vlm`: what mlx-vlm does to E4B."""
    made = [
        cell(Verdict.HEARD),
        cell(Verdict.HEARD, model="gemma-4-e4b"),
        cell(Verdict.HEARD, platform=MAC),
        cell(Verdict.GARBLED, weights="real", quantization="Q4_K_M", model="gemma-4-e4b"),
        cell(Verdict.HEARD, weights="real", quantization="Q8_0", model="gemma-4-e4b"),
        cell(Verdict.HEARD, route="audio.transcriptions"),
        cell(Verdict.DEAF, route="audio.transcriptions", model="gemma-4-e4b"),
        cell(Verdict.IGNORED, engine="llama-cpp-python"),
        cell(Verdict.IGNORED, engine="llama-cpp-python", model="gemma-4-e4b"),
        cell(Verdict.HEARD, engine="llama-cpp-python", route="chat.image_url"),
        cell(Verdict.HEARD, engine="mlx-vlm", runtime="MLX", version=version, route="generate.audio", platform=MAC),
        cell(vlm, engine="mlx-vlm", runtime="MLX", version=version, route="generate.audio", model="gemma-4-e4b", platform=MAC),
        cell(Verdict.REJECTED, engine="mlx-lm", runtime="MLX", route="none", claim=Claim.NO, platform=MAC),
        cell(Verdict.FAILED, engine="ollama", runtime="Ollama", route="api.chat.images"),
        cell(Verdict.CRASHED, engine="ollama", runtime="Ollama", route="v1.chat.input_audio", model="gemma-4-e4b"),
        cell(Verdict.TIMEOUT, engine="ollama", runtime="Ollama", route="v1.chat.input_audio"),
        cell(Verdict.ERROR, engine="ollama", runtime="Ollama", route="api.chat.images", model="gemma-4-e4b", claim=Claim.UNDECLARED),
        cell(Verdict.SKIPPED, engine="lmstudio", runtime="LM Studio", version="", route="-", claim=Claim.UNDECLARED),
    ]
    if hostile:
        made += [
            msgspec.structs.replace(
                cell(Verdict.HEARD, engine="hostile", route=f"route.{number}", answer=text, reason=text),
                fix=text, notes=(text,), stderr=text, reproduce=text, build=text, device=text, issues=(text,),
            )
            for number, text in enumerate(HOSTILE)
        ]  # fmt: skip
        made.append(cell(Verdict.HEARD, engine=HOSTILE[1], runtime=HOSTILE[0], route=HOSTILE[5], model=HOSTILE[6], quantization=HOSTILE[2]))
    return tuple(made)


def matrix(night: int = 0, *own: Cell) -> Matrix:
    created = (FIRST + timedelta(days=night)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Matrix(created=created, host=HOST, hearing_test=hearing_test(), cells=own or cells())


def store(folder: Path, *, hostile: bool = False) -> Path:
    """Ten nights: mlx-vlm 0.7.11 garbles what 0.7.10 heard. Then a timeline."""
    kept = Store(folder)
    for night in range(10):
        late = night >= 7
        now = cells(Verdict.GARBLED if late else Verdict.HEARD, "0.7.11" if late else "0.7.10", hostile=hostile and night == 9)
        kept.add(matrix(night, *now))
    (folder / "timelines").mkdir()
    (folder / "timelines" / "mlx-vlm.json").write_bytes(msgspec.json.encode(timeline()))
    return folder


def timeline() -> Timeline:
    verdicts = (
        Verdict.REJECTED,
        Verdict.IGNORED,
        Verdict.IGNORED,
        Verdict.GARBLED,
        Verdict.HEARD,
        Verdict.HEARD,
        Verdict.SKIPPED,
        Verdict.GARBLED,
    )
    releases, own = [], []
    for number, verdict in enumerate(verdicts):
        version, date = f"0.7.{number + 4}", (FIRST + timedelta(days=9 * number - 40)).strftime("%Y-%m-%d")
        releases.append(Release(version=version, date=date, build=f"b{number}"))
        for model in ("gemma-4-e2b", "gemma-4-e4b"):
            shown = Verdict.HEARD if verdict is Verdict.GARBLED and model == "gemma-4-e2b" else verdict
            own.append(cell(shown, engine="mlx-vlm", runtime="MLX", version=version, route="generate.audio", model=model))
    sides = {item.version: Side(version=item.version, date=item.date, build=item.build, verdict=None) for item in releases}

    def side(version: str, verdict: Verdict) -> Side:
        return msgspec.structs.replace(sides[version], verdict=verdict)

    change = Change(
        before=side("0.7.9", Verdict.HEARD), after=side("0.7.11", Verdict.GARBLED), between=("0.7.10",), also={"mlx": ("0.32.3", "0.32.4")},
        compare="https://github.com/owner/project/compare/v0.7.9...v0.7.11",
    )  # fmt: skip
    tracks = (
        Track(model="gemma-4-e2b", route="generate.audio", first_heard=side("0.7.7", Verdict.HEARD), now=side("0.7.11", Verdict.HEARD)),
        Track(
            model="gemma-4-e4b", route="generate.audio", first_heard=side("0.7.8", Verdict.HEARD), now=side("0.7.11", Verdict.GARBLED),
            changes=(change,),
        ),
    )  # fmt: skip
    base = matrix(9)
    return Timeline(
        created=base.created,
        host=HOST,
        hearing_test=base.hearing_test,
        cells=tuple(own),
        engine="mlx-vlm",
        releases=tuple(releases),
        story=tracks,
    )
