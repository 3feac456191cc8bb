"""Streaming models in TensorFlow Lite Micro: their variables counted, their arena, and what a reset does to them."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from build_tflite import Node, Sub, T, build

from tinygen.backends.tflm import render_tflm
from tinygen.backends.tflm_arena import estimate_arena
from tinygen.backends.tflm_ranks import check_tensors
from tinygen.backends.tflm_resolver import resolver_methods
from tinygen.boards import load_board
from tinygen.compiled import Model
from tinygen.errors import BadInput
from tinygen.frontend.importer import import_tflite
from tinygen.graph.ir import Graph, OtherSubgraph, Variable
from tinygen.offline_plan import with_offline_plan
from tinygen.pipeline import render_project

STUBS = Path(__file__).resolve().parent / "stubs"
BOARD = "esp32dev"
HANDLE = T((), "resource")
ROW = T((1, 1, 8), "int8", (0.5,), (3,), name="row")
HELD = replace(ROW, shape=(1, 2, 8), name="held")

#: Arena that TFLM of August 2026 used for each of them where pointers have 32 bits (x86, reference kernels, our plan).
MEASURED = {"alexa": 15_820, "hey_jarvis": 15_468, "hey_mycroft": 17_116, "okay_nabu": 20_332}

#: Prints the non-persistent part of the arena, and outputs' bytes: of a run, of a run after a reset, of a fresh one.
RUN = """
import json, sys
import numpy as np
from tflite_micro.python.tflite_micro import runtime as r
data = open(sys.argv[1], "rb").read()
make = lambda: r.Interpreter.from_bytes(data, arena_size=1 << 20)
def run(it):
    detail, said = it.get_input_details(0), []
    for i in range(6):
        x = np.random.default_rng(i).integers(-128, 128, detail["shape"]).astype(detail["dtype"])
        it.set_input(x, 0); it.invoke(); said.append(np.asarray(it.get_output(0)).tobytes().hex())
    return said
it = make()
first = run(it); on = run(it); it.reset(); again = run(it); it.print_allocations()
print(json.dumps([first, on, again, run(make())]))
"""


def handle(tensor: int, name: str, **container: str) -> Node:
    return Node("VAR_HANDLE", (), (tensor,), "VarHandleOptions", {"sharedName": name, **container})


def stream(start: int | None, extra: tuple[Node, ...] = (), name: str = "ring", **container: str) -> bytes:
    """The last two rows and a new one, joined: the output. With `start`, CALL_ONCE fills the ring with it."""
    tensors = [
        ROW, HANDLE, HELD, replace(HELD, shape=(1, 3, 8), name="both"), HELD,
        *(T((3,), "int32", data=np.array(v, np.int32)) for v in ([0, 1, 0], [1, 3, 8], [1, 1, 1])), HANDLE,
    ]  # fmt: skip
    nodes = [
        handle(1, name, **container),
        *extra,
        Node("READ_VARIABLE", (1,), (2,), "ReadVariableOptions"),
        Node("CONCATENATION", (2, 0), (3,), "ConcatenationOptions", {"axis": 1}),
        Node("STRIDED_SLICE", (3, 5, 6, 7), (4,), "StridedSliceOptions"),
        Node("ASSIGN_VARIABLE", (1, 4), (), "AssignVariableOptions"),
    ]
    if start is None:
        return build(tensors, nodes, [0], [3])
    value = replace(HELD, data=np.full(HELD.shape, start, np.int8))
    once = Sub(
        (HANDLE, value), (handle(0, name, **container), Node("ASSIGN_VARIABLE", (0, 1), (), "AssignVariableOptions"))
    )
    return build(
        tensors, [Node("CALL_ONCE", (), (), "CallOnceOptions", {"initSubgraphIndex": 1}), *nodes], [0], [3], [once]
    )


def graph_of(data: bytes) -> Graph:
    return import_tflite(data, "stream", supported_only=False)


def wake_words() -> list[Path]:
    package = importlib.util.find_spec("pymicro_wakeword")
    assert package is not None and package.origin is not None
    return sorted((Path(package.origin).parent / "models").glob("*.tflite"))


def test_variables_are_counted_as_tflm_numbers_them() -> None:
    assert graph_of(stream(None)).variables == (Variable("ring", 16),)
    assert graph_of(stream(3)).variables == (Variable("ring", 16),)
    assert graph_of(stream(5)).variables == (Variable("ring", 16, starts_as_reset=False),)
    second = graph_of(stream(5, (handle(8, "ring"),)))
    assert second.variables == (Variable("ring", 16, starts_as_reset=False),), "equal names are one variable"
    other = graph_of(stream(None, (handle(8, "other"),)))
    assert other.variables == (Variable("ring", 16), Variable("other", 0))
    held = graph_of(stream(None, (handle(8, "ring", container="b"),), container="a"))
    assert [v.name for v in held.variables] == ["a/ring", "b/ring"] and all(v.is_comparable for v in held.variables)
    assert graph_of(stream(None, (handle(8, "ring"),), container="a")).variables == (Variable("a/ring", 16),)


def test_names_that_tflm_cannot_compare_are_refused() -> None:
    """It would compare the container with a null pointer on the board."""
    for data in (stream(None, (handle(8, "ring", container="b"),)),
                 stream(None, (handle(8, "more", container="b"),))):  # fmt: skip
        graph = graph_of(data)
        assert [v.is_comparable for v in graph.variables] == [True, False]
        with pytest.raises(BadInput, match="cannot tell the variable 'b/"):
            resolver_methods(graph)


def test_what_is_no_handle_is_refused() -> None:
    graph = graph_of(stream(None))
    wrong = tuple(replace(t, dtype="int32") if i == 1 else t for i, t in enumerate(graph.tensors))
    with pytest.raises(BadInput, match="not a handle"):
        resolver_methods(replace(graph, tensors=wrong))
    check_tensors(graph)
    with pytest.raises(BadInput, match="no place"):
        check_tensors(replace(graph, tensors=tuple(replace(t, dtype="string") for t in graph.tensors)))


def test_operators_of_every_subgraph_are_added() -> None:
    assert resolver_methods(graph_of(stream(3))) == (
        "AddCallOnce", "AddVarHandle", "AddReadVariable", "AddConcatenation", "AddStridedSlice", "AddAssignVariable",
    )  # fmt: skip
    graph = graph_of(stream(None))
    for kind in ("WHILE", "CUSTOM:x", "STABLEHLO_ADD"):
        with pytest.raises(BadInput, match=kind):
            resolver_methods(replace(graph, others=(OtherSubgraph(1, (kind,)),)))
    assert "AddAbs" in resolver_methods(replace(graph, others=(OtherSubgraph(1, ("ABS",)),)))


def test_the_arena_holds_the_variables() -> None:
    """By hand: 12 and 20 at 16 for the variables' table, 16 for the ring, and what the handle's layer takes."""
    with_ring = estimate_arena(graph_of(stream(None)), "reference")
    graph = graph_of(stream(None))
    without = estimate_arena(replace(graph, variables=()), "reference")
    assert with_ring.planned_bytes == without.planned_bytes == 16 + 16 + 32, "the handle has no place"
    assert with_ring.persistent_bytes - without.persistent_bytes in range(12 + 20 + 16, 12 + 20 + 16 + 3 * 16)
    assert with_ring.start_bytes >= 116 + 12 + 20
    once = estimate_arena(graph_of(stream(3)), "reference")
    more = 12 * 2 + 32 * 3 + 8 + (4 + 8 + 16) + 4  # tensors, nodes, subgraph, CALL_ONCE, VAR_HANDLE of the subgraph
    assert more <= once.persistent_bytes - with_ring.persistent_bytes <= more + 64
    assert once.planning_bytes - with_ring.planning_bytes == 4 + 24 * 2


def run(data: bytes, folder: Path) -> tuple[int, list[list[str]]]:
    """(bytes of the arena that are not persistent, outputs of the runs of RUN)."""
    path = folder / "model.tflite"
    path.write_bytes(data)
    command = [sys.executable, "-c", RUN, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    found = re.search(r"head\D*?(\d+) bytes", done.stdout + done.stderr)
    assert found
    runs = next(json.loads(line) for line in done.stdout.splitlines() if line.startswith("[["))
    return int(found[1]), runs


@pytest.mark.needs_tflm
@pytest.mark.parametrize("path", wake_words(), ids=lambda path: path.stem)
def test_wake_words_take_the_arena_that_is_planned(path: Path, tmp_path: Path) -> None:
    """With our plan of both subgraphs in the file, and without; a reset makes the interpreter a fresh one."""
    data = path.read_bytes()
    graph = graph_of(data)
    assert len(graph.variables) == 6 and all(v.nbytes and v.starts_as_reset for v in graph.variables)
    planned = with_offline_plan(graph, data, load_board(BOARD))
    stock, ours = run(data, tmp_path), run(planned.tflite, tmp_path)
    assert stock[0] == estimate_arena(graph, "reference").planned_bytes
    assert ours[0] == planned.arena.planned_bytes < stock[0]
    assert ours[1] == stock[1]
    first, _, after_reset, fresh = ours[1]
    assert first == after_reset == fresh


@pytest.mark.parametrize("path", wake_words(), ids=lambda path: path.stem)
def test_the_arena_is_what_was_measured(path: Path) -> None:
    data = path.read_bytes()
    arena = with_offline_plan(graph_of(data), data, load_board(BOARD)).arena
    assert MEASURED[path.stem] <= arena.used_bytes <= 1.1 * MEASURED[path.stem]
    assert arena.used_bytes <= arena.needed_bytes < arena.arena_bytes <= 1.25 * MEASURED[path.stem]


@pytest.mark.needs_tflm
@pytest.mark.parametrize("start", [None, 3, 5])
def test_what_tflms_reset_forgets(start: int | None, tmp_path: Path) -> None:
    """It fills variables with the zero point and does not run CALL_ONCE again: no fresh start where that assigns 5."""
    first, going_on, after_reset, fresh = run(stream(start), tmp_path)[1]
    assert first == fresh != going_on
    assert (after_reset == fresh) is (start != 5) is all(v.starts_as_reset for v in graph_of(stream(start)).variables)


def build_fake(
    data: bytes, folder: Path, *defines: str, edit: tuple[str, str] = ("", "")
) -> subprocess.CompletedProcess[str]:
    """The rendered model, linked to an interpreter that computes nothing; the compiler's result."""
    files = render_project(Model("stream", data), BOARD, runtime="tflm")[0]
    for path, content in files.items():
        if path.startswith("lib/stream/src/"):
            (folder / Path(path).name).write_bytes(content)
    source = folder / "stream.cpp"
    assert edit[0] in source.read_text()
    source.write_text(source.read_text().replace(*edit))
    methods = re.findall(r"resolver\.(\w+)\(\)", source.read_text())
    lines = [f"template <> TfLiteStatus tflite::MicroMutableOpResolver<{len(methods)}>::{m}() {{ return kTfLiteOk; }}"
             for m in methods]  # fmt: skip
    calls = "int main() { tg_status s = stream_begin(); stream_invoke(); stream_reset(); return s == TG_OK ? 0 : 9; }"
    head = '#include "stream.h"\n#include "tensorflow/lite/micro/micro_interpreter.h"\n'
    (folder / "main.cpp").write_text(head + "\n".join([*lines, calls]) + "\n")
    flags = ["-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
    sources = [
        str(folder / "main.cpp"),
        str(source),
        str(folder / "stream_model.cpp"),
        str(STUBS / "tflm_fake/fake.cpp"),
    ]
    command = ["g++", *flags, *defines, "-I", str(STUBS / "tflm"), "-I", str(folder), "-o", str(folder / "p"), *sources]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def said(folder: Path, **environment: str) -> tuple[int, list[str]]:
    done = subprocess.run([str(folder / "p")], capture_output=True, text=True, timeout=60, env=environment)
    return done.returncode, done.stdout.splitlines()


cxx = pytest.mark.skipif(not shutil.which("g++"), reason="no g++")


@pytest.mark.needs_cc
@cxx
def test_the_rendered_program_makes_variables_and_resets_them(tmp_path: Path) -> None:
    built = build_fake(stream(3), tmp_path)
    assert built.returncode == 0, built.stderr
    started = ["allocator made", "variables 1", "interpreter made with variables"]
    assert said(tmp_path) == (0, [*started, "interpreter reset"])
    assert build_fake(stream(5), tmp_path).returncode == 0
    assert said(tmp_path) == (0, [*started, "interpreter gone", *started])


@pytest.mark.needs_cc
@cxx
@pytest.mark.parametrize(
    "edit",
    [
        ("MicroResourceVariables::Create(allocator, 1)", "MicroResourceVariables::Create(1)"),
        ("MicroAllocator::Create(stream_arena, sizeof stream_arena)", "MicroAllocator::Create(stream_arena)"),
        ("(model, resolver, allocator, variables, profiler)", "(model, resolver, variables, allocator)"),
        ("micro_resource_variable.h", "micro_resource_variables.h"),
        ("~MicroInterpreter()", "~Interpreter()"),
    ],
    ids=range(5),
)
def test_a_typing_error_does_not_compile(edit: tuple[str, str], tmp_path: Path) -> None:
    assert build_fake(stream(5), tmp_path, edit=edit).returncode != 0


@pytest.mark.needs_cc
@cxx
@pytest.mark.parametrize("data", [stream(3), stream(None)], ids=["once", "plain"])
def test_an_arena_too_small_says_needed_and_given(data: bytes, tmp_path: Path) -> None:
    """Before it is tried: TensorFlow Lite Micro may not come back from trying."""
    header = render_project(Model("stream", data), BOARD, runtime="tflm")[0]["lib/stream/src/stream.h"].decode()
    needed = re.search(r"ARENA_NEEDED_BYTES (\d+)", header)
    assert needed
    for given, begins in ((128, False), (int(needed[1]) - 16, True)):
        assert build_fake(data, tmp_path, f"-DSTREAM_ARENA_BYTES={given}").returncode == 0
        for fails in (False, True):
            code, lines = said(tmp_path, **({"FAIL": "1"} if fails else {}))
            assert code == (0 if begins and not fails else 9)
            numbers = f"about {needed[1]} bytes of arena needed, {given} given (STREAM_ARENA_BYTES)"
            assert lines[0] == f"stream: the arena is small: {numbers}"
            assert ("interpreter made with variables" in lines) is begins
            assert (f"stream: AllocateTensors failed: {numbers}" in lines) is (begins and fails)


def test_a_model_without_variables_is_rendered_as_before() -> None:
    from small_models import MODELS

    data = MODELS["dense"]().tflite
    graph = import_tflite(data, "dense", supported_only=False)
    source = render_tflm(graph, data, load_board(BOARD), name="dense")["dense.cpp"]
    assert "MicroResourceVariables" not in source and "new (" not in source and "interpreter->Reset()" in source
