"""llama.cpp: xllamacpp, llama-cpp-python and llama-server behind one adapter.

Enters: a model's files and asks of the contract. Leaves: replies with the engine's own counts, or the contract's errors with
the engine's own words. One module per engine (`embedded`, `python_binding`, `server`); everything here runs on the standard
library and the engine alone, so that it also works inside another environment that holds an older release.
"""

from runtimeprobe_llamacpp.adapter import LlamaCpp

__all__ = ["LlamaCpp"]
