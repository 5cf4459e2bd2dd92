"""K: kernels and backends, and the releases of runtimes that have a fault in them."""

from collections.abc import Callable

from runtimeprobe.diagnose.causes.interface import Cause, Check, FileFacts, Look, RunFacts, clear, found, of_run, unknown
from runtimeprobe.diagnose.causes.versions import FIRST, SETTLED, Gate, gated, is_old, name_of, numbers

MISCOMPILED_TYPES = frozenset(("IQ1_S", "IQ2_S", "IQ3_S"))
MISCOMPILING = ((13, 2, 0), (13, 2, 1))
FUSION = Gate("llama.cpp", str(SETTLED), "8645")
OLLAMA_FLASH = Gate("ollama", "0.20.4")


def on(backend: str, check: Callable[[FileFacts | None, RunFacts], Look]) -> Check:
    """A fault of one backend: clear on every other."""

    def checked(file: FileFacts | None, run: RunFacts | None) -> Look:
        if run is None or not run.device:
            return unknown("the device it runs on is not known")
        return check(file, run) if backend in run.device.lower() else clear(f"it runs on {run.device}")

    return checked


def fusion(_: FileFacts | None, run: RunFacts) -> Look:
    if run.flags.get("GGML_CUDA_DISABLE_FUSION", "") not in {"", "0"}:
        return clear("fusion is off")
    old = is_old(FUSION, run)
    if old is None:
        return unknown(f"{name_of(run)} may or may not have the fix")
    return found(f"{name_of(run)} on {run.device}") if old else clear(name_of(run))


def miscompiled(file: FileFacts | None, run: RunFacts) -> Look:
    if file is None:
        return unknown("the model file is not at hand")
    types = sorted(MISCOMPILED_TYPES & file.bytes_by_type.keys())
    if not types:
        return clear("no tensor is of such a type")
    version = numbers(run.toolkit)
    if not version:
        return unknown(f"{', '.join(types)} on CUDA, and the toolkit it was built with is not known")
    seen = f"{', '.join(types)} on CUDA {run.toolkit}"
    return found(seen) if (*version, 0, 0)[:3] in MISCOMPILING else clear(seen)


def no_offload(_: FileFacts | None, run: RunFacts) -> Look:
    used = sorted({"-nkvo", "--no-kv-offload", "no_kv_offload"} & run.flags.keys())
    return found(f"{used[0]} on {run.device}") if used else clear("the cache is on the device")


def flash_hang(run: RunFacts) -> Look:
    if run.flash_attention is False:
        return clear("flash attention is off")
    if "ollama" not in run.engine.lower():
        return clear(f"{name_of(run)} is not Ollama") if run.engine else unknown("the engine is not known")
    return gated(OLLAMA_FLASH)(None, run)


def draft(_: FileFacts | None, run: RunFacts) -> Look:
    if run.flash_attention is False or run.draft_model is False:
        return clear("flash attention is off" if run.flash_attention is False else "there is no draft model")
    if run.flash_attention is None or run.draft_model is None:
        return unknown("whether it uses flash attention and a draft model is not known")
    return found(f"flash attention with a draft model on {run.device}")


def idle(file: FileFacts | None, run: RunFacts) -> Look:
    if file is not None and file.model != "gemma-4-31b":
        return clear("seen on 31B alone")
    return unknown(f"31B on {run.device}: shows after a long idle time only")


def garbling_studio(run: RunFacts) -> Look:
    if "lm" not in run.engine.lower() or "studio" not in run.engine.lower():
        return clear(f"{name_of(run)} is not LM Studio") if run.engine else unknown("the engine is not known")
    runtime = run.flags.get("runtime", "")
    if numbers(runtime) != (2, 13, 0):
        return clear(f"runtime {runtime}") if runtime else unknown("the version of its llama.cpp runtime is not known")
    if run.devices is None:
        return unknown("runtime 2.13.0, and the number of GPUs is not known")
    return found(f"runtime 2.13.0 on {run.devices} GPUs") if run.devices > 1 else clear("one GPU")


def early(run: RunFacts) -> Look:
    if run.build is None:
        mlx = run.engine.startswith("mlx")
        return clear(f"{name_of(run)} is not llama.cpp") if mlx else unknown("the build of llama.cpp is not known")
    if run.build < FIRST:
        return found(f"b{run.build}, which does not know Gemma 4 yet", confidence="high")
    return found(f"b{run.build}") if run.build < SETTLED else clear(f"b{run.build}")


ROWS = (
    Cause(
        "K1", "CUDA's fused kernels overwrite a buffer", "backend", "high", on("cuda", fusion),
        f"llama.cpp b{SETTLED} or newer", "a newer build, or GGML_CUDA_DISABLE_FUSION=1", "llama.cpp#21321, llama.cpp#21566",
    ),
    Cause(
        "K2", "nvcc 13.2.0 and 13.2.1 miscompile small types", "backend", "high", on("cuda", miscompiled),
        "CUDA 13.0, 13.2.2 or newer, or no IQ1_S, IQ2_S, IQ3_S", "a build with another CUDA toolkit, or another quantization",
        "llama.cpp#28581",
    ),
    Cause(
        "K3", "The KV cache is kept off the GPU", "backend", "medium", on("cuda", no_offload),
        "no -nkvo on CUDA", "leave -nkvo out", "llama.cpp#21726",
    ),
    Cause(
        "K4", "Flash attention hangs with heads of 512 and 256", "backend", "high", of_run(flash_hang),
        "Ollama 0.20.4 or newer", "a newer Ollama, or OLLAMA_FLASH_ATTENTION=0", "ollama#15368",
    ),
    Cause(
        "K5", "Vulkan's flash attention with a draft model", "backend", "medium", on("vulkan", draft),
        "one of the two off", "-fa off, or no draft model", "reports of `own own own` on Vulkan",
    ),
    Cause(
        "K6", "One reserved token for ever after a long idle time", "backend", "medium", on("cuda", idle),
        "no idle slots", "restart the server; switch the cache of idle slots off", "llama.cpp#26088 (open)",
    ),
    Cause(
        "K8", "LM Studio's runtime 2.13.0 on two GPUs", "backend", "medium", of_run(garbling_studio),
        "another runtime", "choose another llama.cpp runtime in LM Studio", "lmstudio-bug-tracker#1821",
    ),
    Cause(
        "K9", "A build from Gemma 4's first days", "runtime", "low", of_run(early),
        f"llama.cpp b{SETTLED} or newer", "a newer build; the file can stay", "llama.cpp's fixes between b8639 and b8746",
    ),
)  # fmt: skip
