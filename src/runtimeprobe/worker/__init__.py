"""The wall between us and the engines: one child process per engine, spoken to in JSON lines over a private pipe.

In goes an operation of the adapter contract with a limit in seconds; out comes its result, or a typed failure. Whatever the engine does to
its own process (segfault, hang, kill, garbage, memory) ends here as a value. `child.py` runs on the standard library and the adapter alone.
"""
