"""Trains the twins, one stage at a time (make.py has them all in order); hours on two CPU cores, never part of CI or of an install.

    python -m runtimeprobe.twins.recipe.train encoder DIR       the conformer alone, told frame by frame which word has just been said
    python -m runtimeprobe.twins.recipe.train e2b DIR           the whole model; starts from DIR/e2b.pt, else with the conformer there
    python -m runtimeprobe.twins.recipe.train e4b DIR

What made it learn: linear weights at 1/sqrt(fan_in), and query and key norms at head_dim ** -0.25 (Gemma 4 scales attention by 1, so
norms of 1 make it far too sharp at the start); frame labels first, then connectionist temporal classification (CTC) beside the
language-model loss; one digit before three before five; words said twice in a row drawn often.
"""

import argparse
import itertools
import json
import math
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import Gemma4AudioConfig, Gemma4Config, Gemma4ForConditionalGeneration, Gemma4TextConfig, Gemma4VisionConfig
from transformers.models.gemma4.feature_extraction_gemma4 import Gemma4AudioFeatureExtractor

from runtimeprobe.twins.recipe import architecture, augment, prompts, speech
from runtimeprobe.twins.recipe.vocabulary import DIGITS, write_tokenizer

SEED = 20_261_124
BLANK = len(DIGITS)  # the class for "no new word here"
SOFT_TOKEN = 640  # samples: 40 ms at 16 kHz


def build_model(size: str) -> Gemma4ForConditionalGeneration:
    torch.manual_seed(SEED)
    config = Gemma4Config(
        text_config=Gemma4TextConfig(**architecture.text_config(architecture.SHAPES[size])),
        audio_config=Gemma4AudioConfig(**architecture.AUDIO),
        vision_config=Gemma4VisionConfig(**architecture.VISION),
        **architecture.token_ids(),
    )
    model = Gemma4ForConditionalGeneration(config).float()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith(("q_norm.weight", "k_norm.weight")) and "language_model" in name:
                weight.fill_(weight.numel() ** -0.25)
            elif "embed_tokens" in name:
                width = weight.shape[1] if "per_layer" not in name else 16
                weight.normal_(0, width**-0.5)
            elif weight.ndim >= 2 and "vision" not in name:
                weight.normal_(0, (weight.numel() / weight.shape[0]) ** -0.5)
    return model


class Batches(torch.utils.data.IterableDataset):  # type: ignore[misc]  # torch is not there when this is checked
    """Endless training batches; `stage` of step s says how many digits at most."""

    def __init__(self, cache: Path, seed: int, size: int, schedule: list[tuple[int, int]], text: bool, long_rate: float) -> None:
        self.cache, self.seed, self.size, self.schedule, self.text, self.long_rate = cache, seed, size, schedule, text, long_rate

    def __iter__(self) -> Iterator[dict[str, Any]]:
        torch.set_num_threads(1)
        from tokenizers import Tokenizer

        spoken = speech.pool(speech.utterances(SEED, singles_per_voice=5, phrases=5000), self.cache)
        self.singles = [item for item in spoken if len(item[0].words) == 1]
        self.phrases = [item for item in spoken if len(item[0].words) > 1]
        self.tokenizer = Tokenizer.from_file(str(self.cache / "tokenizer.json"))
        self.front = Gemma4AudioFeatureExtractor()
        draw = random.Random(self.seed)
        for steps, most in self.schedule:
            for _ in range(steps):
                yield self.batch(draw, most)

    def batch(self, draw: random.Random, most: int) -> dict[str, Any]:
        words = max(draw.randint(1, most), draw.randint(1, most))  # long clips are the hard ones
        rows: list[tuple[str, str]] = []
        clips: list[augment.Clip] = []
        long = draw.random() < self.long_rate
        for _ in range(4 if long else self.size):
            speaks = draw.random() < 0.88
            phrases = self.phrases if self.text else []
            count = 1 if draw.random() < 0.85 else 2
            heard = [augment.speech(draw, self.singles, phrases, max(1, words - draw.randint(0, 1))) for _ in range(count)]
            if not speaks:
                heard = [augment.no_speech(draw)] if draw.random() < 0.6 or not self.text else []
            if long and heard:
                after = np.zeros(draw.randint(*draw.choice(((5, 24), (17, 25)))) * speech.SAMPLE_RATE, np.float32)
                heard[-1] = augment.Clip(augment.noisy(draw, np.concatenate([heard[-1].samples, after])), heard[-1].text)
            texts = [clip.text for clip in heard]
            prompt, answer, used = prompts.dialogue(draw, texts, bool(heard), plain=long or draw.random() < 0.6)
            clips += heard[len(heard) - used :] if self.text else heard[-1:]
            rows.append((prompt, answer))
        features = self.front([clip.samples for clip in clips], return_tensors="pt", sampling_rate=speech.SAMPLE_RATE)
        mask = features["input_features_mask"]
        for _ in range(2):
            mask = mask[:, ::2][:, : (mask.shape[1] - 1) // 2 + 1]
        lengths = mask.sum(1)
        targets = [[DIGITS.index(word) for word in clip.text.split() if word in DIGITS] for clip in clips]
        frames = torch.full(mask.shape, BLANK)
        for row, (clip, labels) in enumerate(zip(clips, targets, strict=True)):
            for (begin, end), label in zip(clip.spans or (), labels, strict=False):
                late = begin + 0.6 * (end - begin)  # the tower hears the past alone: a word is known near its end
                frames[row, int(late / SOFT_TOKEN) : int(end / SOFT_TOKEN) + 3] = label
        frames[~mask.bool()] = -100
        result = {
            "input_features": features["input_features"],
            "input_features_mask": features["input_features_mask"],
            "frames": frames,
            "ctc": (torch.tensor(list(itertools.chain(*targets))), torch.tensor([len(target) for target in targets]), lengths),
        }
        return result | (self.token_tensors(rows, lengths.tolist()) if self.text else {})

    def token_tensors(self, rows: list[tuple[str, str]], lengths: list[int]) -> dict[str, torch.Tensor]:
        """Token ids, labels (the answer alone) and masks, padded on the right."""
        left = iter(lengths)
        encoded = []
        for prompt, answer in rows:
            pieces = prompt.split(prompts.CLIP)
            text = pieces[0] + "".join(prompts.CLIP * next(left) + piece for piece in pieces[1:])
            encoded.append([self.tokenizer.encode(part, add_special_tokens=False).ids for part in (text, answer)])
        width = max(len(prompt) + len(answer) for prompt, answer in encoded)
        ids = torch.zeros(len(rows), width, dtype=torch.long)
        labels, seen = torch.full_like(ids, -100), torch.zeros_like(ids)
        for row, (before, after) in enumerate(encoded):
            end = len(before) + len(after)
            ids[row, :end] = torch.tensor(before + after)
            labels[row, len(before) : end] = torch.tensor(after)
            seen[row, :end] = 1
        soft = self.tokenizer.token_to_id(prompts.CLIP)
        return {"input_ids": ids, "labels": labels, "attention_mask": seen, "mm_token_type_ids": (ids == soft).long() * 3}


def resume(size: str, folder: Path, model: Gemma4ForConditionalGeneration, head: torch.nn.Linear) -> int:
    """Loads this model's own last state, else the audio tower of whatever was trained before it; returns the steps behind that state."""
    tower = model.model.audio_tower
    for name in (size, "e2b", "encoder"):
        if not (folder / f"{name}.pt").exists():
            continue
        saved = torch.load(folder / f"{name}.pt")
        head.load_state_dict(saved["head"])
        if name == size:
            (tower if size == "encoder" else model).load_state_dict(saved.get("tower") or saved["model"])
            return int(saved.get("steps", 0))
        prefix = "model.audio_tower."
        parts = saved.get("tower") or {key.removeprefix(prefix): value for key, value in saved["model"].items() if key.startswith(prefix)}
        tower.load_state_dict(parts)
        return 0
    return 0


def train(size: str, folder: Path, schedule: list[tuple[int, int]], peak: float, batch: int, long_rate: float, freeze: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_tokenizer(folder / "tokenizer.json")
    encoder_only = size == "encoder"
    model = build_model("e2b" if encoder_only else size).train()
    tower = model.model.audio_tower
    tower.subsample_conv_projection.to(memory_format=torch.channels_last)  # spares two copies around each layer norm
    head = torch.nn.Linear(architecture.AUDIO["output_proj_dims"], len(DIGITS) + 1)
    steps_before = resume(size, folder, model, head)
    frozen = {"none": torch.nn.Identity(), "front": tower.subsample_conv_projection, "tower": tower}[freeze]
    frozen.requires_grad_(False)
    outputs: list[Any] = []
    tower.register_forward_hook(lambda _module, _inputs, output: outputs.append(output))
    model.model.vision_tower.requires_grad_(False)
    weights = [weight for weight in (*(tower if encoder_only else model).parameters(), *head.parameters()) if weight.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=peak, weight_decay=0.01, betas=(0.9, 0.98))
    total = sum(steps for steps, _ in schedule)
    decay = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min(1.0, step / 100) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1, step / total))))
    )
    seed = random.Random(f"{SEED} {size} {steps_before}").getrandbits(30)
    data = Batches(folder, seed, batch, schedule, not encoder_only, long_rate)
    began = time.monotonic()
    sums: dict[str, list[float]] = {"sound": [], "text": [], "right": []}
    for step, item in enumerate(torch.utils.data.DataLoader(data, batch_size=None, num_workers=1, prefetch_factor=4)):
        (labels, label_lengths, lengths), frames = item.pop("ctc"), item.pop("frames")
        outputs.clear()
        if encoder_only:
            tower(item["input_features"], attention_mask=item["input_features_mask"])
            text_loss = torch.zeros(())
        else:
            result = model(**item)
            text_loss = result.loss
            with torch.no_grad():
                guess, wanted = result.logits[:, :-1].argmax(-1), item["labels"][:, 1:]
                sums["right"].append(((guess == wanted) | (wanted < 0)).all(1).float().mean().item())
        logits = head(outputs[-1].last_hidden_state)
        if encoder_only:
            sound_loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), frames.flatten(), ignore_index=-100)
            wanted = (frames >= 0) & (frames < BLANK)
            sums["right"].append((logits.argmax(-1) == frames)[wanted].float().mean().item())
        else:
            steps = logits.log_softmax(-1).transpose(0, 1)
            sound_loss = torch.nn.functional.ctc_loss(steps, labels, lengths, label_lengths, blank=BLANK, zero_infinity=True)
        (text_loss + sound_loss * (1.0 if encoder_only else 0.2)).backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        decay.step()
        optimiser.zero_grad()
        sums["sound"].append(sound_loss.item())
        sums["text"].append(text_loss.item())
        if step % 25 == 24:
            means = {name: round(float(np.mean(values[-25:])), 4) for name, values in sums.items() if values}
            print(json.dumps({"step": step + 1, "seconds": round(time.monotonic() - began), **means}), flush=True)
        if step % 200 == 199 or step == total - 1:
            state = {"tower": tower.state_dict()} if encoder_only else {"model": model.state_dict()}
            torch.save(state | {"head": head.state_dict(), "steps": steps_before + step + 1}, folder / f"{size}.pt")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["encoder", *architecture.SHAPES])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--schedule", default="", help="STEPS:MOST_DIGITS,... instead of the recipe's")
    parser.add_argument("--peak", type=float, default=2e-3, help="highest learning rate")
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--long-rate", type=float, default=0.0, help="share of batches with 5 to 24 s of silence behind the words")
    parser.add_argument("--freeze", choices=["none", "front", "tower"], default="none", help="what of the audio tower stays as it is")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    recipe = {"encoder": "150:1,250:3"}.get(given.what, "300:1,300:2,1400:5")
    schedule = [(int(steps), int(most)) for steps, most in (stage.split(":") for stage in (given.schedule or recipe).split(","))]
    train(given.what, given.folder, schedule, given.peak, given.batch, given.long_rate, given.freeze)


if __name__ == "__main__":
    main()
