"""What a candidate's files are. The engine is not needed for this."""

from runtimeprobe.contract import Candidate, Claim, Model
from runtimeprobe.kit import files


def describe(candidate: Candidate) -> Model:
    """The model as an engine that reads GGUF would load it. A broken file is described as far as it goes; `load` refuses it."""
    text, projector = candidate.text_gguf, candidate.projector_gguf
    return Model(
        model=candidate.model,
        weights=candidate.weights,
        name=text,
        projector=projector,
        quantization=files.quantization(text),
        projector_quantization=files.quantization(projector),
        digest=files.digest(text),
        projector_digest=files.digest(projector),
        size_bytes=files.size(text, projector),
        claim=Claim.UNDECLARED,  # the claim is the runtime's to make, once it has loaded the file
    )
