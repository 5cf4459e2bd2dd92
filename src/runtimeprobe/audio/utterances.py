"""What the shipped clips say, and in which voices: the data behind `recipe`.

Digit clips are for the twins, which know nothing but digits. Voices and speeds lie in the range the twins were trained on; the
utterances themselves are not in their training set. No speed is one of those their held-out test uses.
"""

from runtimeprobe.twins.recipe.speech import Utterance


def say(text: str, voice: str, speed_wpm: int, pitch: int, gap: int) -> Utterance:
    return Utterance(tuple(text.split()), voice, speed_wpm, pitch, gap)


# (A, B) of each hearing set: no digit in common, so that swapped or echoed answers cannot look right; B at least a second longer.
DIGIT_PAIRS = (
    (say("three nine", "en-us", 150, 50, 4), say("one four seven two six", "en-gb+f2", 140, 55, 4)),
    (say("five eight two", "en-gb-x-rp+m3", 180, 45, 4), say("zero seven one six four", "en-us+f1", 135, 60, 4)),
    (say("four one", "en-gb+m2", 155, 50, 4), say("nine two six eight three", "en-us+m1", 132, 45, 4)),
    (say("seven zero six", "en-us+f3", 185, 55, 4), say("three five one eight nine", "en-gb", 135, 50, 4)),
    (say("eight five", "en-us+m7", 150, 40, 4), say("six three zero nine one", "en-gb-x-rp", 140, 50, 4)),
)
# Not in a set: the shortest clip, and one with the same word twice in a row.
MORE_DIGITS = (say("two", "en-us", 140, 50, 4), say("nine nine four zero", "en-gb+f2", 150, 50, 4))
# Said at the start of the two long clips for the twins; silence follows.
LONG_DIGITS = (
    (29, say("two seven three eight one", "en-us", 150, 50, 4)),
    (35, say("four zero five nine six", "en-us+f1", 150, 55, 4)),
)

PHRASE_VOICES = ("en-us", "en-gb+f2")
PHRASE_SPEED_WPM = 150
PHRASE_SEED = 20_261_124
PHRASE_SETS = 6
PHRASE_WORDS = (6, 9)  # words of A and of B

# Common words of two or more syllables with one spelling on both sides of the Atlantic, no homophone (American
# flapping makes "ladder" one) and no number. Drawn at random without replacement: what comes next cannot be guessed from what came before.
COMMON_WORDS = (
    "adventure", "animal", "answer", "apple", "artist", "autumn", "balcony", "banana", "basket", "bicycle", "blanket", "bottle",
    "bucket", "butter", "button", "camera", "candle", "carpet", "castle", "chicken", "chocolate", "circle", "coffee", "copper", "cotton",
    "dancing", "doctor", "dragon", "elbow", "elephant", "engine", "evening", "family", "farmer", "feather", "finger", "forest",
    "garden", "gentle", "guitar", "hammer", "happy", "helmet", "holiday", "hungry", "island", "jacket", "jungle", "kitchen",
    "lemon", "letter", "library", "market", "mirror", "monkey", "mountain", "museum", "music", "napkin", "needle", "ocean", "office",
    "orange", "painting", "paper", "pencil", "pepper", "pillow", "planet", "pocket", "potato", "purple", "quiet", "rabbit",
    "ribbon", "river", "rocket", "sandwich", "shadow", "silver", "simple", "sister", "spider", "summer", "table", "teacher", "temple",
    "ticket", "tiger", "tomato", "travel", "tunnel", "turtle", "umbrella", "valley", "velvet", "village", "violin", "walnut", "window",
    "winter", "yellow", "yesterday",
)  # fmt: skip
