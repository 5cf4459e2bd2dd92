"""Since which release does an engine hear: every release in an environment of its own, probed like any engine, and the story they tell.

index      the releases of an engine and their dates, from the package index
environments  one environment per release, kept in the cache folder; installer: uv, which makes them
choosing   from what the user wrote to the releases that are meant
probing    one release -> its row
known      rows that were measured before
search     which releases to probe: every one, or those that close in on a change
story      rows -> since when, and what changed where (pure)
running    all of them together
parting    where a release that answers wrong parts from one that hears
results    the typed structs
"""
