"""Loops: seeing one in streamed text as it starts. Text (and token ids, where the runtime gives them) comes in piece by piece, the loop
with its class, start, period and confidence goes out, or nothing. Pure, at a cost per character that does not depend on the length; on
the standard library alone, because an engine's child listens with it in whatever environment it runs.

`Detector` is the stream, `find_loop` the same for one finished text. docs/loops.md says what counts as a loop and why.
"""

from runtimeprobe.diagnose.loops.detector import Detector, Loop, find_loop, loop_in
from runtimeprobe.diagnose.loops.evidence import Kind

__all__ = ["Detector", "Kind", "Loop", "find_loop", "loop_in"]
