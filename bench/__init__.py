"""What the figures in the README are made with: `make bench`, or `python -m bench NAME`.

Every figure is a ratio or a count from one run on one machine.
"""
