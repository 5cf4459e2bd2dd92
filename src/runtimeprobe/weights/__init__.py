"""Published Gemma 4 weights: which there are, where they lie on this machine, whether they fit, and how to fetch them.

In: an environment, a home folder, a path the user gave. Out: `Candidate`s with weights "real", notes on what was found and
cannot be used, and the exact download that would help. Files are told by their metadata, never by their name.
"""
