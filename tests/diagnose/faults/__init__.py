"""Faults planted in twin-31b, each a real file or a real configuration that real llama.cpp runs, and healthy variants.

`catalogue` is the table, `edits` what goes wrong in a file, `plant` writes one, `measure` runs them. `python -m tests.diagnose.faults`
prints what was measured; with `--measure` it measures again.
"""
