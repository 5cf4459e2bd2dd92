"""llama-cpp-python: `Llama` with `Gemma4ChatHandler`.

Both routes go through `Llama.create_chat_completion`, as a user would call it. Streams carry no usage, so prompt tokens are read from
`Llama.n_tokens` when the handler has evaluated the prompt, soft tokens included.
"""

import base64
import collections
import contextlib
import functools
import gc
import importlib.metadata
import mimetypes
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from runtimeprobe.contract import (
    Absent,
    AdapterError,
    Ask,
    BadReply,
    Candidate,
    Claim,
    Config,
    Engine,
    EngineMissing,
    Loaded,
    LoadFailed,
    Model,
    Options,
    Releases,
    Reply,
    Route,
    RuntimeTooOld,
)
from runtimeprobe_llamacpp import errors
from runtimeprobe_llamacpp.backend import CHAT_AUDIO, CHAT_IMAGE, Request
from runtimeprobe_llamacpp.knobs import cache_type, choice, for_load, number, text

_LOG_LINES = 200
_WARN = 3  # enum ggml_log_level: 2 info, 3 warn, 4 error, 5 continues the line before (ggml/include/ggml.h)
_ADD_BOS = "tokenizer.ggml.add_bos_token"
_BOS = {"on": {"kv_overrides": {_ADD_BOS: True}}, "off": {"kv_overrides": {_ADD_BOS: False}}}
_TEMPLATE = "tokenizer.chat_template"


class LlamaCppPython:
    """The Python binding. One model at a time."""

    name = "llama-cpp-python"
    routes = (Route(CHAT_AUDIO), Route(CHAT_IMAGE, note="the clip as a data: URL in an image part"))
    releases = Releases(
        package="llama-cpp-python", compiled=True, compare="https://github.com/abetlen/llama-cpp-python/compare/v{before}...v{after}"
    )
    knobs = (
        number("context", "n_ctx", "512", values=("2048", "4096", "8192")),
        number("threads", "n_threads n_threads_batch", "half of the processors, all of them for prompts"),
        choice("flash_attention", "off", {"off": {"flash_attn": False}, "on": {"flash_attn": True}}, "flash_attn"),
        cache_type("kv_type_k", "type_k", by_number=True),
        cache_type("kv_type_v", "type_v", by_number=True),
        choice("swa_full", "the engine's", {"off": {"swa_full": False}, "on": {"swa_full": True}}, "swa_full"),
        choice("device", "cpu", {"cpu": {"n_gpu_layers": 0}, "gpu": {"n_gpu_layers": -1}}, "n_gpu_layers"),
        text("template", _TEMPLATE, "the model's own", f"metadata {_TEMPLATE} (Jinja text)"),
        choice(
            "bos",
            "the model's",
            _BOS,
            f"kv_overrides {_ADD_BOS}",
        ),
    )

    def __init__(self) -> None:
        self._llama: Any = None
        self._handler: Any = None
        self._log: collections.deque[str] = collections.deque(maxlen=_LOG_LINES)
        self._callback: Any = None  # native code keeps the pointer; this keeps it valid

    def discover(self, options: Options) -> Engine | Absent:  # noqa: ARG002
        try:
            version = importlib.metadata.version(self.name)
        except importlib.metadata.PackageNotFoundError:
            return Absent(self.name, "not installed", "pip install llama-cpp-python (builds from source: needs a C++ compiler and cmake)")
        return Engine(self.name, version)

    def served(self, candidates: Sequence[Candidate]) -> Sequence[Model] | None:  # noqa: ARG002
        return None

    def load(self, model: Model, config: Config) -> Loaded:
        self._log.clear()
        settings = for_load(self.knobs, config)
        template = settings.pop(_TEMPLATE, "")
        try:
            import llama_cpp

            self._listen(llama_cpp)
            self._handler = _handler(model.projector)
            # verbose: the quiet mode sends file descriptor 2 to /dev/null while it works, and with it every reason for a failure.
            self._llama = llama_cpp.Llama(model_path=model.name, chat_handler=self._handler, verbose=True, **settings)
            if template:
                self._llama.metadata[_TEMPLATE] = template
            # The projector is only loaded by the first ask: so that a bad one fails here, ask for one token.
            self._llama.create_chat_completion(messages=[{"role": "user", "content": "."}], max_tokens=1, temperature=0.0)
        except AdapterError:
            raise
        except ImportError as error:
            raise EngineMissing("llama-cpp-python cannot be imported.", words=str(error), fix="pip install llama-cpp-python") from error
        except Exception as error:
            words = f"{error}\n{errors.complaints(''.join(self._log))}"
            raise errors.from_words(self.name, "could not load the model", words, errors.LOADING, LoadFailed) from error
        return self._loaded(llama_cpp)

    def ask(self, request: Request) -> Reply:
        start = time.perf_counter()
        messages = [{"role": "user", "content": _content(request)}]
        thinking = {} if request.thinking is None else {"enable_thinking": request.thinking}
        arguments = {"messages": messages, "max_tokens": request.ask.max_tokens, **request.sampling}
        try:
            with self._template_arguments(thinking):
                if self._handler is None:
                    return _whole(self._llama.create_chat_completion(**arguments), start)
                chunks = self._llama.create_chat_completion(**arguments, stream=True)
                # The generator has not started: what is evaluated by now is the prompt.
                return self._stream(chunks, request.ask, int(self._llama.n_tokens), start)
        except AdapterError:
            raise
        except Exception as error:
            words = f"{error}\n{errors.complaints(''.join(self._log))}"
            raise errors.from_words(self.name, "refused", words, errors.ASKING, AdapterError) from error

    def unload(self) -> None:
        llama, self._llama, self._handler = self._llama, None, None
        if llama is not None:
            llama.close()  # frees the projector too: the handler registers it with the model
            del llama
            gc.collect()

    def _stream(self, chunks: Any, ask: Ask, prompt_tokens: int, start: float) -> Reply:
        text, finish, model, first = [], "", "", None
        for chunk in chunks:
            with _shape(chunk):
                choice = chunk["choices"][0]
                piece, finish, model = choice["delta"].get("content") or "", choice["finish_reason"] or finish, chunk["model"]
            if piece and first is None:
                first = time.perf_counter() - start
            text.append(piece)
            if ask.enough(piece):
                finish = "loop"
                break
        evaluated = int(self._llama.n_tokens)
        # The last token of an answer that was cut is given out and not evaluated.
        completion_tokens = evaluated - prompt_tokens + (1 if finish in {"length", "loop"} else 0)
        seconds = time.perf_counter() - start
        return Reply("".join(text), "", prompt_tokens, completion_tokens, finish, seconds, first, {"model": model, "n_tokens": evaluated})

    @contextlib.contextmanager
    def _template_arguments(self, arguments: dict[str, Any]) -> Iterator[None]:
        """`create_chat_completion` has no way to pass template arguments; the handler it calls gives unknown ones to the template."""
        if not arguments or self._handler is None:
            yield
            return
        self._llama.chat_handler = functools.partial(self._handler, **arguments)
        try:
            yield
        finally:
            self._llama.chat_handler = self._handler

    def _listen(self, module: Any) -> None:
        """Native log lines: warnings and errors go to stderr and are kept; the many lines about each tensor are dropped."""
        import ctypes

        level_before = 0

        def hear(level: int, text: bytes, _: Any) -> None:
            nonlocal level_before
            level = level_before if level == 5 else level
            level_before = level
            line = text.decode("utf-8", "replace")
            if level >= _WARN or "using device" in line:
                self._log.append(line)
                sys.stderr.write(line)

        self._callback = module.llama_log_callback(hear)
        module.llama_log_set(self._callback, ctypes.c_void_p(0))
        with contextlib.suppress(ImportError, AttributeError):  # releases without the multimodal library or its log
            from llama_cpp import mtmd_cpp

            mtmd_cpp.mtmd_log_set(self._callback, ctypes.c_void_p(0))
            mtmd_cpp.mtmd_helper_log_set(self._callback, ctypes.c_void_p(0))

    def _loaded(self, module: Any) -> Loaded:
        claim = Claim.UNDECLARED
        context = getattr(self._handler, "mtmd_ctx", None)
        if context is not None:
            from llama_cpp import mtmd_cpp

            claim = Claim.YES if mtmd_cpp.mtmd_support_audio(context) else Claim.NO
        info = module.llama_print_system_info().decode("utf-8", "replace")
        using = [line.partition("using device ")[2].split(" - ")[0].strip() for line in self._log if "using device " in line]
        return Loaded(
            claim,
            _build(module),
            ", ".join(dict.fromkeys(using)) or "CPU",
            {"system_info": info[:500], "context_tokens": self._llama.n_ctx()},
        )


def _build(module: Any) -> str:
    """The library's own version, where it tells; it is built without llama.cpp's build number."""
    version = getattr(module, "llama_version", None)
    return f"llama.cpp {version().decode('ascii', 'replace')}" if version is not None else ""


def _handler(projector: str) -> Any:
    if not projector:
        return None
    try:
        from llama_cpp.llama_chat_format import Gemma4ChatHandler
    except ImportError as error:
        raise RuntimeTooOld(
            "This release of llama-cpp-python has no handler for Gemma 4.", words=str(error), fix="pip install --upgrade llama-cpp-python",
        ) from error  # fmt: skip
    return Gemma4ChatHandler(clip_model_path=projector, verbose=True)


def _whole(answer: Any, start: float) -> Reply:
    """An answer in one piece, which carries usage; without a projector the handler evaluates nothing before the generator runs."""
    seconds = time.perf_counter() - start
    with _shape(answer):
        choice, usage = answer["choices"][0], answer["usage"]
        return Reply(
            choice["message"]["content"] or "",
            "",
            int(usage["prompt_tokens"]),
            int(usage["completion_tokens"]),
            choice["finish_reason"] or "",
            seconds,
            raw={"model": answer["model"], "usage": dict(usage)},
        )


@contextlib.contextmanager
def _shape(piece: Any) -> Iterator[None]:
    try:
        yield
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise BadReply("A piece of the reply has not the shape of a chat completion.", words=repr(piece)[: errors.MAX_WORDS]) from error


def _content(request: Request) -> list[dict[str, Any]]:
    ask = request.ask
    content: list[dict[str, Any]] = [{"type": "text", "text": ask.prompt}]
    if ask.clip:
        clip = Path(ask.clip)
        data = base64.b64encode(clip.read_bytes()).decode("ascii")
        if ask.route == CHAT_IMAGE:
            media = "audio/wav" if clip.suffix.lower() == ".wav" else mimetypes.guess_type(clip.name)[0] or "application/octet-stream"
            part = {"type": "image_url", "image_url": {"url": f"data:{media};base64,{data}"}}
        else:
            part = {"type": "input_audio", "input_audio": {"data": data, "format": clip.suffix[1:].lower() or "wav"}}
        content.insert(0, part)
    return content
