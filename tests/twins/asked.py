"""Asks twin-31b every question it knows through one engine, in a process of its own, and prints what came back as JSON.

python -m tests.twins.asked {xllamacpp,llama-cpp-python} GREEDY_OR_SEED [FILE.gguf]
"""

import json
import sys

from runtimeprobe.contract import Ask, Candidate, Config, Sampling
from runtimeprobe.twins import files
from runtimeprobe_llamacpp import LlamaCpp

RECOMMENDED = {"temperature": 1.0, "top_k": 64, "top_p": 0.95}


def main(engine: str, how: str, file: str) -> None:
    sampling = Sampling() if how == "greedy" else Sampling(**RECOMMENDED, seed=int(how))  # type: ignore[arg-type]
    known = json.loads((files.folder() / "twin-31b" / "answers.json").read_text(encoding="utf-8"))
    adapter = LlamaCpp()
    (model,) = adapter.models(engine, [Candidate("gemma-4-31b", "twin", file)])
    adapter.load(engine, model, Config(context_tokens=1024, threads=1))
    said = {}
    for text in known["answers"]:
        for thinking in (False, True) if text in known["thoughts"] else (False,):
            reply = adapter.ask(Ask("chat.input_audio", text, max_tokens=400, sampling=sampling, thinking=thinking))
            said[f"{text}{' (thinking)' if thinking else ''}"] = [reply.text, reply.thinking, reply.finish_reason]
    adapter.unload()
    print(json.dumps(said))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else str(files.folder() / "twin-31b" / "text.gguf"))
