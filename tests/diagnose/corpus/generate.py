"""Twins that are not allowed to end, on the real llama.cpp: `python -m tests.diagnose.corpus.generate OUT.json`.

The end of an answer is banned (`ignore_eos`, and for half of them the end-of-turn token too), which is what a runtime does that does not
know the token. Greedy and without a penalty for the most part, as the twins were made to be asked.
"""

import importlib.metadata
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from runtimeprobe.twins import files

WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
PER_TWIN = 430


def prompts(rng: random.Random) -> str:
    digits = " ".join(rng.choice(WORDS) for _ in range(rng.randint(1, 8)))
    return rng.choice(
        [
            digits,
            f"<bos><|turn>user\nTranscribe.<turn|>\n<|turn>model\n{rng.choice(['', digits + ' '])}",
            f"<bos><|turn>user\n{digits}<turn|>\n<|turn>model\n",
            " ".join(rng.choice(WORDS) for _ in range(40)),
        ]
    )


def said() -> Iterator[dict[str, Any]]:
    import xllamacpp

    engine = f"xllamacpp {importlib.metadata.version('xllamacpp')}"
    for twin in files.shipped():
        params = xllamacpp.CommonParams()
        params.model.path = str(files.folder() / twin.name / "text.gguf")
        params.n_ctx = 2048
        params.special = True
        server = xllamacpp.Server(params)
        rng = random.Random(f"{twin.name}")
        with httpx.Client(base_url=server.listening_address, timeout=120) as client:
            for seed in range(PER_TWIN):
                settings: dict[str, Any] = {
                    "seed": seed,
                    "temperature": rng.choice([0, 0, 0, 0.3, 1.0]),
                    "n_predict": 600,
                    "ignore_eos": True,
                }
                settings |= {"repeat_penalty": rng.choice([1, 1, 1, 1.05]), "top_k": rng.choice([5, 40, 64]), "top_p": 0.95}
                if rng.random() < 0.5:
                    settings["logit_bias"] = [["<turn|>", False]]
                prompt = prompts(rng)
                reply = client.post("/completion", json={"prompt": prompt, "cache_prompt": False, **settings}).raise_for_status()
                yield {"model": twin.name, "engine": engine, "prompt": prompt, "settings": settings, "text": reply.json()["content"]}
        del server


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(list(said()), ensure_ascii=False), encoding="utf-8")
