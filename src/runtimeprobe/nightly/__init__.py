"""The nightly run on GitHub's runners: which jobs there are, and what becomes of regressions.

table        .github/nightly.toml, typed and checked
planning     the table -> jobs (pure)
github       jobs -> the matrix of a workflow, within GitHub's limits (pure)
absent       what of the table was not measured tonight, as skipped cells (pure)
timelines    last week's timeline and this week's to one (pure)
regressions  a history -> what got worse and still is (pure)
bodies       regressions -> titles and bodies of issues (pure)
issues       regressions and the issues there are -> what to open, update and close (pure)
models       digests of published files, and whether those in a cache have them
__main__     what the workflow calls that no user needs
"""
