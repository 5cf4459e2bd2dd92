"""The memory of the table: an append-only store of runs, and what changed between them.

model     the structs that flow: keys, spells, tracks, changes
rates     pass rates with intervals
files     reading within bounds, writing in one step
ledger    runs -> tracks, one run at a time (pure), and its compact file
classify  tracks -> changes (pure)
known     known upstream issues, and what they say of a cell
merge     shards of a run -> one matrix (pure)
compare   two matrices -> changes (pure)
index     which runs there are
store     the folder that holds it all
"""
