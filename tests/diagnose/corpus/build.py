"""The whole corpus, the same on every machine."""

from functools import cache

from tests.diagnose.corpus import looping, made
from tests.diagnose.corpus.store import Entry, read

SEED = 20261124


@cache
def corpus() -> tuple[Entry, ...]:
    files = read("files.jsonl.xz")
    return (*files, *made.entries(SEED), *read("models.jsonl.xz"), *looping.entries(SEED, files))
