"""Prints bytes and instructions of layers dense and with their weights stored compressed, counted in simulation.

Usage: python bench/packed.py [BOARD]     (qemu_mps2_an386, a Cortex-M4F, by default)
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from unittest import mock

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "ops"))

from build_tflite import Node, T, build

from tinygen.compiled import Model
from tinygen.ops import _choice
from tinygen.pipeline import generate
from tinygen.project import read_manifest
from tinygen.proof import simulate_project

COLUMNS = ("layer", "weights", "kernel", "constants, B", "code, B", "arena, B", "instructions", "of dense")
GENERATOR = np.random.default_rng(0)
PLACES = 8  # along either side of a convolution's image

Weights = npt.NDArray[np.int8]


def fully_connected(w: Weights, scales: tuple[float, ...] = (0.01,)) -> bytes:
    return _model("FULLY_CONNECTED", "FullyConnectedOptions", {}, (1, w.shape[1]), w, scales, (1, len(w)))


def convolution(w: Weights) -> bytes:
    shape = (1, PLACES, PLACES)
    fields = {"padding": 0, "strideH": 1, "strideW": 1}
    scales = tuple(np.float32(np.geomspace(0.01, 0.04, len(w))).tolist())
    return _model("CONV_2D", "Conv2DOptions", fields, (*shape, w.shape[3]), w, scales, (*shape, len(w)))


def _model(
    kind: str, options: str, fields: dict[str, int], x: tuple[int, ...], w: Weights, scales: tuple[float, ...],
    y: tuple[int, ...],
) -> bytes:  # fmt: skip
    weights = T(w.shape, "int8", scales, (0,) * len(scales), 0, w)
    tensors = [T(x, "int8", (0.05,), (-3,)), weights, T(y, "int8", (0.9,), (5,))]
    return build(tensors, [Node(kind, (0, 1), (2,), options, fields)], [0], [2])


def weights(shape: tuple[int, ...], zeros: float = 0.0, values: int = 255, block: int = 1) -> Weights:
    """int8 weights of so many values, with that share of blocks of zeros."""
    rows, n = shape[0], int(np.prod(shape[1:]))
    kept = np.repeat(GENERATOR.random((rows, n // block)) >= zeros, block, axis=1)
    known = np.arange(-127, 128, 255 // values)[:values]
    return np.where(kept, GENERATOR.choice(known, (rows, n)), 0).astype(np.int8).reshape(shape)


def shared(rows: int, n: int) -> tuple[Weights, tuple[float, ...]]:
    """Weights of 16 float values, quantized by row."""
    real = GENERATOR.choice(GENERATOR.normal(0, 0.1, 16), (rows, n))
    scales = np.float32(np.abs(real).max(axis=1) / 127 * GENERATOR.uniform(1, 2, rows))
    return np.rint(real / scales[:, None].astype(np.float64)).astype(np.int8), tuple(scales.tolist())


def product(rows: int, n: int, length: int, codewords: int, share: int) -> Weights:
    """Weights of books of so many codewords, one for `share` subspaces of that length."""
    spaces = n // length
    books = GENERATOR.integers(-127, 128, (-(-spaces // share), codewords, length)).astype(np.int8)
    codes = GENERATOR.integers(0, codewords, (spaces, rows))
    return np.concatenate([books[s // share][codes[s]] for s in range(spaces)], axis=1)


def measured(tflite: bytes, board: str, share: dict[str, float]) -> tuple[str, list[int]]:
    """(the kernel, [bytes of constants, of code, of the arena, instructions]) with that share to be saved."""
    with tempfile.TemporaryDirectory(prefix="tinygen-") as work, mock.patch.object(_choice, "LEAST_SHARE", share):
        project = Path(work) / "p"
        generate(Model("m", tflite), board, project)
        run = simulate_project(project, samples=2, compare=True)
        if run.mismatched_samples:
            sys.exit("bits differ")
        figures = (run.weights_bytes, run.code_bytes, run.arena_bytes, run.instructions_per_inference)
        return read_manifest(project).plan.layers[0].kernel, [int(figure or 0) for figure in figures]


def main() -> None:
    dense, k3, k1 = (64, 128), (32, 3, 3, 32), (64, 1, 1, 64)
    rows = [
        ("FULLY_CONNECTED 128 → 64", "75 % zeros", fully_connected(weights(dense, 0.75))),
        ("", "75 % zeros in blocks of 4", fully_connected(weights(dense, 0.75, block=4))),
        ("", "90 % zeros", fully_connected(weights(dense, 0.9))),
        ("", "16 values", fully_connected(weights(dense, values=16))),
        ("", "16 values, a scale a channel", fully_connected(*shared(*dense))),
        ("", "75 % zeros, 15 other values", fully_connected(weights(dense, 0.75, 15))),
        ("", "16 codewords of 4 a subspace", fully_connected(product(*dense, 4, 16, 1))),
        ("", "the same for 4 subspaces", fully_connected(product(*dense, 4, 16, 4))),
        ("", "16 codewords of 8 for 4 subspaces", fully_connected(product(*dense, 8, 16, 4))),
        ("", "256 codewords of 4 for all", fully_connected(product(*dense, 4, 256, 32))),
        ("CONV_2D 3x3, 32 → 32 at 8x8", "75 % zeros", convolution(weights(k3, 0.75))),
        ("", "16 values", convolution(weights(k3, values=16))),
        ("", "75 % zeros, 15 other values", convolution(weights(k3, 0.75, 15))),
        ("CONV_2D 1x1, 64 → 64 at 8x8", "75 % zeros", convolution(weights(k1, 0.75))),
        ("", "16 values", convolution(weights(k1, values=16))),
    ]
    print("|", " | ".join(COLUMNS), "|")
    print("|", " | ".join(["---"] * len(COLUMNS)), "|")
    for layer, kind, tflite in rows:
        _, before = measured(tflite, sys.argv[1] if sys.argv[1:] else "qemu_mps2_an386", {})
        kernel, after = measured(tflite, sys.argv[1] if sys.argv[1:] else "qemu_mps2_an386", {"balanced": 0.0})
        cells = [f"{a:,} → {b:,}" for a, b in zip(before, after)]
        print("|", " | ".join([layer, kind, kernel, *cells, f"{after[3] / before[3]:.2f}"]), "|", flush=True)


if __name__ == "__main__":
    main()
