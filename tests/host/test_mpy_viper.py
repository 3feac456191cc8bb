"""Viper modules: the reference's bits in MicroPython on this machine, and what they refuse."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from build_tflite import Node, T, build
from cases import generate
from ring_model import ring
from small_models import MODELS
from strategies import by_kind
from test_wake_words import models
from viper_runs import MACHINE, compare, in_micropython, run, source_of

from tinygen.boards import load_board
from tinygen.compiled import Model, compile_model, open_model
from tinygen.errors import BadInput, TinygenError
from tinygen.micropython.module import module_source
from tinygen.micropython.native import build_native
from tinygen.micropython.programs import find_program
from tinygen.micropython.viper import ViperSource, viper_source
from tinygen.micropython.viper_mpy import ARCHITECTURES, viper_mpy
from tinygen.simulate.reference import reference

pytestmark = [pytest.mark.needs_tflm, pytest.mark.needs_micropython]
REAL = ("kws_ref_int8", "hello_world_int8", "micro_speech_int8", "ad01_int8", "vww_96_int8")
#: Operators that viper computes, and how many of the generated cases of each it takes at least.
KINDS = {
    "CONV_2D": 30, "DEPTHWISE_CONV_2D": 30, "FULLY_CONNECTED": 30, "ADD": 20, "SUB": 20, "MUL": 20, "MAXIMUM": 10,
    "MINIMUM": 10, "MEAN": 10, "SUM": 10, "AVERAGE_POOL_2D": 10, "MAX_POOL_2D": 10, "SOFTMAX": 10, "PAD": 10,
    "CONCATENATION": 10, "SPLIT_V": 5, "STRIDED_SLICE": 10, "TRANSPOSE": 10, "QUANTIZE": 5, "RELU": 5, "LOGISTIC": 5,
    "TANH": 5, "READ_VARIABLE": 5,
}  # fmt: skip


def viper(model: Model, board: str = "pico") -> ViperSource:
    return source_of(compile_model(model, load_board(board)))


def samples_of(source: ViperSource, count: int) -> list[bytes]:
    return [np.random.default_rng(i).integers(-128, 128, source.input_bytes, "int8").tobytes() for i in range(count)]


def expected(model: Model, samples: list[bytes], folder: Path) -> list[str]:
    (folder / "model.tflite").write_bytes(model.tflite)
    return [output.hex() for output in reference(folder / "model.tflite", samples, timeout_s=60).outputs]


@pytest.mark.slow
@pytest.mark.needs_models
@pytest.mark.parametrize("name", REAL)
def test_real_models(name: str, model_path: Callable[[str], Path], tmp_path: Path) -> None:
    model = open_model(model_path(name))
    source = viper(model)
    samples = samples_of(source, 3)
    found = in_micropython(source, samples, tmp_path)
    assert found["outputs"] == found["last"] == expected(model, samples, tmp_path)


ARENAS = """
import json, sys
sys.path.insert(0, {folder!r})
import _viper, _native
found = []
for m in (_viper, _native):
    arena, out = bytearray(m.ARENA_BYTES), bytearray(m.OUTPUT_BYTES)
    arenas = []
    for s in {samples!r}:
        m.run(bytes.fromhex(s), out, arena)
        arenas.append(arena.hex())
    found.append(arenas)
print(json.dumps(dict(viper=found[0], native=found[1])))
"""


@pytest.mark.needs_cc
@pytest.mark.skipif(MACHINE != "x64", reason="no native module for that machine")
@pytest.mark.parametrize("path", models(), ids=lambda path: path.stem)
def test_the_arena_of_wake_words(path: Path, tmp_path: Path) -> None:
    """What these models hear is held in variables; they nearly always answer 0."""
    compiled = compile_model(open_model(path), load_board("pico"), optimize="speed")
    source = source_of(compiled)
    native = module_source(compiled.graph, compiled.layers, compiled.plan, compiled.model.info)
    (tmp_path / "_viper.mpy").write_bytes(viper_mpy(source, MACHINE))
    (tmp_path / "_native.mpy").write_bytes(build_native(native, "x64").data)
    samples = samples_of(source, 12)
    assert in_micropython(source, samples, tmp_path)["last"] == expected(compiled.model, samples, tmp_path)
    told = ARENAS.format(folder=str(tmp_path), samples=[sample.hex() for sample in samples])
    found = run(told, tmp_path)
    first = -(-compiled.plan.arena_bytes // 8) * 8
    variables = slice(first, first + sum(state.initial.nbytes for state in compiled.graph.states))
    seen = set()
    for pair in zip(found["viper"], found["native"]):  # type: ignore[call-overload]
        viper_arena, arena = (np.frombuffer(bytes.fromhex(text), np.uint8) for text in pair)
        assert np.array_equal(viper_arena[variables] ^ 128, arena[variables])
        seen.add(arena[variables].tobytes())
    assert len(seen) == len(samples)


@pytest.mark.parametrize("kind", KINDS)
def test_generated_layers(kind: str, tmp_path: Path) -> None:
    cases = [case for strategy in by_kind()[kind] for case in generate(strategy, 30)]
    assert compare(cases, tmp_path) >= KINDS[kind]


def test_every_other_layer_that_viper_takes(tmp_path: Path) -> None:
    others = [strategy for kind, found in by_kind().items() if kind not in KINDS for strategy in found]
    assert compare([case for strategy in others for case in generate(strategy, 8)], tmp_path) > 150


@pytest.mark.parametrize("compiled", [True, False])
def test_a_streaming_model_keeps_its_state_in_the_arena(compiled: bool, tmp_path: Path) -> None:
    model = ring()
    source = viper(model)
    samples = samples_of(source, 6)
    found = in_micropython(source, samples, tmp_path, compiled=compiled)
    wanted = expected(model, samples, tmp_path)
    assert len(set(wanted)) > 1
    assert found["outputs"] == found["last"] == wanted


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("board", ["pico", "nucleo_f446re"])
def test_small_models_whatever_the_board_packs(name: str, board: str, tmp_path: Path) -> None:
    model = Model(name, MODELS[name]().tflite)
    source = viper(model, board)
    samples = samples_of(source, 4)
    found = in_micropython(source, samples, tmp_path)
    assert found["outputs"] == found["last"] == expected(model, samples, tmp_path)


def test_wrong_arguments_are_told_with_their_numbers(tmp_path: Path) -> None:
    source = viper(Model("dense", MODELS["dense"]().tflite))
    n, out, arena = source.input_bytes, source.output_bytes, source.arena_bytes
    wrong = (
        "((samples[0] + b'x', out, arena), (samples[0], out[1:], arena), (samples[0], out, arena[8:]), (7, out, arena),"
        " (samples[0], bytes(out), arena), (samples[0], out, memoryview(arena + bytes(8))[3:]), (samples[0], out),"
        f" (__import__('array').array('h', range({n})), out, arena), (None, out, arena), ([0] * {n}, out, arena),"
        f" (__import__('array').array('h', range({n // 2})), out, arena), (samples[0], out, bytes(arena)))"
    )
    errors = in_micropython(source, samples_of(source, 1), tmp_path, wrong)["errors"]
    buffer = "TypeError: object with buffer protocol required"
    assert errors == [
        f"ValueError: samples: {n + 1} bytes, wanted {n}",
        f"ValueError: out: {out - 1} bytes, wanted {out}",
        f"ValueError: arena: {arena - 8} bytes, wanted {arena}",
        buffer,
        buffer,
        "ValueError: arena: begins 3 bytes after a multiple of 8",
        "TypeError: function takes 3 positional arguments but 2 were given",
        f"ValueError: samples: {2 * n} bytes, wanted {n}",
        buffer,
        buffer,
        "",
        buffer,
    ]


ROM = """
import gc, json, sys, vfs
raw = open({image!r}, "rb").read()
memory = bytearray(len(raw) + 3)
found, heaps = [], []
for at in range(4):
    memory[at:at + len(raw)] = raw
    vfs.mount(vfs.VfsRom(memoryview(memory)[at:]), "/rom")
    sys.path.insert(0, "/rom")
    gc.collect(); before = gc.mem_alloc()
    import _model as m
    gc.collect(); heaps.append(gc.mem_alloc() - before)
    out = bytearray(m.OUTPUT_BYTES)
    m.run(bytes(range(m.INPUT_BYTES)), out, bytearray(m.ARENA_BYTES))
    found.append(out.hex())
    m = None; del sys.modules["_model"]; sys.path.pop(0); vfs.umount("/rom")
print(json.dumps(dict(outputs=found, heaps=heaps)))
"""


def test_words_at_any_address_of_a_rom_are_aligned(tmp_path: Path) -> None:
    """A ROM file system's bytes are read in place; a kernel's words are copied where they do not lie at a word."""
    model = Model("conv", MODELS["conv"]().tflite)
    source = viper(model)
    (tmp_path / "rom").mkdir()
    (tmp_path / "rom" / "_model.mpy").write_bytes(viper_mpy(source, MACHINE))
    command = [find_program("mpremote"), "romfs", "-o", tmp_path / "rom.img", "--no-mpy", "build", tmp_path / "rom"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    found = run(ROM.format(image=str(tmp_path / "rom.img")), tmp_path)
    assert found["outputs"] == expected(model, [bytes(range(source.input_bytes))], tmp_path) * 4
    assert len(set(found["heaps"])) > 1  # type: ignore[call-overload]


TWO = """
import json, sys
sys.path.insert(0, {folder!r})
def results():
    import _first as a, _second as b
    found = []
    arenas = [(m, bytearray(m.ARENA_BYTES), bytearray(m.OUTPUT_BYTES), bytes(range(m.INPUT_BYTES))) for m in (a, b)]
    for i in range(3):
        for m, arena, out, sample in arenas:
            m.run(sample, out, arena)
            found.append(out.hex())
    return found
once = results()
for name in ("_first", "_second"):
    del sys.modules[name]
print(json.dumps(dict(once=once, again=results())))
"""


def test_two_models_imported_twice(tmp_path: Path) -> None:
    pair = [Model("first", MODELS["conv"]().tflite), ring()]
    wanted = []
    for model, name in zip(pair, ("_first", "_second")):
        source = viper(model)
        (tmp_path / f"{name}.mpy").write_bytes(viper_mpy(source, MACHINE, name))
        wanted.append(expected(model, [bytes(range(source.input_bytes))] * 3, tmp_path))
    found = run(TWO.format(folder=str(tmp_path)), tmp_path)
    assert found["once"] == found["again"] == [output for turn in zip(*wanted) for output in turn]


def test_the_arena_is_the_native_module_s() -> None:
    for model in (ring(), *(Model(name, make().tflite) for name, make in MODELS.items())):
        compiled = compile_model(model, load_board("pico"))
        native = module_source(compiled.graph, compiled.layers, compiled.plan, model.info)
        found = source_of(compiled)
        assert (found.arena_bytes, found.input_bytes, found.output_bytes) == (
            native.arena_bytes, native.input_bytes, native.output_bytes,
        )  # fmt: skip


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_compiles_to_the_same_bytes_each_time(architecture: str) -> None:
    source = viper(Model("hostile", MODELS["hostile"]().tflite))
    made = viper_mpy(source, architecture)
    assert made[:2] == b"M\x06" and made == viper_mpy(source, architecture)


@pytest.mark.parametrize(
    ("does", "told"),
    [
        (
            "echo 'ERROR: xtensa bccz out of range'; echo > made.mpy",
            "mpy-cross fails for xtensawin: ERROR: xtensa bccz",
        ),
        ("echo one >&2; echo two >&2; exit 1", "mpy-cross fails for xtensawin: two."),
    ],
)
def test_a_compiler_that_fails_is_told(
    does: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """Old ones say that code for Xtensa is wrong, and go on."""
    program = tmp_path / "mpy-cross"
    program.write_text(f"#!/bin/sh\n{does}\n")
    program.chmod(0o755)
    monkeypatch.setattr("tinygen.micropython.viper_mpy.find_program", lambda _name: str(program))
    with pytest.raises(TinygenError) as caught:
        viper_mpy(viper(Model("dense", MODELS["dense"]().tflite)), "xtensawin")
    assert caught.value.line.startswith(told) and "\n" not in caught.value.line


def test_what_viper_has_no_kernel_for_is_told() -> None:
    tensors = [T((4,), "float32"), T((4,), "int8", (0.5,), (3,))]
    tflite = build(tensors, [Node("QUANTIZE", (0,), (1,), "QuantizeOptions")], [0], [1])
    compiled = compile_model(Model("real", tflite), load_board("pico"))
    with pytest.raises(BadInput, match=r"QUANTIZE on float32, int8 is not supported in viper. Hint: A native module"):
        viper_source(compiled.graph, compiled.layers, compiled.plan, compiled.model.info)
    with pytest.raises(BadInput, match="No viper for z80: x86, x64"):
        viper_mpy(viper(Model("dense", MODELS["dense"]().tflite)), "z80")
