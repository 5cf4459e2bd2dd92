"""The corpus of looping and clean outputs that the loop detector is measured on. `python -m tests.diagnose.corpus` builds it from one seed.

stored/ holds what cannot be made again elsewhere: what models said, and excerpts of real files with source and licence. The rest is
made by rule (`made`, `looping`). Every entry belongs to the half that thresholds were set on ("tune") or to the other ("held out").
"""
