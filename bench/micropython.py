"""Prints what native MicroPython modules cost beside the C back end: instructions, and the bytes of their parts.

Usage: python bench/micropython.py MODELS_DIR [SETTING …] [ARCHITECTURE …] [gcc|zig]
       (settings: speed balanced size; without any, balanced and size)

Both run in unicorn, for the same input, the ramp; a module's count is that of its `run`, copies of input and output
included. Where bits differ from the C back end's, whose are the reference's, it ends.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import cast, get_args

from tinygen.backends.aot import model_pool
from tinygen.backends.constants import ITEM
from tinygen.boards import load_board
from tinygen.compiled import Model, compile_model, open_model
from tinygen.micropython.loader import Module
from tinygen.micropython.module import module_source
from tinygen.micropython.native import build_native
from tinygen.ops.lowering import Optimize
from tinygen.pipeline import generate
from tinygen.proof import simulate_project
from tinygen.records import Tools

COLUMNS = (
    "model", "architecture", "optimize", "C back end", "native", "ratio", "text, B", "tables in it, B", "besides, B",
    "blob, B", "compiler",
)  # fmt: skip
BOARDS = {
    "armv6m": "qemu_m0plus",
    "armv7m": "qemu_mps2_an385",
    "armv7emsp": "qemu_mps2_an386",
    "armv7emdp": "qemu_mps2_an500",
    "rv32imc": "qemu_riscv32",
}
MODELS = ("kws_ref_int8", "micro_speech_int8", "hello_world_int8", "ad01_int8", "vww_96_int8")


def main() -> None:
    settings = [word for word in sys.argv[2:] if word in get_args(Optimize)] or ["balanced", "size"]
    architectures = [word for word in sys.argv[2:] if word in BOARDS] or list(BOARDS)
    tools: Tools = "zig" if "zig" in sys.argv[2:] else "gcc"
    print("|", " | ".join(COLUMNS), "|")
    print("|", " | ".join(["---"] * len(COLUMNS)), "|")
    for architecture in architectures:
        for setting in settings:
            for name in MODELS:
                model = open_model(Path(sys.argv[1]) / f"{name}.tflite")
                print("|", " | ".join(row(model, architecture, cast(Optimize, setting), tools)), "|", flush=True)


def ramp(size: int) -> bytes:
    """Run 0 of every simulation, of a model whose input is int8."""
    return bytes((37 * i + 11 - 128) % 256 for i in range(size))


def row(model: Model, architecture: str, optimize: Optimize, tools: Tools) -> list[str]:
    """The cells of one model on one architecture."""
    board = BOARDS[architecture]
    with tempfile.TemporaryDirectory(prefix="tinygen-") as work:
        generate(model, board, Path(work) / "p", optimize=optimize, toolchain=tools)
        run = simulate_project(Path(work) / "p", samples=1, on="unicorn", compare=False, toolchain=tools)
    compiled = compile_model(model, load_board(board), optimize=optimize)
    source = module_source(compiled.graph, compiled.layers, compiled.plan, model.info)
    native = build_native(source, architecture, prefer=tools, optimize=optimize)
    module = Module(native.data)
    arena = module.allocate(source.arena_bytes)
    sample = ramp(source.input_bytes)
    if module.run(sample, arena, source.output_bytes) != run.outputs[0]:
        sys.exit(f"{model.name} on {architecture}: bits differ")
    assert run.instructions_per_inference is not None
    ratio = f"{module.instructions / run.instructions_per_inference:.2f}"
    pool = model_pool(compiled.graph, compiled.layers, model.name)
    tables = sum(field.nbytes for field in pool.fields if ITEM[field.ctype] > 1)
    numbers = (native.text_bytes, tables, native.text_bytes - tables, native.blob_bytes)
    counts = [f"{n:,}" for n in (run.instructions_per_inference, module.instructions)]
    return [model.name, architecture, optimize, *counts, ratio, *(f"{n:,}" for n in numbers), native.compiler]


if __name__ == "__main__":
    main()
