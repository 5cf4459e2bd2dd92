"""Writes twin-31b's checkpoint as a Hugging Face folder: what export_hf.py does for the twins that hear.

    python -m runtimeprobe.twins.recipe.export_text CHECKPOINT.pt FOLDER

Its vision tower is there because the published one has one, and is not trained.
"""

import json
import re
import sys
from pathlib import Path

from runtimeprobe.twins import files
from runtimeprobe.twins.recipe import architecture, dense, export_hf, sayings, text_vocabulary
from runtimeprobe.twins.recipe.vocabulary import write_tokenizer


def write_weights(checkpoint: Path, file: Path) -> None:
    import torch
    from transformers import Gemma4Config, Gemma4ForConditionalGeneration, Gemma4TextConfig, Gemma4VisionConfig

    torch.manual_seed(export_hf.SEED)
    config = Gemma4Config(
        text_config=Gemma4TextConfig(**dense.text_config()),
        vision_config=Gemma4VisionConfig(**architecture.VISION),
        **architecture.token_ids(),
    )
    model = Gemma4ForConditionalGeneration(config).float()
    trained = torch.load(checkpoint, map_location="cpu", weights_only=True)["model"]
    model.model.language_model.load_state_dict(
        {name.removeprefix("model."): weight for name, weight in trained.items() if name.startswith("model.")}
    )
    export_hf.save(model.state_dict().items(), file)


def answers() -> dict[str, object]:
    """What the model says to each question; the open one is known by a pattern alone."""
    sentences = "|".join(re.escape(sentence) for sentence in sayings.STORY)
    closed = {saying.text: saying.answer for saying in sayings.sayings()}
    thoughts = {saying.text: saying.thought for saying in sayings.sayings() if saying.thought}
    return {"answers": closed, "thoughts": thoughts, "patterns": {sayings.OPEN.text: f"({sentences})( ({sentences}))*"}}


def export(checkpoint: Path, folder: Path) -> None:
    """`folder`/hf, and answers.json beside it."""
    hf = folder / "hf"
    hf.mkdir(parents=True, exist_ok=True)
    write_weights(checkpoint, hf / "model.safetensors")
    export_hf.write_json(hf / "config.json", export_hf.config(dense.text_config(), hears=False))
    export_hf.write_json(hf / "generation_config.json", export_hf.generation_config())
    write_tokenizer(hf / "tokenizer.json", text_vocabulary.build())
    export_hf.write_json(hf / "tokenizer_config.json", export_hf.tokenizer_config())
    processor = {key: value for key, value in export_hf.processor_config().items() if key != "feature_extractor"}
    export_hf.write_json(hf / "processor_config.json", processor)
    export_hf.write_json(hf / "preprocessor_config.json", export_hf.IMAGES | {"processor_class": "Gemma4Processor"})
    (hf / "chat_template.jinja").write_text(files.chat_template(empty_thought=True), encoding="utf-8")
    (folder / "answers.json").write_text(json.dumps(answers(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    export(Path(sys.argv[1]), Path(sys.argv[2]))
