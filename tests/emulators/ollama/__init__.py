"""Ollama as its source describes it: `python -m tests.emulators.ollama --behaviour NAME`, over llama.cpp's own server on what was uploaded.

Read in ollama/ollama at fb30760 (v0.33.0-rc2, 2026-08-21); a reference such as `server/routes.go ChatHandler` is to that commit and tagged
[source] unless another tag stands there. store: blobs and models. prompt: what Gemma 4 is given and how its answer is read. runner: the
loaded model. shapes: replies. application: routes. behaviours: the ways in which it can go wrong.
"""
