"""Ollama: whatever server answers, or one of ours where the program is installed and none does.

In come an address, or nothing, and the twins' files; out go replies and the server's own words. find: which server. process: `ollama
serve`, ours. server: what is asked beside answers. models: what it holds. twins: brought in, and taken away. routes, replies: the asks.
"""

from runtimeprobe_ollama.adapter import Ollama

__all__ = ["Ollama"]
