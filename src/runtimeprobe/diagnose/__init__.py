"""Why a model loops, and what stops it.

loops/ sees a loop in streamed text. causes/ knows what can be seen without running. changes, ablate and rates say what to try and what it
showed, rank what that means: all pure. experiment asks the engine, mending writes a mended file, diagnosing conducts.
"""
