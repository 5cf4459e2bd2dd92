"""Ollama and LM Studio as their sources describe them: real HTTP servers on loopback with a real engine (a twin in llama.cpp) behind.

They stand in where the real program cannot be had, and prove nothing about it: each route, field and error text names where it was
read, with a tag: documented, source (read in its code), reported (in an issue), inferred. By hand, one says its address and stays:
`python -m tests.emulators.ollama --behaviour healthy`.
"""
