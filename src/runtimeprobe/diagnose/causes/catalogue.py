"""Every row of the catalogue, in the order it is shown, and the examination of one file and one run. Pure."""

from runtimeprobe.diagnose.causes import backend, cache, context, mlx, sampling, template, tokenizer, weights, weights_file
from runtimeprobe.diagnose.causes.interface import Cause, FileFacts, RunFacts
from runtimeprobe.diagnose.results import Finding

FAMILIES = {
    "T": ("Tokenizer", tokenizer.ROWS),
    "C": ("Chat template", template.ROWS),
    "G": ("Weights file", weights_file.ROWS),
    "K": ("Kernels and backends", backend.ROWS),
    "V": ("KV cache", cache.ROWS),
    "S": ("Sampling", sampling.ROWS),
    "L": ("Context length", context.ROWS),
    "M": ("The weights themselves", weights.ROWS),
    "X": ("MLX", mlx.ROWS),
}
MOST_SEEN = 400  # characters: a file's own words may be megabytes
CATALOGUE: tuple[Cause, ...] = tuple(row for _, rows in FAMILIES.values() for row in rows)


def examine(file: FileFacts | None, run: RunFacts | None) -> tuple[Finding, ...]:
    """One finding per row, in the catalogue's order. What is not known is not checked, and says what was missing."""
    return tuple(_finding(cause, file, run) for cause in CATALOGUE)


def _finding(cause: Cause, file: FileFacts | None, run: RunFacts | None) -> Finding:
    look = cause.check(file, run)
    return Finding(
        id=cause.id,
        title=cause.title,
        layer=cause.layer,
        status=look.status,
        confidence=look.confidence or cause.confidence,
        seen=look.seen if len(look.seen) <= MOST_SEEN else f"{look.seen[:MOST_SEEN]}...",
        expected=look.expected or cause.expected,
        fix=cause.fix,
        source=cause.source,
    )


def page() -> str:
    """docs/causes.md."""
    lines = [
        "# Why Gemma 4 loops: the catalogue of causes",
        "",
        "Made by `python -m runtimeprobe.diagnose.causes.catalogue`. `runtimeprobe inspect` holds a file against the rows that a file",
        "shows, `runtimeprobe diagnose` against all of them. The confidence says how sure it is that a finding makes a model loop or talk",
        "nonsense. What cannot be looked at is reported as not checked, with what was missing.",
    ]
    for letter, (name, rows) in FAMILIES.items():
        lines += ["", f"## {letter}: {name}", "", "| id | cause | expected | fix | confidence | source |", "|---|---|---|---|---|---|"]
        lines += [
            "| " + " | ".join(_cell(text) for text in (row.id, row.title, row.expected, row.fix, row.confidence, row.source)) + " |"
            for row in rows
        ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "\\<")


if __name__ == "__main__":
    print(page(), end="")
