"""How many soft tokens a sound must become in Gemma 4's audio tower: plain arithmetic on the number of samples.

Checked in tests/audio against transformers' `Gemma4AudioFeatureExtractor` (exact for every length, padding masked out). Where a
runtime counts otherwise, on purpose or not:

    llama.cpp   the same up to 30 s, then goes on in chunks of 30 s instead of cutting (`chunked_soft_tokens`); C's division rounds
                towards zero, so a chunk shorter than one frame still costs 1 token (tools/mtmd/mtmd-audio.cpp, class gemma4a)
    mlx-vlm     ceil(milliseconds / 40) placeholders, at most 750: never less, and never more than one token more
"""

SAMPLE_RATE_HZ = 16_000
FRAME_SAMPLES = 320  # 20 ms window of the mel spectrogram
HOP_SAMPLES = 160  # 10 ms from frame to frame
PAD_SAMPLES = FRAME_SAMPLES // 2  # zeros before the first sample ("semicausal"), so that frame 0 is centred on it
UNFOLD_SAMPLES = FRAME_SAMPLES + 1  # the extractor cuts windows one sample longer, for a pre-emphasis that Gemma 4 leaves at 0
SUBSAMPLINGS = 2  # convolutions over time: kernel 3, padding 1, stride 2
SECONDS_PER_TOKEN = HOP_SAMPLES * 2**SUBSAMPLINGS / SAMPLE_RATE_HZ  # 0.04
MAX_SOFT_TOKENS = 750  # `audio_seq_length` of the published processor_config.json
MAX_SAMPLES = 480_000  # `max_length` of the feature extractor
MAX_SECONDS = MAX_SAMPLES / SAMPLE_RATE_HZ  # 30.0, which is MAX_SOFT_TOKENS * SECONDS_PER_TOKEN


def mel_frames(samples: int) -> int:
    """Whole frames in `samples` at 16 kHz; 0 when not even one fits."""
    return max(0, (samples + PAD_SAMPLES - UNFOLD_SAMPLES) // HOP_SAMPLES + 1)


def expected_soft_tokens(samples: int) -> int:
    """Soft tokens of a clip of `samples` at 16 kHz, cut at 30 s as the published processor cuts it."""
    steps = mel_frames(min(samples, MAX_SAMPLES))
    for _ in range(SUBSAMPLINGS):
        steps = (steps - 1) // 2 + 1
    return min(steps, MAX_SOFT_TOKENS)


def chunked_soft_tokens(samples: int) -> int:
    """Soft tokens when a longer clip goes on in further chunks of 30 s, as in llama.cpp."""
    whole, rest = divmod(samples, MAX_SAMPLES)
    return whole * MAX_SOFT_TOKENS + (max(1, expected_soft_tokens(rest)) if rest else 0)


def seconds(samples: int) -> float:
    """Length of `samples` at 16 kHz."""
    return samples / SAMPLE_RATE_HZ
