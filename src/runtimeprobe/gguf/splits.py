"""A model cut into several files, `NAME-00001-of-00003.gguf`: all parts are read, and one header says what they hold together.

The rules are llama.cpp's (src/llama-model-loader.cpp): the first part has the metadata, `split.no` counts from 0, `split.count` says
how many parts there are, `split.tensors.count` how many tensors they have in all, and the parts find each other by name.
"""

import re
from dataclasses import replace
from pathlib import Path

from runtimeprobe.gguf.errors import BadFile
from runtimeprobe.gguf.header import MAX_TENSORS, Header, Tensor, read_header

NAME = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf", re.DOTALL)
MAX_PARTS = 1000


def read_model(path: Path) -> Header:
    """The header of a GGUF file, or of all parts of a model of which `path` is any one. Raises BadFile."""
    here = read_header(path)
    count = _number(here, "split.count", default=1)
    return here if count <= 1 else _joined(here, count)


def _joined(here: Header, count: int) -> Header:
    path = here.path
    if count > MAX_PARTS:
        raise BadFile(path, f"claims {count} parts, more than the {MAX_PARTS} a real model would have", key="split.count")
    name = NAME.fullmatch(path.name)
    if name is None or int(name["count"]) != count:
        what = f"is one of {count} parts, and its name does not end in -00001-of-{count:05}.gguf, so the others cannot be found"
        raise BadFile(path, what, key="split.count", fix="give every part its own name back")
    paths = [path.with_name(f"{name['stem']}-{number:05}-of-{count:05}.gguf") for number in range(1, count + 1)]
    missing = [part.name for part in paths if not part.exists()]
    if missing:
        raise BadFile(path, f"{len(missing)} of {count} parts are not here: {', '.join(missing[:4])}", fix="finish the download")
    parts = tuple(here if part == path else read_header(part) for part in paths)
    for index, part in enumerate(parts):
        for key, wanted in (("split.no", index), ("split.count", count)):
            if (said := _number(part, key)) != wanted:
                raise BadFile(part.path, f"says {said}, its name says {wanted}", key=key, fix="give every part its own name back")
    tensors = _tensors(path, parts)
    return replace(parts[0], tensors=tensors, size=sum(part.size for part in parts), parts=parts)


def _tensors(path: Path, parts: tuple[Header, ...]) -> tuple[Tensor, ...]:
    tensors = tuple(tensor for part in parts for tensor in part.tensors)
    if len(tensors) > MAX_TENSORS:
        raise BadFile(path, f"the parts claim {len(tensors)} tensors, more than the {MAX_TENSORS} a real model would have")
    seen: set[str] = set()
    for tensor in tensors:
        if tensor.name in seen:
            raise BadFile(path, "the tensor stands in two parts", key=tensor.name)
        seen.add(tensor.name)
    promised = _number(parts[0], "split.tensors.count", default=len(tensors))
    if promised != len(tensors):
        raise BadFile(path, f"{promised} tensors are promised, the parts have {len(tensors)}", key="split.tensors.count")
    return tensors


def _number(header: Header, key: str, default: int | None = None) -> int:
    value = header.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        field = header.fields.get(key)
        raise BadFile(header.path, f"{value!r} is no number of parts", offset=field.offset if field else None, key=key)
    return value
