"""Miniature Gemma 4 checkpoints that can hear, in every format a runtime loads, and the recipe that made them.

`files` finds and verifies what is shipped in data/ and needs the standard library alone; chat_template.jinja is the twins' own;
recipe/ trains, exports, compares and evaluates, and is never imported by the rest of the product.
"""
