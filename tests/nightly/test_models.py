"""Digests that name cached weights."""

import hashlib
from pathlib import Path

import pytest
from click.testing import CliRunner

from runtimeprobe.nightly import models
from runtimeprobe.nightly.__main__ import group

HERE = {"a.gguf": "1" * 64, "b.gguf": "2" * 64, "config.json": "3" * 40, "README.md": "4" * 40, "sub/x.json": "5" * 40}


def test_another_file_is_another_digest_and_the_order_is_no_matter() -> None:
    both = models.joined(HERE, ("a.gguf", "b.gguf"))
    assert both == models.joined(HERE, ("b.gguf", "a.gguf"))
    assert both != models.joined(HERE, ("a.gguf",))
    assert both != models.joined({**HERE, "b.gguf": "6" * 64}, ("a.gguf", "b.gguf"))


def test_of_a_folder_only_what_an_engine_reads_counts() -> None:
    whole = models.joined(HERE, ())
    assert whole == models.joined({**HERE, "README.md": "7" * 40, "sub/x.json": "8" * 40, "a.gguf": "9" * 64}, ())
    assert whole != models.joined({**HERE, "config.json": "0" * 40}, ())


def test_a_file_that_the_hub_lacks_is_an_error() -> None:
    with pytest.raises(models.NoDigest, match=r"no file c\.gguf"):
        models.joined(HERE, ("c.gguf",))
    with pytest.raises(models.NoDigest, match="no file that an engine reads"):
        models.joined({"README.md": "1" * 40}, ())


def test_a_damaged_file_of_the_cache_is_removed(tmp_path: Path) -> None:
    blobs = tmp_path / "models--a--b" / "blobs"
    blobs.mkdir(parents=True)
    good, bad = blobs / hashlib.sha256(b"whole").hexdigest(), blobs / hashlib.sha256(b"other").hexdigest()
    good.write_bytes(b"whole")
    bad.write_bytes(b"cut")
    (blobs / ("a" * 40)).write_bytes(b"a small file, named by git's digest")
    done = CliRunner().invoke(group, ["check", str(tmp_path)])
    assert done.exit_code == 0
    assert bad.name in done.output
    assert (good.exists(), bad.exists(), len(list(blobs.iterdir()))) == (True, False, 2)
    assert CliRunner().invoke(group, ["check", str(tmp_path / "none")]).exit_code == 0
