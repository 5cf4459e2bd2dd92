"""A thousand of the hundred thousand damaged headers of `python -m bench fuzz`."""

from bench import fuzz


def test_damaged_headers_are_read_or_refused_in_time_and_in_little_memory() -> None:
    longest, grown = fuzz.measure(1000)
    assert longest < fuzz.SECONDS
    assert grown < fuzz.MEGABYTES
