"""What can be known about a looping model without running it: one module per family of causes, each a table of rows.

`facts.py` reads a model file into `FileFacts` once, and `rendering.py` renders its template in a child process; the adapter's words about
the run become `RunFacts`. Everything behind them is pure: `catalogue.examine` holds each row against the facts and says found, clear or
not checked, with what was seen.
"""
