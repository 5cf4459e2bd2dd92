"""Ways in which an engine can lie or break: each a small wrapper around a real engine (xllamacpp with a twin), through the whole pipeline.

`cases.py` is the table: what is done to the clip, to the model's file or to the reply, and the verdict and reason that must come out.
"""
