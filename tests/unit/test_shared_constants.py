"""Constants of equal bytes stand in flash once, and every layer still reads its own values."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from build_tflite import Node, T, build, const

from tinygen.backends import aot
from tinygen.backends.constants import Pool, pool
from tinygen.boards import load_board
from tinygen.compiled import Compiled, Model, compile_model

X = T((1, 8), "int8", (0.5,), (3,))


def compiled(tensors: list[T], nodes: list[Node], outputs: tuple[int, ...]) -> Compiled:
    return compile_model(Model("m", build(tensors, nodes, (0,), outputs)), load_board("pico"))


def pool_of(made: Compiled) -> Pool:
    return pool(made.graph, made.layers, aot.layer_names(made.layers), "m_weights")


def two_dense(first: npt.NDArray[np.int8], second: npt.NDArray[np.int8]) -> Compiled:
    tensors = [X, *(T((8, 8), "int8", (0.02,), (0,), data=w, name=f"w{i}") for i, w in enumerate((first, second)))]
    tensors += [X, X, const(np.arange(8)), const(np.arange(8) * 2)]
    nodes = [Node("FULLY_CONNECTED", (x, x + 1, x + 5), (x + 3,), "FullyConnectedOptions") for x in (0, 1)]
    nodes[1] = replace(nodes[1], inputs=(3, 2, 6), outputs=(4,))
    return compiled(tensors, nodes, (4,))


def test_equal_weights_are_stored_once() -> None:
    same, other = np.ones((8, 8), np.int8), np.full((8, 8), 2, np.int8)
    shared, apart = two_dense(same, same.copy()), two_dense(same, other)
    assert shared.weights_bytes == apart.weights_bytes - 64
    names = pool_of(shared).names
    assert names[0, "weights"] == names[1, "weights"] == "m_weights.t3_weights"
    assert names[0, "bias"] != names[1, "bias"], "the zero point's part differs"
    assert pool_of(apart).names[1, "weights"] == "m_weights.t4_weights"


def test_the_struct_is_as_large_as_is_said() -> None:
    made = two_dense(np.ones((8, 8), np.int8), np.ones((8, 8), np.int8))
    found = pool_of(made)
    assert made.weights_bytes == found.weights_bytes == -(-sum(f.nbytes for f in found.fields) // 4) * 4
    files = aot.render_aot(made.graph, made.layers, made.plan, "pico", made.model.info)
    assert files["m_weights.c"].count("_weights = {") == 2, "the struct and one array of weights"
    assert f"constants {made.weights_bytes} B" in files["m.h"]


@pytest.mark.needs_cc
@pytest.mark.parametrize("bias", [[1, -2, 3], [1 << 31, -(1 << 40), 3]], ids=["32 bits", "64 bits"])
def test_the_struct_of_wide_biases_is_as_large_as_is_said(tmp_path: Path, bias: list[int]) -> None:
    """Biases of int64 take 8 bytes where one needs them, and stand first; the struct is padded to their alignment."""
    x, w = T((1, 3), "int16", (0.5,)), T((3, 3), "int8", (0.02,), data=np.ones((3, 3), np.int8))
    tensors = [x, w, const(bias, "int64", scales=(0.01,)), replace(x, scales=(0.25,))]
    made = compiled(tensors, [Node("FULLY_CONNECTED", (0, 1, 2), (3,), "FullyConnectedOptions")], (3,))
    found, wide = pool_of(made), max(bias) > 3
    assert found.fields[0].ctype == ("int64_t" if wide else "int32_t")
    assert found.weights_bytes == (24 + 4 + 1 + 9 + 2 if wide else 12 + 4 + 1 + 9 + 2)
    for name, text in aot.render_aot(made.graph, made.layers, made.plan, "pico", made.model.info).items():
        (tmp_path / name).write_text(text)
    says = f"typedef char same[sizeof(m_weights_t) == {found.weights_bytes} ? 1 : -1];"
    (tmp_path / "size.c").write_text(f'#include "m_weights.h"\n{says}\n')
    command = ["cc", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-fsyntax-only"]
    done = subprocess.run([*command, "size.c", "m_weights.c", "m.c"], cwd=tmp_path, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()[:1000]


def test_equal_bytes_of_other_types_are_other_constants() -> None:
    """Zeros of 8 bits are no zeros of 32 bits."""
    found = pool_of(two_dense(np.zeros((8, 8), np.int8), np.zeros((8, 8), np.int8)))
    assert {f.ctype for f in found.fields} == {"int8_t", "int32_t"}
    assert all(f.data.dtype.itemsize * f.count == f.nbytes for f in found.fields)


def test_equal_tables_are_written_at_the_first_layer_that_reads_them() -> None:
    share = T((1, 8), "int8", (1 / 256,), (-128,))
    other = replace(X, scales=(0.25,))
    nodes = [
        Node("LOGISTIC", (0,), (1,)), Node("LOGISTIC", (2,), (3,)), Node("QUANTIZE", (0,), (4,), "QuantizeOptions"),
        Node("LOGISTIC", (4,), (5,)), Node("RELU", (0,), (2,)),
    ]  # fmt: skip
    tensors = [X, share, X, share, other, share]
    made = compiled(tensors, [nodes[0], nodes[4], nodes[1], nodes[2], nodes[3]], (1, 3, 5))
    found = pool_of(made)
    logistic = [layer.index for layer in made.layers if layer.op.kind == "LOGISTIC"]
    first, second, third = (found.names[i, "table"] for i in logistic)
    assert first == second != third
    assert logistic[0] in found.tables and logistic[1] not in found.tables
    source = aot.render_aot(made.graph, made.layers, made.plan, "pico", made.model.info)["m.c"]
    assert source.count(f"{first}[256]") == 1 and source.count(first) == 3
