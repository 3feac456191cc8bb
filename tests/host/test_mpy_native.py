"""Native modules: the reference's bits in MicroPython on this machine, and on every core with its weights anywhere."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from build_tflite import Node, T, build
from hypothesis import given
from hypothesis import strategies as st
from ring_model import ring
from small_models import MODELS

from tinygen.backends.aot import model_pool
from tinygen.backends.constants import ITEM
from tinygen.boards import load_board
from tinygen.compiled import Model, compile_model, open_model
from tinygen.errors import BadInput
from tinygen.micropython.loader import Module, Raised
from tinygen.micropython.module import QSTRS, ModuleSource, module_source
from tinygen.micropython.mpy_file import ARCHITECTURES, mpy_file, read_mpy
from tinygen.micropython.native import CORES, build_native
from tinygen.micropython.programs import find_program
from tinygen.simulate.reference import reference

pytestmark = [pytest.mark.needs_cross_gcc, pytest.mark.needs_tflm]
ON_CORES = [name for name in CORES if name != "x64"]


def source_of(model: Model) -> ModuleSource:
    compiled = compile_model(model, load_board("pico"))
    return module_source(compiled.graph, compiled.layers, compiled.plan, model.info)


def samples_of(source: ModuleSource, count: int) -> list[bytes]:
    return [np.random.default_rng(i).integers(-128, 128, source.input_bytes, "int8").tobytes() for i in range(count)]


def expected(model: Model, samples: list[bytes], folder: Path) -> list[bytes]:
    (folder / "model.tflite").write_bytes(model.tflite)
    return list(reference(folder / "model.tflite", samples, timeout_s=60).outputs)


def small(name: str) -> Model:
    return Model(name, MODELS[name]().tflite)


RUN = """
import gc, json, sys
sys.path.insert(0, {folder!r})
gc.collect(); before = gc.mem_alloc()
import {module} as m
gc.collect(); heap = gc.mem_alloc() - before
arena, out = bytearray(m.ARENA_BYTES), bytearray(m.OUTPUT_BYTES)
samples = [bytes.fromhex(s) for s in {samples!r}]
outputs = []
for s in samples:
    m.run(s, out, arena); outputs.append(out.hex())
view = memoryview(samples[0])
def again():
    m.run(view, out, arena)
again(); before = gc.mem_alloc(); again(); again(); allocated = gc.mem_alloc() - before
errors = []
for wrong in {wrong}:
    try: m.run(*wrong); errors.append("")
    except Exception as e: errors.append(type(e).__name__ + ": " + str(e))
for i in range(20):
    gc.collect(); rubbish = [bytearray(99) for _ in range(200)]
m.reset(arena)
last = []
for s in samples:
    m.run(s, out, arena); last.append(out.hex())
print(json.dumps(dict(outputs=outputs, last=last, errors=errors, allocated=allocated, heap=heap)))
"""


def in_micropython(source: ModuleSource, samples: list[bytes], folder: Path, wrong: str = "()") -> dict[str, object]:
    (folder / "_model.mpy").write_bytes(build_native(source, "x64").data)
    told = {"folder": str(folder), "module": "_model", "samples": [s.hex() for s in samples], "wrong": wrong}
    (folder / "run.py").write_text(RUN.format(**told))
    done = subprocess.run([find_program("micropython"), folder / "run.py"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.mark.slow
@pytest.mark.needs_micropython
@pytest.mark.needs_models
@pytest.mark.parametrize("name", ["kws_ref_int8", "hello_world_int8", "micro_speech_int8", "ad01_int8", "vww_96_int8"])
def test_real_models_in_micropython(name: str, model_path: Callable[[str], Path], tmp_path: Path) -> None:
    model = open_model(model_path(name))
    source = source_of(model)
    samples = samples_of(source, 3)
    found = in_micropython(source, samples, tmp_path)
    wanted = [output.hex() for output in expected(model, samples, tmp_path)]
    assert found["outputs"] == found["last"] == wanted
    assert found["allocated"] == 0


@pytest.mark.needs_models
def test_code_is_small_beside_the_tables(model_path: Callable[[str], Path]) -> None:
    """The text is copied to RAM at import: what is not bias or multiplier has to stay below 6 KiB."""
    model = open_model(model_path("kws_ref_int8"))
    compiled = compile_model(model, load_board("qemu_mps2_an386"))
    source = module_source(compiled.graph, compiled.layers, compiled.plan, model.info)
    fields = model_pool(compiled.graph, compiled.layers, model.name).fields
    tables = sum(field.nbytes for field in fields if ITEM[field.ctype] > 1)
    assert build_native(source, "armv7emsp", prefer="gcc").text_bytes <= tables + 6 * 1024
    assert build_native(source, "armv7emsp", prefer="gcc", optimize="size").text_bytes <= tables + 5 * 1024


def test_an_architecture_without_native_modules_has_a_way_out() -> None:
    with pytest.raises(BadInput, match=r"No native module for xtensawin.*\n?.*viper"):
        build_native(source_of(small("dense")), "xtensawin")


@pytest.mark.needs_micropython
def test_a_streaming_model_keeps_its_state_in_the_arena(tmp_path: Path) -> None:
    model = ring()
    source = source_of(model)
    samples = samples_of(source, 6)
    found = in_micropython(source, samples, tmp_path)
    wanted = [output.hex() for output in expected(model, samples, tmp_path)]
    assert len(set(wanted)) > 1
    assert found["outputs"] == found["last"] == wanted


@pytest.mark.needs_micropython
def test_wrong_arguments_are_told_with_their_numbers(tmp_path: Path) -> None:
    source = source_of(small("dense"))
    n, out, arena = source.input_bytes, source.output_bytes, source.arena_bytes
    wrong = (
        "((samples[0] + b'x', out, arena), (samples[0], out[1:], arena), (samples[0], out, arena[8:]), (7, out, arena),"
        " (samples[0], bytes(out), arena), (samples[0], out, memoryview(arena + bytes(8))[3:]), (samples[0], out))"
    )
    errors = in_micropython(source, samples_of(source, 1), tmp_path, wrong)["errors"]
    assert errors == [
        f"ValueError: samples: {n + 1} bytes, wanted {n}",
        f"ValueError: out: {out - 1} bytes, wanted {out}",
        f"ValueError: arena: {arena - 8} bytes, wanted {arena}",
        "TypeError: object with buffer protocol required",
        "TypeError: object with buffer protocol required",
        "ValueError: arena: begins 3 bytes after a multiple of 8",
        "TypeError: function takes 3 positional arguments but 2 were given",
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("architecture", "prefer"), [*((name, "gcc") for name in ON_CORES), ("armv6m", "zig"), ("rv32imc", "zig")]
)
def test_every_core_computes_the_same_with_its_weights_at_an_odd_address(
    architecture: str, prefer: str, tmp_path: Path
) -> None:
    for model in (small("conv"), small("dense"), ring()):
        source = source_of(model)
        samples = samples_of(source, 3)
        module = Module(build_native(source, architecture, prefer=prefer).data)
        assert set(module.values) == set(QSTRS) - {"ValueError"}
        arena = module.allocate(module.values["ARENA_BYTES"])
        outputs = [module.run(sample, arena, source.output_bytes) for sample in samples]
        assert outputs == expected(model, samples, tmp_path) and module.instructions > 0


@pytest.mark.parametrize("architecture", ON_CORES)
def test_what_a_core_refuses(architecture: str) -> None:
    source = source_of(small("dense"))
    module = Module(build_native(source, architecture).data)
    with pytest.raises(Raised, match=f"ValueError: arena: 8 bytes, wanted {source.arena_bytes}"):
        module.run(bytes(source.input_bytes), module.allocate(8), source.output_bytes)
    with pytest.raises(Raised, match="begins 4 bytes after a multiple of 8"):
        module.run(bytes(source.input_bytes), module.allocate(source.arena_bytes, 4), source.output_bytes)
    with pytest.raises(Raised, match="TypeError"):
        module.call(module.values["run"], (1, 2))


@pytest.mark.parametrize("architecture", ["armv6m", "armv7emsp", "rv32imc"])
def test_float_ends_need_no_library(architecture: str, tmp_path: Path) -> None:
    """Numbers that fit an integer, subnormal ones among them; an FPU computes where the firmware's core has one."""
    tensors = [T((40,), "float32"), T((40,), "int8", (0.5,), (3,)), T((40,), "float32")]
    nodes = [Node("QUANTIZE", (0,), (1,), "QuantizeOptions"), Node("DEQUANTIZE", (1,), (2,), "DequantizeOptions")]
    model = Model("real", build(tensors, nodes, [0], [2]))
    source = source_of(model)
    ends = np.array([0.0, -0.0, 1e-45, -1e-38, 0.25, -0.25, 0.75, 1e8, -1e8, 1e-3], np.float32)
    draw = np.random.default_rng(1).integers(0, 1 << 32, 40, np.uint32).view(np.float32)
    draw[~(np.abs(draw) < 1e8)] = 0
    samples = [x.astype(np.float32).tobytes() for x in (np.tile(ends, 4), np.arange(40) / 4 - 5, draw)]
    module = Module(build_native(source, architecture).data)
    arena = module.allocate(source.arena_bytes)
    outputs = [module.run(sample, arena, source.output_bytes) for sample in samples]
    assert outputs == expected(model, samples, tmp_path)


@given(st.sampled_from(sorted(ARCHITECTURES)), st.lists(st.from_regex(r"[a-z_]{1,12}", fullmatch=True), max_size=9),
       st.binary(max_size=300), st.binary(max_size=300))  # fmt: skip
def test_a_file_is_read_as_it_was_written(architecture: str, names: list[str], blob: bytes, text: bytes) -> None:
    found = read_mpy(mpy_file(architecture, names, blob, text))
    assert (found.architecture, list(found.names), found.blob, found.text) == (architecture, names, blob, text)


@given(st.binary(max_size=64), st.integers(0, 63), st.integers(0, 255))
def test_a_damaged_file_is_refused_or_read(noise: bytes, at: int, byte: int) -> None:
    data = bytearray(mpy_file("armv6m", QSTRS, b"weights", b"text" * 4))
    data[at % len(data)] = byte
    for hostile in (bytes(data), bytes(data[: at % len(data)]), b"M\6" + noise, noise):
        try:
            read_mpy(hostile)
        except BadInput as error:
            assert "\n" not in error.line
