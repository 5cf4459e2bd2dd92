"""The twins hear alike through llama.cpp (twice) and MLX: words, prompt forms, and how sure they are of the first word.

Each engine measures in a process of its own (two builds of llama.cpp do not share one). Nothing is skipped where an engine is missing:
`make engines` installs all three.
"""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from runtimeprobe.audio import clips
from runtimeprobe.twins import files
from runtimeprobe.twins.recipe.agreement import gaps
from runtimeprobe.twins.recipe.vocabulary import DIGITS

ENGINES = ("xllamacpp", "llama-cpp-python", "mlx-vlm")
TWINS = ("twin-e2b", "twin-e4b")
HELD_OUT = Path(__file__).parent / "held_out"
CLIPS_PER_FORM = 4
TOLERANCE = 0.05
pytestmark = pytest.mark.timeout(1200)


def evaluate(twin: str, engine: str, folder: Path, *options: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "runtimeprobe.twins.recipe.evaluate", str(files.folder() / twin), str(folder), "--engine", engine]
    done = subprocess.run([*command, "--details", *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout))


@cache
def shipped_clips(twin: str, engine: str, folder: Path) -> dict[str, Any]:
    return evaluate(twin, engine, folder, "--forms", str(CLIPS_PER_FORM))


@cache
def held_out_clips(twin: str, engine: str) -> dict[str, Any]:
    return evaluate(twin, engine, HELD_OUT)


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped digit clips, the one that is longer than the sliding window, and the clips without speech."""
    manifest = clips.load_manifest()
    wanted = [*manifest.of("digits"), manifest.clip("long-29s-digits"), manifest.clip("silence-digits")]
    wanted += [*manifest.of("noise"), *manifest.of("tone")]
    folder = tmp_path_factory.mktemp("shipped")
    rows = [{"file": str(clip.path), "words": clip.transcript} for clip in wanted]
    (folder / "manifest.json").write_text(json.dumps(rows), encoding="utf-8")
    return folder


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("twin", TWINS)
class TestWords:
    def test_every_shipped_clip_is_heard_word_for_word(self, twin: str, engine: str, shipped: Path) -> None:
        found = shipped_clips(twin, engine, shipped)
        assert found["wrong"] == []
        assert found["word_error_rate"] == 0

    def test_no_word_is_heard_where_none_is_spoken(self, twin: str, engine: str, shipped: Path) -> None:
        silent = [answer for answer in shipped_clips(twin, engine, shipped)["answers"] if not answer["words"]]
        assert len(silent) == 3
        assert [answer for answer in silent if set(answer["said"].split()) & set(DIGITS)] == []

    def test_every_prompt_form_is_answered_right(self, twin: str, engine: str, shipped: Path) -> None:
        forms = shipped_clips(twin, engine, shipped)["forms"]
        assert len(forms) == 20
        assert {name: form["wrong"] for name, form in forms.items() if form["wrong"]} == {}

    def test_at_most_one_word_in_a_hundred_of_the_held_out_clips_is_wrong(self, twin: str, engine: str) -> None:
        found = held_out_clips(twin, engine)
        assert found["clips"] == 200
        assert found["word_error_rate"] <= 0.01, found["wrong"]


@pytest.mark.parametrize("twin", TWINS)
def test_engines_are_equally_sure_of_the_first_word(twin: str, shipped: Path) -> None:
    measured = {engine: shipped_clips(twin, engine, shipped)["answers"] for engine in ENGINES}
    apart = gaps(measured)
    assert max(apart)[0] <= TOLERANCE, max(apart)
