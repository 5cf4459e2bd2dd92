import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.gguf import models

from runtimeprobe.contract import Candidate
from runtimeprobe.weights import find
from runtimeprobe.weights.fit import needed_bytes
from runtimeprobe.weights.places import places
from runtimeprobe.weights.walk import walk


def look(
    home: Path, env: dict[str, str] | None = None, *, paths: tuple[Path, ...] = (), platform: str = "test", memory: int = 0
) -> tuple[list[Candidate], list[str]]:
    candidates, notes = find.find(env or {}, home, platform, paths, memory)
    return list(candidates), [str(note) for note in notes]


def pair(folder: Path, model: str = "gemma-4-e2b") -> tuple[Path, Path]:
    return models.text(folder / "any.gguf", model), models.projector(folder / "mm.gguf", models.WIDTH[model])


def test_nothing_here_is_no_candidate_and_no_note(tmp_path: Path) -> None:
    assert look(tmp_path) == ([], [])


@pytest.mark.parametrize("model", ["gemma-4-e2b", "gemma-4-e4b"])
@pytest.mark.parametrize(
    ("env", "platform", "inside"),
    [
        ({}, "linux", ".cache/huggingface/hub/models--x--y/snapshots/abc"),
        ({"HF_HOME": "{home}/hf"}, "linux", "hf/hub/models--x--y/snapshots/abc"),
        ({"HF_HUB_CACHE": "{home}/hub"}, "linux", "hub/models--x--y/snapshots/abc"),
        ({"HF_HUB_CACHE": "~/hub"}, "linux", "hub/models--x--y/snapshots/abc"),
        ({"XDG_CACHE_HOME": "{home}/xdg"}, "linux", "xdg/huggingface/hub/models--x--y/snapshots/abc"),
        ({}, "linux", ".cache/llama.cpp"),
        ({"XDG_CACHE_HOME": "{home}/xdg"}, "linux", "xdg/llama.cpp"),
        ({}, "darwin", "Library/Caches/llama.cpp"),
        ({"LOCALAPPDATA": "{home}/local"}, "win32", "local/llama.cpp"),
        ({"LLAMA_CACHE": "{home}/llama"}, "linux", "llama"),
        ({"LLAMA_CACHE": "{home}/llama"}, "linux", "llama/models--x--y/snapshots/abc"),
        ({}, "linux", ".lmstudio/models/publisher/repo"),
        ({}, "linux", ".cache/lm-studio/models/publisher/repo"),
    ],
)
def test_every_owner_s_folder_is_looked_into(tmp_path: Path, env: dict[str, str], platform: str, inside: str, model: str) -> None:
    text, projector = pair(tmp_path / inside, model)
    candidates, notes = look(tmp_path, {name: value.format(home=tmp_path) for name, value in env.items()}, platform=platform)
    assert candidates == [Candidate(model, "real", str(text), str(projector))]
    assert notes == []


def test_lm_studio_s_pointer_file_is_followed(tmp_path: Path) -> None:
    text, _ = pair(tmp_path / "elsewhere/models/a/b")
    (tmp_path / ".lmstudio-home-pointer").write_text(f"{tmp_path}/elsewhere\n")
    assert look(tmp_path)[0][0].text_gguf == str(text)


def ollama(store: Path, *blobs: tuple[str, Path], tag: str = "registry.ollama.ai/library/gemma4/e2b") -> None:
    layers = []
    (store / "blobs").mkdir(parents=True, exist_ok=True)
    for number, (kind, path) in enumerate(blobs):
        digest = f"{number:064x}"
        shutil.move(path, store / "blobs" / f"sha256-{digest}")
        layers.append({"mediaType": f"application/vnd.ollama.image.{kind}", "digest": f"sha256:{digest}", "size": 1})
    manifest = store / "manifests" / tag
    manifest.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_text(json.dumps({"schemaVersion": 2, "layers": layers}))


def test_ollama_s_blobs_are_found_by_their_manifest(tmp_path: Path) -> None:
    text, projector = pair(tmp_path)
    store = tmp_path / "store"
    ollama(store, ("model", text), ("projector", projector))
    candidates, notes = look(tmp_path, {"OLLAMA_MODELS": str(store)})
    assert notes == []
    assert [(Path(item.text_gguf).name, Path(item.projector_gguf).name) for item in candidates] == [
        (f"sha256-{0:064x}", f"sha256-{1:064x}")
    ]


def test_ollama_s_own_conversion_is_named_with_its_tag(tmp_path: Path) -> None:
    store = tmp_path / ".ollama/models"
    ollama(store, ("model", models.text(tmp_path / "a.gguf", audio=True)))
    candidates, notes = look(tmp_path)
    assert candidates == []
    assert len(notes) == 1
    assert "gemma4:e2b: holds text and audio in one file" in notes[0]


def test_a_manifest_cannot_lead_out_of_the_store(tmp_path: Path) -> None:
    store = tmp_path / ".ollama/models"
    ollama(store)
    outside = models.text(tmp_path / "outside.gguf")
    manifest = store / "manifests/registry.ollama.ai/library/gemma4/e2b"
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": f"../../../{outside.name}"}
    for text in (json.dumps({"layers": [layer]}), "{", "[]", '{"layers": 3}', ""):
        manifest.write_text(text)
        assert look(tmp_path)[0] == []


def test_the_projector_beside_the_model_comes_before_a_better_one_elsewhere(tmp_path: Path) -> None:
    lmstudio = tmp_path / ".lmstudio/models/a"
    models.text(lmstudio / "one/text.gguf")
    beside = models.projector(lmstudio / "one/mmproj.gguf", file_type=7)
    models.projector(lmstudio / "two/mmproj.gguf", file_type=32)
    assert look(tmp_path)[0][0].projector_gguf == str(beside)


def test_of_several_projectors_the_least_quantized_is_taken(tmp_path: Path) -> None:
    lmstudio = tmp_path / ".lmstudio/models/a"
    models.text(lmstudio / "text.gguf")
    models.projector(lmstudio / "a-q8.gguf", file_type=7)
    full = models.projector(lmstudio / "b-bf16.gguf", file_type=32)
    models.projector(lmstudio / "c-f16.gguf", file_type=1)
    assert look(tmp_path)[0][0].projector_gguf == str(full)


def test_a_projector_of_the_other_size_is_never_taken(tmp_path: Path) -> None:
    lmstudio = tmp_path / ".lmstudio/models/a"
    models.text(lmstudio / "one/text.gguf", "gemma-4-e2b")
    models.projector(lmstudio / "one/mmproj.gguf", 2560)
    candidates, notes = look(tmp_path)
    assert candidates == []
    assert len(notes) == 1
    assert "wants a projector to 1536; the one beside it projects to 2560" in notes[0]
    elsewhere = models.projector(lmstudio / "two/mmproj.gguf", 1536)
    assert look(tmp_path)[0][0].projector_gguf == str(elsewhere)


UNUSABLE: dict[str, tuple[dict[str, Any], str]] = {
    "no audio encoder": ({"audio": None}, "projector has no audio encoder"),
    "audio encoder denied": ({"audio": False}, "projector has no audio encoder"),
    "audio claimed without a tensor": ({"tensors": False}, "claims an audio encoder and has no audio tensor"),
    "another audio part": ({"kind": "gemma4ua"}, "of type 'gemma4ua', not gemma4a"),
    "another family": ({"kind": "ultravox", "vision": "pixtral"}, "projector of another family (ultravox)"),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_a_projector_that_cannot_hear_is_noted_with_the_reason(tmp_path: Path, case: str) -> None:
    made, said = UNUSABLE[case]
    lmstudio = tmp_path / ".lmstudio/models/a"
    models.text(lmstudio / "text.gguf")
    path = models.projector(lmstudio / "mmproj.gguf", **made)
    candidates, notes = look(tmp_path)
    assert candidates == []
    assert any(note.startswith(f"{path}: ") and said in note for note in notes)
    assert any(
        "without a projector cannot hear; download mmproj-gemma-4-E2B-it-bf16.gguf from ggml-org/gemma-4-E2B-it-GGUF" in note
        for note in notes
    )


def test_other_models_and_their_projectors_are_passed_over_in_silence(tmp_path: Path) -> None:
    lmstudio = tmp_path / ".lmstudio/models/a"
    models.projector(lmstudio / "mmproj.gguf", kind="ultravox", vision="pixtral")
    path = models.text(lmstudio / "text.gguf")
    path.write_bytes(path.read_bytes().replace(b"gemma4", b"llama4"))
    pair(tmp_path / ".lmstudio/models/b")
    assert look(tmp_path)[1] == []
    assert len(look(tmp_path)[0]) == 1


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_a_file_that_is_cut_off_is_noted_with_what_is_missing(tmp_path: Path, share: float) -> None:
    folder = tmp_path / ".lmstudio/models/a"
    text, _ = pair(folder)
    models.text(text, pad=100_000)
    data = text.read_bytes()
    text.write_bytes(data[: int(len(data) * share)])
    candidates, notes = look(tmp_path)
    assert candidates == []
    assert any("cut off" in note and "missing" in note for note in notes)
    text.write_bytes(data[:700])
    candidates, notes = look(tmp_path)
    assert candidates == []
    assert any("at byte" in note and "are left" in note for note in notes)


def test_a_text_model_that_lies_about_its_size_is_not_taken(tmp_path: Path) -> None:
    folder = tmp_path / ".lmstudio/models/a"
    models.projector(folder / "mm.gguf", 2560)
    models.text(folder / "text.gguf", "gemma-4-e2b", embedding_length=2560)
    candidates, notes = look(tmp_path)
    assert candidates == []
    assert any("has the layers of gemma-4-e2b and an embedding length of 2560" in note for note in notes)


def test_a_twin_is_never_taken_for_a_published_checkpoint(tmp_path: Path) -> None:
    folder = tmp_path / ".lmstudio/models/a"
    models.projector(folder / "mm.gguf", 64)
    models.text(folder / "text.gguf", block_count=10, embedding_length=64, name="twin-e2b")
    candidates, notes = look(tmp_path)
    assert candidates == []
    assert any("one of our twins" in note for note in notes)


def test_snapshots_that_link_to_one_blob_count_once(tmp_path: Path) -> None:
    repo = tmp_path / ".cache/huggingface/hub/models--x--y"
    text, projector = pair(repo / "blobs")
    for commit in ("a", "b"):
        (repo / "snapshots" / commit).mkdir(parents=True)
        (repo / "snapshots" / commit / "text.gguf").symlink_to(text)
        (repo / "snapshots" / commit / "mmproj.gguf").symlink_to(projector)
    seen = find.look(places({}, tmp_path, "test"))
    assert (len(seen.texts), len(seen.projectors)) == (1, 1)


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    folder = tmp_path / ".lmstudio/models/a"
    text, _ = pair(folder)
    (folder / "again").symlink_to(tmp_path / ".lmstudio/models")
    (folder / "self").symlink_to(folder)
    assert look(tmp_path)[0][0].text_gguf == str(text)


def test_a_walk_is_bounded_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find, "walk", lambda folder, note, **options: walk(folder, note, entries=50, **options))
    folder = tmp_path / ".lmstudio/models/a"
    folder.mkdir(parents=True)
    for number in range(60):
        (folder / f"{number}.txt").touch()
    assert any("more than 50 files" in note for note in look(tmp_path)[1])
    deep = tmp_path / ".cache/llama.cpp" / "/".join("abcdefghij")
    pair(deep)
    assert look(tmp_path)[0] == []


def test_what_fits_in_memory_is_taken_and_else_the_least_quantized(tmp_path: Path) -> None:
    folder = tmp_path / ".lmstudio/models/a"
    small = models.text(folder / "q4.gguf", pad=1_000, file_type=15)
    large = models.text(folder / "q8.gguf", pad=80_000_000)
    models.projector(folder / "mm.gguf")
    assert look(tmp_path)[0][0].text_gguf == str(large)
    assert look(tmp_path, memory=10**12)[0][0].text_gguf == str(large)
    between = needed_bytes(40_000_000, 0, find.look(places({}, tmp_path, "test")).texts[0].needs_bytes)
    assert look(tmp_path, memory=between)[0][0].text_gguf == str(small)


def test_a_folder_in_hugging_face_s_layout_joins_the_candidate(tmp_path: Path) -> None:
    text, projector = pair(tmp_path / ".lmstudio/models/a")
    small = models.folder(tmp_path / ".cache/huggingface/hub/models--m--n/snapshots/c", bits=4)
    assert look(tmp_path)[0] == [Candidate("gemma-4-e2b", "real", str(text), str(projector), str(small))]
    large = models.folder(tmp_path / ".lmstudio/models/b", pad=100_000)
    assert look(tmp_path)[0][0].hf_folder == str(large)


FOLDERS: dict[str, tuple[dict[str, Any], str]] = {
    "no audio tower": ({"audio": False}, "without an audio tower"),
    "audio configured, no weights": ({"weights": False}, "a text-only conversion"),
    "no tokenizer": ({"drop": "tokenizer.json"}, "has no tokenizer.json; finish the download"),
}


@pytest.mark.parametrize("case", FOLDERS)
def test_a_folder_that_cannot_hear_is_noted_with_the_reason(tmp_path: Path, case: str) -> None:
    made, said = FOLDERS[case]
    models.folder(tmp_path / ".lmstudio/models/a", **made)
    candidates, notes = look(tmp_path)
    assert candidates == []
    assert len(notes) == 1
    assert said in notes[0]


def test_a_folder_with_a_missing_or_short_weights_file_is_noted(tmp_path: Path) -> None:
    path = models.folder(tmp_path / ".lmstudio/models/a", pad=10_000)
    weights = path / "model.safetensors"
    data = weights.read_bytes()
    weights.write_bytes(data[:-100])
    assert "100 bytes of its weights are missing" in look(tmp_path)[1][0]
    index = path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}}))
    assert "model-2.safetensors is not here; finish the download" in look(tmp_path)[1][0]
    index.write_text(json.dumps({"weight_map": {"a": "../../../etc/passwd"}}))
    assert "not a file beside it" in look(tmp_path)[1][0]
    for text in ("{", "[]", "{}", '{"weight_map": 3}'):
        index.write_text(text)
        assert look(tmp_path)[0] == []
        assert len(look(tmp_path)[1]) == 1


class TestModelPath:
    def test_a_named_file_comes_first_and_finds_the_projector_beside_it(self, tmp_path: Path) -> None:
        pair(tmp_path / ".lmstudio/models/a")
        text, projector = pair(tmp_path / "mine")
        models.text(tmp_path / "mine/larger.gguf", pad=100_000)
        assert look(tmp_path, paths=(text,))[0] == [Candidate("gemma-4-e2b", "real", str(text), str(projector))]

    def test_a_named_folder_is_searched(self, tmp_path: Path) -> None:
        text, projector = pair(tmp_path / "mine/deep", "gemma-4-e4b")
        folder = models.folder(tmp_path / "mine/mlx", "gemma-4-e4b")
        assert look(tmp_path, paths=(tmp_path / "mine",))[0] == [Candidate("gemma-4-e4b", "real", str(text), str(projector), str(folder))]

    def test_a_projector_alone_goes_with_a_model_found_elsewhere(self, tmp_path: Path) -> None:
        text = models.text(tmp_path / ".lmstudio/models/a/text.gguf")
        projector = models.projector(tmp_path / "mine/mm.gguf")
        assert look(tmp_path, paths=(projector,))[0] == [Candidate("gemma-4-e2b", "real", str(text), str(projector))]

    def test_what_was_named_and_is_no_use_is_said(self, tmp_path: Path) -> None:
        other = models.projector(tmp_path / "mm.gguf", kind="ultravox", vision="pixtral")
        assert "projector of another family" in look(tmp_path, paths=(other,))[1][0]
        text = tmp_path / "x/notes.txt"
        text.parent.mkdir()
        text.write_text("hello")
        assert "not a GGUF file" in look(tmp_path, paths=(text,))[1][0]
        assert "holds no Gemma 4 model" in look(tmp_path, paths=(text.parent,))[1][0]
        assert "No such file" in look(tmp_path, paths=(tmp_path / "absent.gguf",))[1][0]


def test_an_unfinished_download_is_noted(tmp_path: Path) -> None:
    blob = tmp_path / ".cache/huggingface/hub/models--ggml-org--gemma-4-E2B-it-GGUF/blobs/abc.incomplete"
    blob.parent.mkdir(parents=True)
    blob.touch()
    assert look(tmp_path)[1] == [f"{blob}: is an unfinished download; run it again"]
