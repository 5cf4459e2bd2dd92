"""LM Studio: for now only whether its server answers. Probing it is the next release's.

Asks the loopback address on LM Studio's default port; always an `Absent` comes back: what was found there, and the command that
changes it.
"""

from runtimeprobe_lmstudio.adapter import LmStudio

__all__ = ["LmStudio"]
