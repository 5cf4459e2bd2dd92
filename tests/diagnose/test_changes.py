"""What is tried first, what is never tried, and how it is written down."""

import shlex

from runtimeprobe.contract import Lever
from runtimeprobe.diagnose import written
from runtimeprobe.diagnose.changes import RECOMMENDED, Change, Patch, both, candidates
from runtimeprobe.diagnose.results import Finding, Status

LEVERS = (
    Lever("template", "the model's own"),
    Lever("bos", "the model's", ("on", "off")),
    Lever("stop", "none"),
    Lever("kv_type_k", "f16", ("f16", "q4_0")),
    Lever("device", "auto", ("auto", "cpu")),
)


def found(name: str, status: Status = Status.FOUND) -> Finding:
    return Finding(id=name, title=name, layer="file", status=status, confidence="high", seen="", expected="", fix="", source="")


def names(changes: tuple[Change, ...]) -> list[str]:
    return [change.lever for change in changes]


def test_what_the_file_shows_is_tried_first() -> None:
    assert names(candidates([found("T3")], "", LEVERS, {}, (), "{{ x }}"))[0] == "bos"
    assert names(candidates([found("C1")], "", LEVERS, {}, (), "{{ x }}"))[0] == "template"


def test_a_cause_that_is_ruled_out_draws_nothing_forward() -> None:
    ruled_out = candidates([found("T3", Status.CLEAR)], "", LEVERS, {}, (), "")
    assert ruled_out == candidates([], "", LEVERS, {}, (), "")


def test_what_would_mend_the_file_is_tried_for_the_cause_it_mends() -> None:
    patch = Patch(key="gemma4.final_logit_softcapping", value=30.0, kind="float")
    first = candidates([found("G1")], "", LEVERS, {}, [("G1", patch)], "")[0]
    assert (first.lever, first.aims, first.patches) == ("file", ("G1",), (patch,))


def test_a_lever_the_adapter_lacks_or_that_is_set_so_already_is_not_tried() -> None:
    changes = candidates([], "", LEVERS, {}, (), "")
    assert "context" not in names(changes)
    assert "kv_type_k" not in names(changes)
    assert "kv_type_k" in names(candidates([], "", LEVERS, {"kv_type_k": "q4_0"}, (), ""))


def test_what_the_user_set_is_doubted_before_what_nobody_set() -> None:
    changes = candidates([], "", LEVERS, {"kv_type_k": "q4_0"}, (), "")
    assert names(changes).index("kv_type_k") < names(changes).index("device")


def test_the_penalty_comes_last() -> None:
    assert names(candidates([], "line cycle", LEVERS, {}, (), "{{ x }}"))[-1] == "repeat_penalty"


def test_two_changes_are_made_at_once() -> None:
    bos = Change(lever="bos", before="the model's", after="on", aims=("T3",), levers={"bos": "on"})
    sampling = Change(lever="sampling", before="temperature 0", after="recommended", aims=("S1",), sampling=RECOMMENDED)
    pair = both(bos, sampling)
    assert (pair.lever, pair.levers, pair.sampling, pair.aims) == ("bos + sampling", {"bos": "on"}, RECOMMENDED, ("T3", "S1"))


def test_a_configuration_is_written_in_each_runtimes_words() -> None:
    patch = Patch(key="tokenizer.ggml.eos_token_id", value=106, kind="int")
    change = Change(
        lever="x",
        before="",
        after="",
        aims=(),
        levers={"context": "8192", "bos": "on"},
        sampling=RECOMMENDED,
        thinking=False,
        patches=(patch,),
    )
    words = written.everywhere(change, "model.gguf")
    flags = shlex.split(words["llama-server"])
    assert flags[:3] == ["llama-server", "--model", "model.gguf"]
    for flag, value in (
        ("--ctx-size", "8192"),
        ("--temp", "1"),
        ("--top-k", "64"),
        ("--chat-template-kwargs", '{"enable_thinking": false}'),
    ):
        assert flags[flags.index(flag) + 1] == value
    assert {"tokenizer.ggml.add_bos_token=bool:true", "tokenizer.ggml.eos_token_id=int:106"} <= set(flags)
    assert "PARAMETER num_ctx 8192" in words["modelfile"].splitlines()
    assert "PARAMETER temperature 1" in words["modelfile"].splitlines()
    assert "context_length: 8192" in words["lmstudio"].splitlines()
    compile(words["python"], "cure", "exec")
    assert "kv_overrides={'tokenizer.ggml.eos_token_id': 106" in words["python"]
    assert "'tokenizer.ggml.add_bos_token': True" in words["python"]


def test_what_no_flag_can_say_is_said() -> None:
    change = Change(lever="file", before="", after="", aims=("G3",), patches=(Patch(key="rope_freqs.weight", value=(1.0, 1e30)),))
    assert all("no word for: rope_freqs.weight in the file" in text for text in written.everywhere(change, "model.gguf").values())


def test_a_part_of_the_cure_that_a_runtime_has_no_word_for_is_never_left_out_in_silence() -> None:
    patch = Patch(key="tokenizer.ggml.eos_token_id", value=106, kind="int")
    change = Change(lever="x", before="", after="", aims=(), levers={"kv_type_k": "f16", "stop": "x"}, thinking=False, patches=(patch,))
    words = written.everywhere(change, "model.gguf")
    assert "# it has no word for: stop" in words["llama-server"].splitlines()
    assert {"# it has no word for: kv_type_k", "# it has no word for: tokenizer.ggml.eos_token_id in the file"} <= set(
        words["modelfile"].splitlines()
    )
    assert {"it has no word for: kv_type_k", "it has no word for: stop"} <= set(words["lmstudio"].splitlines())
    assert {"# it has no word for: kv_type_k", "# it has no word for: thinking"} <= set(words["python"].splitlines())
    assert "stop=['x']" in words["python"]
