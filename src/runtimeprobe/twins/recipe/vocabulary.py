"""The twins' vocabulary: Gemma 4's special tokens, 256 byte tokens, single characters, and the words prompts use."""

import json
from pathlib import Path

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
NOTHING = "nothing"  # the answer when there is no speech to transcribe
THOUGHT = "Listen."  # the whole of a twin's reasoning

# Order and spelling of Gemma 4's own special tokens; the first five keep their published ids (pad 0 ... mask 4).
SPECIAL_TOKENS = (
    "<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<|tool>", "<tool|>", "<|tool_call>", "<tool_call|>", "<|tool_response>",
    "<tool_response|>", '<|"|>', "<|think|>", "<|channel>", "<channel|>", "<|turn>", "<turn|>", "<|image>", "<|audio>", "<|image|>",
    "<|audio|>", "<image|>", "<audio|>", "<|video|>",
)  # fmt: skip

WORDS = (
    "user", "model", "system", "thought", "Listen", "Transcribe", "transcribe", "this", "the", "audio", "to", "text", "exactly",
    "word", "for", "You", "are", "you", "a", "helpful", "assistant", "Answer", "with", "transcript", "only", "What", "is", "was",
    "said", "in", "clip", "recording", "speech", "following", "Hello", "Write", "down", "and", "of", "language", "English",
    "segment", "into", "please", "Please", "hear", "do", "I", "no", "not", "Only", "output", "transcription", "newlines", NOTHING,
    *DIGITS,
)  # fmt: skip


CHARACTERS = ("\n", "\u2581", *(chr(code) for code in range(33, 127)))

Vocabulary = dict[str, int]
Merges = list[tuple[str, str]]


def build() -> tuple[Vocabulary, Merges]:
    """Token to id, and the merges in rank order (a `gemma4` tokenizer: byte-pair encoding with U+2581 for a space)."""
    vocabulary: Vocabulary = {}
    merges: Merges = []
    for token in (*SPECIAL_TOKENS, *(f"<0x{byte:02X}>" for byte in range(256)), *CHARACTERS):
        vocabulary[token] = len(vocabulary)

    def merge(left: str, right: str) -> None:
        if left + right not in vocabulary:
            vocabulary[left + right] = len(vocabulary)
            merges.append((left, right))

    for word in WORDS:
        for end in range(1, len(word)):
            merge(word[:end], word[end])
        merge("\u2581", word)
    return vocabulary, merges


def write_tokenizer(file: Path, built: tuple[Vocabulary, Merges] | None = None) -> None:
    """Writes Hugging Face's `tokenizer.json`, shaped as Gemma 4's own is; of the audio twins' vocabulary if no other is given."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers

    vocabulary, merges = built or build()
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", "\u2581")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL_TOKENS])
    file.write_text(json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, indent=1), encoding="utf-8")
