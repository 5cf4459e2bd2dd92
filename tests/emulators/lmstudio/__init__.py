"""LM Studio 0.4.23 as its docs, its command line's source and its issue tracker describe it, with llama.cpp's server behind.

behaviours.py: the ways to behave, with the source of each. store.py: models on disk and in memory. native.py: /api/v1 and /api/v0.
compat.py: /v1. words.py: what it says when it refuses. BT: issue of lmstudio-ai/lmstudio-bug-tracker.
"""
