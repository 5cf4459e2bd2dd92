"""Ollama: for now only whether a server answers, and which version. Probing it is the next release's.

In comes OLLAMA_HOST; out goes always an `Absent`, with what was found there and the command that changes it.
"""

from runtimeprobe_ollama.adapter import Ollama

__all__ = ["Ollama"]
