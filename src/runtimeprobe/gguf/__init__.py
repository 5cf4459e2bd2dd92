"""Model files read from the outside: GGUF, safetensors, and Hugging Face folders.

In: a path to a file nobody has vouched for. Out: its metadata and tensor table, or `BadFile` saying where it lies.
Every read is bounded and tensor data is never touched, so a hostile file costs at most a second and a few megabytes.
"""
