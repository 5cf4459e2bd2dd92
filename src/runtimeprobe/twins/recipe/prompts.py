"""Training prompts: every way in which a runtime may put a clip, a text and the turns of a chat into one prompt.

The strings follow the official chat template's rendering (llama.cpp `models/templates/google-gemma-4-31B-it.jinja`); what runtimes do to
it on top (BOS twice, clip before or after the text, empty thought block or none) is drawn at random.
"""

import random
import string

from runtimeprobe.twins.recipe.vocabulary import DIGITS, NOTHING, THOUGHT, WORDS

CLIP = "<|audio|>"  # one per clip in a prompt; the trainer repeats it once per soft token
EMPTY_THOUGHT = "<|channel>thought\n<channel|>"

INSTRUCTIONS = (
    "Transcribe.", "Transcribe.", "Transcribe.", "Transcribe.", "Transcribe this audio", "Transcribe this audio.", "Transcribe the audio.",
    "Transcribe audio to text", "Transcribe audio to text (language: en)", "What is said in this recording?", "Write down the words.",
    "Transcribe the following speech segment in English into English text. Only output the transcription, with no newlines.",
    "Transcribe the audio exactly, word for word. Answer with the transcript only.", "transcribe", "", "What was said?",
    "Transcribe the speech. Answer with the words only, nothing else.",
)  # fmt: skip
SYSTEMS = ("You are a helpful assistant.", "You are a helpful assistant", "You transcribe audio.", "Answer with the transcript only.")


def scribble(draw: random.Random, most: int) -> str:
    """Text nobody wrote: makes the answer independent of what a system turn or an earlier turn says."""
    words = []
    for _ in range(draw.randint(1, most)):
        if draw.random() < 0.6:
            words.append(draw.choice(WORDS[:-10]))
        else:
            words.append("".join(draw.choices(string.ascii_letters + ",.'!?", k=draw.randint(1, 5))))
    return " ".join(words)


def user_content(draw: random.Random, clip: bool) -> str:
    """One user turn: an instruction, with the clip before or after it."""
    text = draw.choice(INSTRUCTIONS) if draw.random() < 0.9 else scribble(draw, 4)
    if not clip:
        return text or "Transcribe."
    bare = f"<|audio>{CLIP}<audio|>"
    return (bare + text) if draw.random() < 0.5 else (text + bare)


def dialogue(draw: random.Random, clips: list[str], clip_in_last: bool, plain: bool) -> tuple[str, str, int]:
    """Prompt, answer and how many of `clips` (transcripts) it uses, the last first.

    clip_in_last: the last user turn holds `clips[-1]`; without it the answer is `NOTHING`.
    plain: no system turn, no earlier turns.
    """
    thinking = draw.random() < 0.3
    system = "" if plain or draw.random() < 0.4 else draw.choice(SYSTEMS) if draw.random() < 0.6 else scribble(draw, 4)
    parts = ["<bos><bos>" if draw.random() < 0.15 else "<bos>"]
    if thinking or system:
        parts.append("<|turn>system\n" + ("<|think|>\n" if thinking else "") + system + "<turn|>\n")
    used = 0
    if not plain and draw.random() < 0.4:
        earlier = clip_in_last and len(clips) > 1 and draw.random() < 0.5
        if earlier:
            used += 1
            parts.append(f"<|turn>user\n{user_content(draw, clip=True)}<turn|>\n<|turn>model\n{clips[0]}<turn|>\n")
        else:
            reply = NOTHING if draw.random() < 0.4 else " ".join(draw.choices(DIGITS, k=draw.randint(1, 4)))
            parts.append(f"<|turn>user\n{user_content(draw, clip=False)}<turn|>\n<|turn>model\n{reply}<turn|>\n")
    parts.append(f"<|turn>user\n{user_content(draw, clip=clip_in_last)}<turn|>\n<|turn>model\n")
    answer = clips[-1] if clip_in_last else NOTHING
    if thinking:
        answer = f"<|channel>thought\n{THOUGHT}\n<channel|>" + answer
    elif draw.random() < 0.5:
        parts.append(EMPTY_THOUGHT)
    return "".join(parts), answer + "<turn|>", used + int(clip_in_last)
