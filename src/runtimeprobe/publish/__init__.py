"""Ways to show a matrix: one module per format. A `Matrix` goes in, text comes out; nothing is measured here."""
