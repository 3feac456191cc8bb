"""The TensorFlow Lite Micro back end: the array there and back, the resolver, the rendered C++, the arena's size."""

from __future__ import annotations

import shutil
import subprocess
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygen.backends.tflm import model_bytes_of, model_source, render_tflm
from tinygen.backends.tflm_arena import Buffer, estimate_arena, greedy_plan_bytes
from tinygen.backends.tflm_array import array_lines, digest, parse_array
from tinygen.backends.tflm_resolver import ABSENT, resolver_methods
from tinygen.boards import board_names, load_board
from tinygen.errors import BadInput
from tinygen.frontend.importer import import_tflite
from tinygen.graph.ir import Graph, Op, Quant, Tensor
from tinygen.graph.tflm import BUILTIN, CUSTOM
from tinygen.ops import operators
from tinygen.project import Manifest, ModelRecord, PlanRecord
from tinygen.resources import data_dir
from tinygen.simulate.reference import reference

STUBS = Path(__file__).resolve().parent / "stubs"
BYTES = b"\x1c\x00\x00\x00TFL3" + bytes(range(256))
#: Arena that TFLM of August 2026 with CMSIS-NN used on a Cortex-M4F, and the least with which AllocateTensors passed.
MEASURED = {
    "kws_ref_int8": (22820, 22828),
    "vww_96_int8": (100708, 100720),
    "ic_resnet8_int8": (54996, 55000),
    "ad01_int8": (2580, 3012),
    "micro_speech_int8": (6836, 6840),
    "hello_world_int8": (772, 1156),
}


def small_graph() -> Graph:
    """Two ends, a dense layer with per-tensor weights and a softmax; names that would like to be C."""
    quant = Quant((0.5,), (3,))
    tensors = (
        Tensor('x */ "; rm', (1, 16), "int8", quant),
        Tensor("w", (4, 16), "int8", quant, np.zeros((4, 16), np.int8)),
        Tensor("y", (1, 4), "int8", quant),
        Tensor("z?\\", (1, 4), "int8", Quant((1 / 256,), (-128,))),
    )
    ops = (
        Op("FULLY_CONNECTED", "dense", (0, 1, -1), (2,)),
        Op("SOFTMAX", "softmax */ int main(", (2,), (3,)),
    )
    return Graph('small */ "', tensors, ops, (0,), (3,), sha256=digest(BYTES))


def write_project(folder: Path, name: str, files: dict[str, str], runtime: str = "tflm") -> None:
    for path, text in files.items():
        target = folder / "lib" / name / "src" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    record = ModelRecord(name=name, version="1", file="m.tflite", sha256=digest(BYTES), inputs=(), outputs=())
    plan = PlanRecord(arena_bytes=1, arena_lower_bound_bytes=1, state_bytes=0, weights_bytes=0, layers=())
    manifest = Manifest(tinygen="0", runtime=runtime, board="b", model=record, plan=plan, files={})
    (folder / "tinygen.json").write_text(manifest.text())


@given(st.binary(max_size=100))
def test_array_reads_back(tail: bytes) -> None:
    data = b"0000TFL3" + tail
    lines = list(array_lines(data))
    text = "// {\n/* = { */\nalignas(16) const unsigned char m[M] = {\n" + "\n".join(lines) + "\n};\n"
    assert parse_array(text, "m", "here", len(data)) == data
    assert len(lines) == -(-len(data) // 16)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0x54", "0x154"),  # not a byte
        ("0x54", "'T'"),
        ("0x54", "0x54 + 1"),
        ("0x54", "054"),  # octal in C, decimal to the eye
        ("0x54", "-1"),
        ("0x54", ""),
        ("0x54, ", ""),  # one short
        ("0x54, ", "0x55, "),  # no longer a .tflite
        ("small_model_data", "other"),
        ("= {", "= { {"),
        ("#include", "#define unsigned\n#include"),
        ("};", ""),
        ("};", "};\nconst unsigned char small_model_data[1] = { 0 };"),
    ],
)
def test_edited_array_is_refused(tmp_path: Path, old: str, new: str) -> None:
    files = render_tflm(small_graph(), BYTES, load_board("nucleo_f446re"), name="small")
    write_project(tmp_path, "small", files)
    assert model_bytes_of(tmp_path) == BYTES
    path = tmp_path / model_source("small")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(BadInput) as error:
        model_bytes_of(tmp_path)
    assert "\n" not in error.value.line


def test_edited_weight_is_read_as_edited(tmp_path: Path) -> None:
    write_project(tmp_path, "small", render_tflm(small_graph(), BYTES, load_board("nucleo_f446re"), name="small"))
    path = tmp_path / model_source("small")
    path.write_text(path.read_text().replace("0xff,", "255 /* was 0xff */ , ").replace("0xfe,", "0X0,"))
    assert model_bytes_of(tmp_path) == BYTES[:-2] + b"\x00\xff"


def test_no_array_in_other_projects(tmp_path: Path) -> None:
    write_project(tmp_path, "small", {}, runtime="aot")
    with pytest.raises(BadInput, match="aot"):
        model_bytes_of(tmp_path)
    write_project(tmp_path, "small", {})
    with pytest.raises(BadInput, match="cannot be read"):
        model_bytes_of(tmp_path)


def test_graph_of_other_bytes_is_refused() -> None:
    with pytest.raises(BadInput, match="not read from"):
        render_tflm(small_graph(), BYTES + b"\0", load_board("nucleo_f446re"), name="small")


def test_resolver_names_each_operator_once() -> None:
    graph = small_graph()
    assert resolver_methods(graph) == ("AddFullyConnected", "AddSoftmax")
    assert resolver_methods(replace(graph, ops=(*graph.ops, *graph.ops))) == ("AddFullyConnected", "AddSoftmax")


@pytest.mark.parametrize("kind", ["CUSTOM:Lambda", "STABLEHLO_ADD", "VAR_HANDLE", "IF", "CUSTOM:"])
def test_resolver_refuses_by_layer(kind: str) -> None:
    graph = small_graph()
    with pytest.raises(BadInput, match="layer_7"):
        resolver_methods(replace(graph, ops=(Op(kind, "layer_7", (0,), (2,)),)))


def test_resolver_refuses_types_that_no_kernel_takes() -> None:
    """The interpreter would refuse them on the board."""
    graph = small_graph()
    exp = replace(graph, ops=(Op("EXP", "layer_7", (0,), (2,)),))
    with pytest.raises(BadInput, match=r"layer_7: EXP on int8 .* float32 alone.*tinygen quantize"):
        resolver_methods(exp)
    tensors = (replace(graph.tensors[0], dtype="float32"), *graph.tensors[1:])
    with pytest.raises(BadInput, match=r"weights of one kind alone.*full int8"):
        resolver_methods(replace(graph, tensors=tensors))


def test_library_without_the_operator_is_named() -> None:
    graph = replace(small_graph(), ops=(Op("REVERSE_V2", "reverse", (0,), (2,)),))
    assert resolver_methods(graph) == ("AddReverseV2",)
    with pytest.raises(BadInput, match="Chirale"):
        render_tflm(graph, BYTES, load_board("nucleo_f446re"), name="small")
    assert "AddReverseV2" in render_tflm(graph, BYTES, load_board("esp32dev"), name="small")["small.cpp"]


def test_resolver_methods_agree_with_the_operators_and_the_declarations() -> None:
    declared = (STUBS / "tflm/tensorflow/lite/micro/micro_mutable_op_resolver.h").read_text()
    for method in {*BUILTIN.values(), *CUSTOM.values(), *ABSENT["Chirale_TensorFLowLite"]}:
        assert f"TfLiteStatus {method}();" in declared
    in_files = {kind: op.resolver for kind, op in operators().items() if kind != "TABLE"}
    assert in_files == {kind: BUILTIN[kind] for kind in in_files}


@pytest.mark.needs_cc
@pytest.mark.skipif(not shutil.which("g++"), reason="no g++")
@pytest.mark.parametrize(("break_it", "define"), [(False, "-DPLAIN"), (False, "-DTG_TRACE=1"), (True, "-DPLAIN")])
def test_rendered_cpp_compiles_against_the_declarations(tmp_path: Path, break_it: bool, define: str) -> None:
    files = render_tflm(
        small_graph(),
        BYTES,
        load_board("nucleo_f446re"),
        name="small",
        labels=('a"', "b\n", "c??/", "\xe9"),
        version='"',
    )
    if break_it:
        files["small.cpp"] = files["small.cpp"].replace("AddSoftmax()", "AddSoftMax()")
    write_project(tmp_path, "small", files)
    source = tmp_path / "lib" / "small" / "src"
    flags = ["-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-fsyntax-only"]
    for name in ("small.cpp", "small_model.cpp"):
        done = subprocess.run(
            ["g++", *flags, define, "-I", str(STUBS / "tflm"), "-I", str(source), str(source / name)],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert (done.returncode != 0) is (break_it and name == "small.cpp"), done.stderr


@pytest.mark.needs_cc
@pytest.mark.skipif(not shutil.which("g++"), reason="no g++")
def test_the_hook_counts_operators_and_not_what_is_timed_inside(tmp_path: Path) -> None:
    """Events as the interpreter has them: three operators, the second with a kernel's own inside; then again."""
    program = (
        '#include <cstdio>\n#include "tg_tflm_hook.h"\n'
        'void tg_on_layer(uint32_t i, const void *, uint32_t) { std::printf("%u ", static_cast<unsigned>(i)); }\n'
        "int main() {\n    TgTflmHook hook;\n    for (int run = 0; run < 2; run++) {\n        hook.Restart();\n"
        '        for (const char *c = "()(()())()"; *c; c++) {\n'
        "            *c == '(' ? static_cast<void>(hook.BeginEvent(\"x\")) : hook.EndEvent(0);\n        }\n    }\n}\n"
    )
    (tmp_path / "main.cpp").write_text(program)
    includes = ["-I", str(STUBS / "tflm"), "-I", str(data_dir("firmware") / "runtime")]
    command = ["g++", "-std=c++17", "-Wall", "-Wextra", "-Werror", "-DTG_TRACE=1", *includes, "main.cpp", "-o", "main"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60)
    done = subprocess.run([str(tmp_path / "main")], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.split() == ["0", "1", "2"] * 2


def test_every_board_renders_or_says_why() -> None:
    graph = small_graph()
    arenas = {name: render_tflm(graph, BYTES, load_board(name), name="small")["small.h"] for name in board_names()}
    assert len(set(arenas.values())) == len(arenas)
    again = render_tflm(graph, BYTES, load_board("pico"), name="small")
    assert again == render_tflm(graph, BYTES, load_board("pico"), name="small")


def brute_force_fits(buffers: list[Buffer], size: int) -> bool:
    """Whether the liveness bound of `buffers` is within `size`."""
    times = {t for b in buffers for t in (b.first, b.last)}
    return all(sum(b.nbytes for b in buffers if b.first <= t <= b.last) <= size for t in times)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 6), st.integers(0, 3)), max_size=12))
def test_greedy_plan_is_between_its_bounds(drawn: list[tuple[int, int, int]]) -> None:
    buffers = [Buffer(16 * n, first, first + length) for n, first, length in drawn]
    size = greedy_plan_bytes(buffers)
    assert brute_force_fits(buffers, size)
    assert size <= sum(b.nbytes for b in buffers)


def test_greedy_plan_by_hand() -> None:
    # 48 at 0, 32 before it in time at 0, 16 alive with both on top of 48.
    assert greedy_plan_bytes([Buffer(32, 0, 1), Buffer(16, 1, 2), Buffer(48, 2, 3)]) == 64
    assert greedy_plan_bytes([Buffer(32, 0, 1), Buffer(32, 2, 3)]) == 32
    assert greedy_plan_bytes([Buffer(32, 0, 2), Buffer(32, 2, 3)]) == 64
    assert greedy_plan_bytes([]) == 0


def test_what_a_plan_places_comes_first() -> None:
    assert greedy_plan_bytes([Buffer(32, 0, 1, 64), Buffer(48, 0, 1), Buffer(32, 1, 2, 0)]) == 144
    assert greedy_plan_bytes([Buffer(32, 0, 1, 64), Buffer(64, 0, 1)]) == 96
    graph = small_graph()
    given_plan = estimate_arena(graph, "cmsis_dsp", {0: 4096})
    assert given_plan.planned_bytes == 4112
    assert given_plan.persistent_bytes == estimate_arena(graph, "cmsis_dsp").persistent_bytes
    assert estimate_arena(graph, "esp_nn").scratch_bytes == 16  # softmax: a word for each of four
    assert estimate_arena(graph, "esp_nn").arena_bytes % 16 == 0


@pytest.mark.needs_models
@pytest.mark.parametrize(("name", "measured"), MEASURED.items())
def test_arena_is_what_was_measured(model_path: Callable[[str], Path], name: str, measured: tuple[int, int]) -> None:
    graph = import_tflite(model_path(name).read_bytes(), name, supported_only=False)
    arena = estimate_arena(graph, "cmsis_dsp")
    used, needed = measured
    if name == "vww_96_int8":  # TFLM's own planner is 18,432 bytes above the bound here
        assert arena.planned_bytes == 73728
    assert used <= arena.used_bytes <= 1.1 * used
    assert needed <= arena.needed_bytes < arena.arena_bytes
    assert arena.arena_bytes <= 1.05 * needed + 512


@pytest.mark.needs_models
@pytest.mark.parametrize("board", ["esp32-s3-devkitc-1", "nucleo_f446re"])
def test_kws_resolver_and_array(model_path: Callable[[str], Path], tmp_path: Path, board: str) -> None:
    data = model_path("kws_ref_int8").read_bytes()
    graph = import_tflite(data, "kws", supported_only=False)
    files = render_tflm(graph, data, load_board(board), name="kws")
    added = [line.strip() for line in files["kws.cpp"].splitlines() if "resolver.Add" in line]
    assert [line.split("resolver.")[1].split("(")[0] for line in added] == [
        "AddConv2D", "AddDepthwiseConv2D", "AddAveragePool2D", "AddReshape", "AddFullyConnected", "AddSoftmax",
    ]  # fmt: skip
    assert "MicroMutableOpResolver<6>" in files["kws.cpp"]
    write_project(tmp_path, "kws", files)
    assert model_bytes_of(tmp_path) == data


@pytest.mark.needs_models
@pytest.mark.needs_tflm
def test_the_arrays_bytes_compute_the_models_outputs(model_path: Callable[[str], Path], tmp_path: Path) -> None:
    data = model_path("kws_ref_int8").read_bytes()
    graph = import_tflite(data, "kws", supported_only=False)
    write_project(tmp_path, "kws", render_tflm(graph, data, load_board("esp32-s3-devkitc-1"), name="kws"))
    array = tmp_path / "array.tflite"
    array.write_bytes(model_bytes_of(tmp_path))
    ramp = bytes((37 * i + 11 - 128) % 256 for i in range(490))
    assert f"{zlib.crc32(reference(array, [ramp]).outputs[0]):08x}" == "6f8d0761"
