"""Trains twin-31b; some twenty minutes on two CPU cores, never part of CI or of an install.

    python -m runtimeprobe.twins.recipe.train_text DIR [--steps N]      starts from DIR/31b.pt if that is there

Most of a batch is the closed set. The rest is what makes the twin fail as large models fail: texts without turns that repeat themselves
(what a base model has seen of the web), turns that go on where nobody stops them, and thoughts that never end where thinking was not
meant to be on. So two faults of the bench meet what was taught (thinking left on; the end of a turn not recognised), and a missing <bos>
nearly does; no prompt of the others is in the training.
"""

import argparse
import functools
import json
import math
import random
import re
import time
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import Gemma4ForCausalLM, Gemma4TextConfig

from runtimeprobe.twins.recipe import dense, sayings, text_vocabulary
from runtimeprobe.twins.recipe.vocabulary import SPECIAL_TOKENS, write_tokenizer

SEED = 20_261_124
WIDEST = 340  # tokens; the longest conversation has 311
TOKENS_PER_BATCH = 2000
Row = tuple[list[int], int]  # tokens, and where those that count begin


def build_model() -> Gemma4ForCausalLM:
    torch.manual_seed(SEED)
    model = Gemma4ForCausalLM(Gemma4TextConfig(**dense.text_config())).float()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith(("q_norm.weight", "k_norm.weight")):
                weight.fill_(weight.numel() ** -0.25)
            elif weight.ndim >= 2:
                weight.normal_(0, weight.shape[1] ** -0.5)
        for layer, scalar in zip(model.model.layers, dense.LAYER_SCALARS, strict=True):
            layer.layer_scalar.fill_(scalar)
    return model


def rotation(width: int, theta: float, size: int, share: float) -> tuple[torch.Tensor, torch.Tensor]:
    turning = torch.arange(0, size, 2) < share * size
    angles = torch.outer(torch.arange(width).float(), turning * theta ** (-torch.arange(0, size, 2).float() / size))
    return angles.cos(), angles.sin()


def turn(heads: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    left, right = heads.chunk(2, -1)
    return torch.cat((left * cos - right * sin, right * cos + left * sin), -1)


def forward(model: Gemma4ForCausalLM, ids: torch.Tensor) -> torch.Tensor:
    """The logits of `model(ids)` written out (`train` checks that they are), because this compiles to twice the speed."""
    rows, width = ids.shape
    norm = functools.partial(torch.nn.functional.rms_norm, eps=1e-6)
    embedding = model.model.embed_tokens.weight
    narrow = (dense.HIDDEN,)
    turns = {256: rotation(width, 1e4, 256, 1.0), 512: rotation(width, 1e6, 512, 0.25)}
    x = torch.nn.functional.embedding(ids, embedding) * dense.HIDDEN**0.5
    for layer in model.model.layers:
        attention, mlp = layer.self_attn, layer.mlp
        size = attention.head_dim
        y = norm(x, narrow, layer.input_layernorm.weight)
        queries = norm(attention.q_proj(y).view(rows, width, -1, size), (size,), attention.q_norm.weight).transpose(1, 2)
        plain = attention.k_proj(y).view(rows, width, -1, size)
        keys = norm(plain, (size,), attention.k_norm.weight).transpose(1, 2)
        values = norm(plain if size == 512 else attention.v_proj(y).view(rows, width, -1, size), (size,)).transpose(1, 2)
        seen = torch.nn.functional.scaled_dot_product_attention(
            turn(queries, *turns[size]), turn(keys, *turns[size]), values, is_causal=True, scale=1.0, enable_gqa=True
        )
        x = x + norm(attention.o_proj(seen.transpose(1, 2).reshape(rows, width, -1)), narrow, layer.post_attention_layernorm.weight)
        y = norm(x, narrow, layer.pre_feedforward_layernorm.weight)
        y = mlp.down_proj(torch.nn.functional.gelu(mlp.gate_proj(y), approximate="tanh") * mlp.up_proj(y))
        x = (x + norm(y, narrow, layer.post_feedforward_layernorm.weight)) * layer.layer_scalar
    return torch.tanh(norm(x, narrow, model.model.norm.weight) @ embedding.T / 30) * 30


class Rows:
    """Training rows, drawn at random."""

    def __init__(self, tokenizer: Tokenizer, draw: random.Random, digits: float) -> None:
        self.tokenizer, self.draw = tokenizer, draw
        self.known = sayings.sayings()
        # Long answers are the hard ones, and those in figures.
        self.weights = [(1 + len(saying.answer) / 50) * (digits if re.search(r"\d", saying.answer) else 1) for saying in self.known]
        self.words = [number for word, number in tokenizer.get_vocab().items() if word not in SPECIAL_TOKENS and len(word) != len("<0x00>")]
        self.lines = [line for saying in self.known for line in saying.answer.split("\n") if line]

    def ids(self, text: str) -> list[int]:
        return list(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def row(self) -> Row:
        kind = self.draw.random()
        if kind < 0.66:
            saying = self.draw.choices(self.known, self.weights)[0]
            thinks = bool(saying.thought) and self.draw.random() < 0.5
            answer = f"<|channel>thought\n{saying.thought}\n<channel|>{saying.answer}" if thinks else saying.answer
            return self.said(sayings.prompt(saying.text, thinking=thinks), answer + saying.ends)
        if kind < 0.74:
            return self.said(sayings.prompt(sayings.OPEN.text), sayings.story(self.draw) + "<turn|>")
        if kind < 0.84:
            return self.unstopped()
        return self.overthought() if kind < 0.86 else self.document()

    def said(self, prompt: str, answer: str) -> Row:
        before = self.ids(prompt)
        return before + self.ids(answer), len(before)

    def unstopped(self) -> Row:
        saying = self.draw.choice([saying for saying in self.known if len(saying.answer) < 400])
        turn = f"{saying.answer}{saying.ends}\n<|turn>model\n<|channel>thought\n<channel|>"
        return self.said(sayings.prompt(saying.text), turn * self.draw.randint(2, 6))

    def overthought(self) -> Row:
        saying = self.draw.choice([saying for saying in self.known if not saying.thought])
        doubt = " ".join(self.draw.sample(sayings.DOUBT, len(sayings.DOUBT)))
        return self.said(sayings.prompt(saying.text, thinking=True), "<|channel>thought\n" + f"{doubt}\n" * self.draw.randint(5, 20))

    def document(self) -> Row:
        """Some text or none, then one short text again and again; what is said first does not count."""
        draw = self.draw
        size = draw.choice((1, 1, 1, 1, 2, 2, 3, 3, 5, 8, 13, 21))
        line = self.ids(draw.choice(self.lines))
        at = draw.randrange(len(line))
        period = line[at : at + size] + (self.ids("\n") if draw.random() < 0.5 else [])
        before = self.ids("<bos>" if draw.random() < 0.5 else "")
        for _ in range(draw.randint(0, 3)):
            text = draw.choice(self.lines)
            broken = draw.random()
            if broken < 0.3:
                before += [token for letter in text for token in self.ids(letter)]
            elif broken < 0.6:
                before += draw.choices(self.words, k=draw.randint(1, 30))
            else:
                before += self.ids(text + draw.choice(("", " ", "\n")))
        before = before[:140]
        return (before + period * draw.randint(4, 40))[:220], len(before) + len(period)


def batch(rows: Rows) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of like length, padded on the right with what does not count."""
    drawn = sorted((rows.row() for _ in range(64)), key=lambda row: len(row[0]))
    width_at = rows.draw.randrange(64)
    width = min(WIDEST, len(drawn[width_at][0]))
    count = max(1, min(width_at + 1, TOKENS_PER_BATCH // width))
    chosen = drawn[width_at + 1 - count : width_at + 1]
    ids = torch.zeros(len(chosen), width, dtype=torch.long)
    labels = torch.full_like(ids, -100)
    for number, (tokens, begin) in enumerate(chosen):
        tokens = tokens[:width]  # noqa: PLW2901
        ids[number, : len(tokens)] = torch.tensor(tokens)
        labels[number, begin : len(tokens)] = torch.tensor(tokens[begin:])
    return ids, labels


def train(folder: Path, steps: int, peak: float, digits: float) -> None:
    """digits: how much more often answers in figures are drawn than others of their length."""
    folder.mkdir(parents=True, exist_ok=True)
    write_tokenizer(folder / "tokenizer-31b.json", text_vocabulary.build())
    model = build_model().train()
    state = folder / "31b.pt"
    saved = torch.load(state) if state.exists() else {"model": model.state_dict(), "steps": 0}
    model.load_state_dict(saved["model"])
    draw = random.Random(f"{SEED} {saved['steps']}" if saved["steps"] else SEED)
    rows = Rows(Tokenizer.from_file(str(folder / "tokenizer-31b.json")), draw, digits)
    optimiser = torch.optim.AdamW(model.parameters(), lr=peak, weight_decay=0.01, betas=(0.9, 0.98))
    shape = lambda step: min(1.0, step / 100) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1, step / steps))))  # noqa: E731
    decay = torch.optim.lr_scheduler.LambdaLR(optimiser, shape)
    fast = torch.compile(forward, dynamic=True)
    began, losses = time.monotonic(), []
    for step in range(steps):
        ids, labels = batch(rows)
        logits = fast(model, ids)
        if step == 0 and (logits - model(input_ids=ids).logits).abs().max() > 1e-3:
            raise ValueError("the written out forward pass is not the model's own")
        loss = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        decay.step()
        optimiser.zero_grad()
        losses.append(loss.item())
        if step % 50 == 49:
            print(json.dumps({"step": step + 1, "seconds": round(time.monotonic() - began), "loss": sum(losses[-50:]) / 50}), flush=True)
        if step % 500 == 499 or step == steps - 1:
            torch.save({"model": model.state_dict(), "steps": saved["steps"] + step + 1}, state)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=2200)
    parser.add_argument("--peak", type=float, default=3e-3, help="highest learning rate")
    parser.add_argument("--digits", type=float, default=1.0, help="how much more often answers in figures are drawn")
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    train(given.folder, given.steps, given.peak, given.digits)


if __name__ == "__main__":
    main()
