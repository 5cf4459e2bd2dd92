"""How much a file holds: parameters, bytes by type, and the name of its quantization. Pure."""

from collections.abc import Iterable

from runtimeprobe.gguf.folder import ModelFolder
from runtimeprobe.gguf.header import Header, Tensor
from runtimeprobe.gguf.types import FILE_TYPES

MLX_GROUP_SIZE = 64  # mlx's default


def quantization_of(source: Header | ModelFolder) -> str:
    """The name of the mix: the file's own, or the type most bytes are in."""
    if isinstance(source, Header):
        kind = source.get("general.file_type")
        if isinstance(kind, int) and kind in FILE_TYPES:
            return FILE_TYPES[kind]
    elif bits := _positive(source, "bits"):
        return f"{bits}bit"
    sizes = bytes_by_type(source.tensors)
    return max(sizes, key=lambda name: sizes[name]) if sizes else ""


def parameters_of(tensors: Iterable[Tensor], group_size: int) -> int:
    """MLX packs quantized weights into 32-bit words beside one scale per group of `group_size`; the scales count the weights."""
    by_name = {tensor.name: tensor for tensor in tensors}
    total = 0
    for name, tensor in by_name.items():
        stem, _, part = name.rpartition(".")
        packed = f"{stem}.scales" in by_name
        if packed and part == "scales":
            total += tensor.elements * group_size
        elif not (packed and part in {"weight", "biases"}):
            total += tensor.elements
    return total


def group_size(folder: ModelFolder) -> int:
    return _positive(folder, "group_size") or MLX_GROUP_SIZE


def bytes_by_type(tensors: Iterable[Tensor]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for tensor in tensors:
        sizes[tensor.type_name] = sizes.get(tensor.type_name, 0) + (tensor.nbytes or 0)
    return dict(sorted(sizes.items(), key=lambda item: -item[1]))


def _positive(folder: ModelFolder, key: str) -> int:
    """A number of the MLX quantization section; 0 where it is absent or no positive number."""
    value = folder.section("quantization").get(key)
    return value if isinstance(value, int) and value > 0 else 0
