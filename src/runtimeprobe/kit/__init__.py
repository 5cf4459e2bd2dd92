"""What an adapter may use beside the contract, if it wants to.

address, reply, files, gguf, process, guard and afterwards need the standard library alone: which server may be asked, what it said, what a
model file is, a server of ours that never outlives us, and what must be undone on somebody's server even if we are killed. http is built
on httpx. Nothing here knows a runtime by name.
"""
