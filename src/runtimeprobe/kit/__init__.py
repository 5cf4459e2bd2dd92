"""What an adapter may use beside the contract, if it wants to.

http: requests to a runtime's server, this machine alone unless allowed, bounded. guard: a server of ours that never outlives us.
afterwards: what must be undone on somebody's server, undone even if we are killed. gguf: a few keys of a model file, whatever it claims.
Nothing here knows a runtime by name.
"""
