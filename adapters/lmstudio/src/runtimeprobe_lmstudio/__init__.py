"""LM Studio's server, in the app or headless, spoken to over HTTP; `lms`, its command line, for what HTTP cannot do.

adapter.py drives the rest: wire.py carries requests, asks.py and answers.py are the words of its four routes, listing.py its models,
disk.py what lies in its folder, lms.py its command, knobs.py the levers, errors.py its failures, token.py the one secret.
"""

from runtimeprobe_lmstudio.adapter import LmStudio

__all__ = ["LmStudio"]
