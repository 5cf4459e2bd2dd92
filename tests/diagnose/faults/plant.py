"""Plants a fault of the catalogue: writes the file that has it, and says how it is to be loaded and asked."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from gguf import LlamaFileType

from runtimeprobe.contract import Candidate
from runtimeprobe.gguf import contents
from runtimeprobe.twins import files
from tests.diagnose.faults.catalogue import CATALOGUE, Fault

# In a process of its own: two builds of llama.cpp do not share one, and whoever plants will run the file with another.
QUANTIZE = """
import sys, llama_cpp
params = llama_cpp.llama_model_quantize_default_params()
params.ftype = int(sys.argv[3])
sys.exit(llama_cpp.llama_model_quantize(sys.argv[1].encode(), sys.argv[2].encode(), params))
"""


@dataclass(frozen=True)
class Planted:
    fault: Fault
    file: Path

    @property
    def candidate(self) -> Candidate:
        projector = str(files.folder() / self.fault.projector / files.PROJECTOR) if self.fault.projector else ""
        return Candidate("gemma-4-31b", "twin", str(self.file), projector)


def twin() -> Path:
    return files.folder() / "twin-31b" / "text.gguf"


def plant(fault_id: str, source: Path, destination: Path) -> Planted:
    """`destination`: a folder. A fault of configuration comes with an unchanged copy of `source`."""
    fault = CATALOGUE[fault_id]
    file = destination / f"{fault_id.replace(' ', '')}.gguf"
    if fault.edit is None:
        shutil.copyfile(source, file)
    else:
        opened = contents.read(source)
        fault.edit(opened)
        contents.write(opened, file)
    if fault.quantization:
        plain, file = file, file.with_suffix(".quantized.gguf")
        quantize(plain, file, LlamaFileType[fault.quantization])
        plain.unlink()
    return Planted(fault, file)


def quantize(source: Path, destination: Path, kind: LlamaFileType) -> None:
    """By llama.cpp itself. Rows too short for a type's blocks get the nearest type whose blocks they fill."""
    command = [sys.executable, "-c", QUANTIZE, str(source), str(destination), str(int(kind))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"llama.cpp did not quantize {source} to {kind.name}: {done.stderr[-500:]}")
