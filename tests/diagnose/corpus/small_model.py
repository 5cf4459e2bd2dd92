"""A language model small enough to train in minutes, and what it says: `python -m tests.diagnose.corpus.small_model FOLDER OUT.json`.

Four layers of a Llama on whatever text and source code FOLDER holds. Greedy or cool it loops as large models do, only sooner; warm it does
not. Needs torch, transformers and tokenizers. What it said for stored/models.jsonl.xz came from a loss of about 4, after 600 steps.
"""

import json
import random
import sys
import time
from pathlib import Path
from typing import Any

VOCABULARY, WINDOW, BATCH, CONTEXT = 3000, 256, 8, 1024
ENDINGS = (".md", ".rst", ".txt", ".py", ".csv", ".json", ".svg", ".html", ".xml")
TEMPERATURES = (0.0, 0.0, 0.15, 0.3, 0.6, 1.0)


def texts(folder: Path, rng: random.Random) -> list[str]:
    paths = [path for path in sorted(folder.rglob("*")) if path.suffix in ENDINGS and 500 < path.stat().st_size < 200_000]
    rng.shuffle(paths)
    return [path.read_text(encoding="utf-8", errors="ignore")[:20_000] for path in paths[:2000]]


def trained(some: list[str], seconds: float) -> tuple[Any, Any]:
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        some[:600], trainers.BpeTrainer(vocab_size=VOCABULARY, initial_alphabet=alphabet, special_tokens=["<eos>"])
    )
    ids = torch.tensor([number for item in tokenizer.encode_batch(some) for number in (*item.ids, 0)])
    shape = {"hidden_size": 192, "intermediate_size": 512, "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 4}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=VOCABULARY, max_position_embeddings=CONTEXT, tie_word_embeddings=True, **shape))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.05)
    began = time.monotonic()
    while (spent := (time.monotonic() - began) / seconds) < 1:
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * (1 - 0.95 * spent)
        starts = torch.randint(0, len(ids) - WINDOW - 1, (BATCH,))
        window = torch.stack([ids[start : start + WINDOW] for start in starts])
        loss = model(input_ids=window, labels=window).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return tokenizer, model.eval()


def said(tokenizer: Any, model: Any, some: list[str], rng: random.Random, batches: int) -> list[dict[str, Any]]:
    import torch

    out = []
    for number in range(batches):
        temperature, length = TEMPERATURES[number % len(TEMPERATURES)], rng.randint(12, 40)
        prompts: list[list[int]] = []
        while len(prompts) < 3 * BATCH:
            text = rng.choice(some)
            ids = tokenizer.encode(text[rng.randint(0, max(0, len(text) - 300)) :]).ids[:length]
            prompts += [ids] if len(ids) == length else []
        asked = torch.tensor(prompts)
        sampling = {"do_sample": True, "temperature": temperature, "top_k": 64, "top_p": 0.95} if temperature else {"do_sample": False}
        with torch.no_grad():
            answers = model.generate(
                asked, attention_mask=torch.ones_like(asked), max_new_tokens=940, eos_token_id=0, pad_token_id=0, **sampling
            ).tolist()
        for prompt, answer in zip(prompts, answers, strict=True):
            new = answer[length:]
            stopped = 0 in new
            text = tokenizer.decode(new[: new.index(0)] if stopped else new)
            settings = {"temperature": temperature, "top_k": 64, "top_p": 0.95}
            out.append({"model": "small model", "engine": "transformers", "prompt": tokenizer.decode(prompt), "settings": settings})
            out[-1] |= {"text": text, "stopped": stopped}
    return out


def main() -> None:
    import torch

    torch.manual_seed(7)
    rng = random.Random(7)
    some = texts(Path(sys.argv[1]), rng)
    tokenizer, model = trained(some, seconds=720)
    Path(sys.argv[2]).write_text(json.dumps(said(tokenizer, model, some, rng, batches=35), ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
