"""Sound: the shipped clips, how many tokens they must cost, how answers are scored, and how any recording is read.

What enters: the files of audio_samples/ and recordings of the user's own, whose headers are not to be trusted. What leaves: typed
clips, 16 kHz mono samples, word error rates. `recipe` made the shipped files and needs espeak-ng; nothing else here does.
"""
