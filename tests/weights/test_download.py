"""`--download` against huggingface_hub itself, with a hub of our own at the other end."""

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.gguf import models
from tests.weights.hub import Hub, running

from runtimeprobe.weights import download, find
from runtimeprobe.weights.download import DownloadError, fetch
from runtimeprobe.weights.known import known
from runtimeprobe.weights.progress import Progress

PAIR = known()["gemma-4-e2b"].gguf[0]
TOKEN = "hf_aaaabbbbccccddddeeeeffffgggghhhhiiii"  # nobody's


@pytest.fixture(autouse=True)
def online(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this machine or an engine's test before set: the client under test may ask its hub."""
    import huggingface_hub.constants

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """Serves a real pair under the names of the table, and a folder."""
    made = tmp_path / "made"
    text = models.text(made / "text.gguf", pad=50_000).read_bytes()
    projector = models.projector(made / "mm.gguf").read_bytes()
    folder = models.folder(made / "folder")
    files = {f"{PAIR.repository}/{PAIR.text}": text, f"{PAIR.repository}/{PAIR.projector}": projector}
    for path in folder.iterdir():
        files[f"{known()['gemma-4-e2b'].mlx[0].repository}/{path.name}"] = path.read_bytes()
    files[f"{known()['gemma-4-e2b'].mlx[0].repository}/picture.png"] = b"not wanted"
    with running(Hub(files)) as hub:
        yield hub


def get(hub: Hub, tmp_path: Path, seen: list[Progress] | None = None, *, model: str = "gemma-4-e2b", **more: Any) -> tuple[Path, ...]:
    env = {"HF_HOME": str(tmp_path / "hf"), "HF_ENDPOINT": hub.url} | more.pop("env", {})
    told: list[Progress] = [] if seen is None else seen
    return fetch(model, env=env, home=tmp_path, memory_bytes=0, report=told.append, **more)


def failure(hub: Hub, tmp_path: Path, **more: Any) -> DownloadError:
    with pytest.raises(DownloadError) as caught:
        get(hub, tmp_path, **more)
    assert "\n" not in str(caught.value)
    assert caught.value.fix in str(caught.value)
    return caught.value


def test_a_pair_is_fetched_into_the_cache_and_found_there(hub: Hub, tmp_path: Path) -> None:
    seen: list[Progress] = []
    paths = get(hub, tmp_path, seen)
    assert [path.read_bytes() for path in paths] == [hub.files[f"{PAIR.repository}/{name}"] for name in (PAIR.text, PAIR.projector)]
    candidates, notes = find.find({"HF_HOME": str(tmp_path / "hf")}, tmp_path, "test")
    assert [(item.model, item.text_gguf, item.projector_gguf) for item in candidates] == [("gemma-4-e2b", *map(str, paths))]
    assert notes == ()
    ends = {progress.file: progress for progress in seen}
    assert {name: (end.done, end.total, end.of) for name, end in ends.items()} == {
        name: (len(hub.files[f"{PAIR.repository}/{name}"]),) * 2 + (2,) for name in (PAIR.text, PAIR.projector)
    }
    assert seen[0].done == 0


def test_what_is_in_the_cache_is_not_asked_for_again_even_offline(hub: Hub, tmp_path: Path) -> None:
    paths = get(hub, tmp_path)
    asked = len(hub.requests)
    assert get(hub, tmp_path) == paths
    assert len(hub.requests) == asked
    hub.refuse = 500
    assert get(hub, tmp_path) == paths


def test_a_folder_is_fetched_without_what_no_engine_reads(hub: Hub, tmp_path: Path) -> None:
    paths = get(hub, tmp_path, kind="mlx")
    assert {path.name for path in paths} == {"config.json", "tokenizer.json", "model.safetensors", "chat_template.jinja"}
    assert find.find({"HF_HOME": str(tmp_path / "hf")}, tmp_path, "test")[0][0].hf_folder == str(paths[0].parent)


def test_a_name_whose_spelling_changed_upstream_is_still_found(hub: Hub, tmp_path: Path) -> None:
    content = hub.files.pop(f"{PAIR.repository}/{PAIR.projector}")
    renamed = PAIR.projector.replace("bf16", "BF16")
    hub.files[f"{PAIR.repository}/{renamed}"] = content
    assert get(hub, tmp_path)[1].name == renamed


def test_a_name_that_is_gone_is_said_with_the_nearest(hub: Hub, tmp_path: Path) -> None:
    hub.files[f"{PAIR.repository}/gemma-4-E2B-it-Q6_K.gguf"] = hub.files.pop(f"{PAIR.repository}/{PAIR.text}")
    error = failure(hub, tmp_path)
    assert f"no longer has {PAIR.text}; nearest: gemma-4-E2B-it-Q6_K.gguf" in error.what


def test_a_connection_that_breaks_is_resumed_where_it_broke(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 5_000)  # 10 MB: what the client writes at a time
    hub.cut_after = [20_000]
    seen: list[Progress] = []
    paths = get(hub, tmp_path, seen)
    content = hub.files[f"{PAIR.repository}/{PAIR.text}"]
    assert paths[0].read_bytes() == content
    ranges = [headers["range"] for verb, _, headers in hub.requests if verb == "GET" and "range" in headers]
    assert ranges == ["bytes=20000-"]
    assert max(progress.done for progress in seen if progress.file == PAIR.text) == len(content)


def test_a_file_that_was_finished_before_an_interruption_is_kept(hub: Hub, tmp_path: Path) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.number == 2:
            raise KeyboardInterrupt

    env = {"HF_HOME": str(tmp_path / "hf"), "HF_ENDPOINT": hub.url}
    with pytest.raises(KeyboardInterrupt):
        fetch("gemma-4-e2b", env=env, home=tmp_path, memory_bytes=0, report=interrupt)
    before = len(hub.requests)
    get(hub, tmp_path)
    bodies = [path for verb, path, _ in hub.requests[before:] if verb == "GET" and "/resolve/" in path]
    assert [path.rpartition("/")[2] for path in bodies] == [PAIR.projector]


REFUSALS = {
    "gated": (403, "GatedRepo", "is gated", "accept the model's terms"),
    "gated, no token": (401, "GatedRepo", "is gated", "accept the model's terms"),
    "unauthorized": (401, "", "refuses", "set HF_TOKEN"),
    "forbidden": (403, "", "refuses", "set HF_TOKEN"),
    "no repository": (404, "RepoNotFound", "has no", "by hand"),
    "no file": (404, "EntryNotFound", "has no", "by hand"),
}


@pytest.mark.parametrize("kind", ["refuse", "refuse_files"])
@pytest.mark.parametrize("case", REFUSALS)
def test_a_refusal_says_what_helps(hub: Hub, tmp_path: Path, kind: str, case: str) -> None:
    status, hub.error_code, said, fix = REFUSALS[case]
    setattr(hub, kind, status)
    error = failure(hub, tmp_path)
    assert said in error.what
    assert fix in error.fix


def test_a_hub_in_trouble_is_said_with_its_status(hub: Hub, tmp_path: Path) -> None:
    hub.refuse = 500
    error = failure(hub, tmp_path)
    assert error.what == f"{hub.url} answered HTTP 500"
    assert "run the same command again" in error.fix


def test_a_token_reaches_the_hub_and_nobody_else(hub: Hub, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    get(hub, tmp_path, env={"HF_TOKEN": TOKEN})
    assert {headers.get("authorization") for _, _, headers in hub.requests} == {f"Bearer {TOKEN}"}
    shutil.rmtree(tmp_path / "hf")
    hub.refuse, hub.said = 403, f"the token {TOKEN} is not good"
    error = failure(hub, tmp_path, env={"HF_TOKEN": TOKEN})
    assert error.fix == "check HF_TOKEN: it was refused"
    printed = capfd.readouterr()
    assert TOKEN not in str(error) + repr(error) + printed.out + printed.err
    assert not any(TOKEN.encode() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_no_hub_at_all_is_said(hub: Hub, tmp_path: Path) -> None:
    hub.url = "http://127.0.0.1:9"
    error = failure(hub, tmp_path)
    assert error.what == "http://127.0.0.1:9 cannot be reached"
    assert "HF_ENDPOINT" in error.fix


def test_too_little_room_is_said_before_anything_is_fetched(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    error = failure(hub, tmp_path)
    assert "too little room on the disk" in error.what
    assert not [path for path in hub.asked("GET") if "/resolve/" in path]


def test_a_disk_that_fills_up_meanwhile_is_said(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("huggingface_hub.file_download.http_get", full)
    error = failure(hub, tmp_path)
    assert error.what.endswith("is full")
    assert "finished files are kept" in error.fix


def test_a_cache_that_cannot_be_made_is_said(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "hf").write_text("a file where the folder should be")
    error = failure(hub, tmp_path)
    assert error.what.endswith("cannot be written")
    assert "HF_HOME" in error.fix


def test_the_quantization_that_fits_in_memory_is_chosen() -> None:
    row = known()["gemma-4-e4b"]
    assert download.choose(row, "gguf", 16_000_000_000) == row.gguf[0]
    assert download.choose(row, "gguf", 8_000_000_000) == row.gguf[1]
    assert download.choose(row, "gguf", 1_000_000_000) == row.gguf[1]
    assert download.choose(row, "gguf", 0) == row.gguf[0]
    assert download.choose(row, "mlx", 8_000_000_000) == row.mlx[2]


def test_the_variables_of_the_process_are_honoured_and_progress_goes_to_stderr(hub: Hub, tmp_path: Path) -> None:
    code = "from runtimeprobe.weights.download import fetch; print(*fetch('gemma-4-e2b', memory_bytes=0))"
    env = os.environ | {"HF_HOME": str(tmp_path / "hf"), "HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60, check=True)
    assert [Path(path).parent.parent.parent.parent for path in done.stdout.split()] == [tmp_path / "hf/hub"] * 2
    lines = done.stderr.splitlines()
    assert lines[0].startswith(f"1/2 {PAIR.text}: 0% of")
    assert lines[-1].startswith(f"2/2 {PAIR.projector}: 100% of")
    assert TOKEN not in done.stdout + done.stderr


def test_progress_is_counted_once_when_the_hub_sends_by_xet() -> None:
    from huggingface_hub.utils._xet_progress_reporting import XetDownloadProgressReporter

    seen: list[Progress] = []
    kind = download._reporter(Progress("a", 1, 1, 0, 100), seen.append)
    with XetDownloadProgressReporter(reconstruction_desc="a", total=100, log_level=30, tqdm_class=kind) as reporter:
        for done in (40, 100):
            reporter.update_progress(
                SimpleNamespace(
                    total_bytes_completed=done,
                    total_transfer_bytes_completed=done // 2,
                    total_bytes_completion_rate=1.0,
                    total_transfer_bytes_completion_rate=1.0,
                    total_bytes=100,
                )
            )
    assert [(progress.done, progress.total) for progress in seen] == [(0, 100), (40, 100), (100, 100)]
