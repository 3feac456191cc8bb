"""Fully connected layers whose weights are product quantized: the reference's bits, their bytes, and when."""

from __future__ import annotations

from pathlib import Path

import draw as d
import numpy as np
import numpy.typing as npt
import pytest
from build_tflite import T
from cases import Case, compare, generate, one_op
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import cases_of

from tinygen.backends.aot import layer_weights_bytes
from tinygen.frontend.importer import import_tflite
from tinygen.ops._product import Product, products
from tinygen.ops.lowering import Layer, Optimize, lower

Weights = npt.NDArray[np.int8]
#: By the bits of a code.
NAMES = {4: "matmul_product_s8", 8: "matmul_product8_s8"}


def _weights(
    outputs: int, spaces: int, length: int, codewords: int, share: int, generator: np.random.Generator
) -> Weights:
    """Weights [outputs, spaces * length] of books of so many codewords, one for `share` subspaces, all in use."""
    books = generator.integers(-128, 128, (-(-spaces // share), codewords, length)).astype(np.int8)
    places = np.arange(outputs)[:, None] + outputs * (np.arange(spaces) % share)
    codes = generator.permuted(places % codewords, axis=0)
    made: Weights = np.concatenate([books[s // share][codes[:, s]] for s in range(spaces)], axis=1)
    return made


@cases_of("FULLY_CONNECTED")
@st.composite
def _layers(draw: st.DrawFn) -> Case:
    length, rows = draw(st.integers(2, 8)), draw(st.sampled_from((1, 1, 2, 3)))
    spaces, filters = draw(st.integers(4, 12)), draw(st.integers(20, 61))
    codewords = draw(st.sampled_from((1, 2, 5, 16, 17, 24)))
    share = draw(st.sampled_from((1, 2, 4, spaces)))
    generator = np.random.default_rng(draw(d.seeds))
    data = _weights(filters, spaces, length, codewords, share, generator)
    scale = draw(d.scales(-10, -2))
    scales = np.float32(scale * 2.0 ** generator.uniform(-2, 2, filters)).tolist() if draw(st.booleans()) else [scale]
    w = T(data.shape, "int8", tuple(scales), (0,) * len(scales), 0, data)
    x = draw(d.activations((rows, data.shape[1])))
    y = d.q8((rows, filters), d.output_scale(x, w, data.shape[1], draw(st.integers(-6, 4))), draw(d.zero_points))
    inputs = [x, w] + ([d.bias(x, w, filters, draw(d.seeds))] if draw(st.booleans()) else [])
    fields = {"fusedActivationFunction": draw(d.fused)}
    return one_op("FULLY_CONNECTED", inputs, y, "FullyConnectedOptions", draw(d.seeds), **fields)


def _layer(case: Case, optimize: Optimize = "balanced") -> Layer:
    return lower(import_tflite(case.model, "product"), frozenset(), optimize)[0]


def _kept(data: Weights) -> Product:
    """What takes least."""
    return min(products(data).values(), key=lambda kept: kept.nbytes)


def test_the_reference_s_bits(tmp_path: Path) -> None:
    """Codes of 4 and of 8 bits, books of one and of several subspaces, odd and even numbers of outputs."""
    cases = generate(_layers(), 120)
    assert compare(cases, tmp_path) == 120
    names = [_layer(case).kernel_name for case in cases]
    bits = {name: bits for bits, name in NAMES.items()}
    taken = [
        (case, products(np.asarray(case.tensors[1].data))[bits[name]])
        for case, name in zip(cases, names) if name in bits
    ]  # fmt: skip
    wide = [kept.books.shape[1] > 16 for _, kept in taken]
    assert wide.count(True) >= 10 and wide.count(False) >= 30
    assert len({kept.books.shape[2] for _, kept in taken}) >= 6
    assert {(w, kept.share > 1) for (_, kept), w in zip(taken, wide)} == {(a, b) for a in (0, 1) for b in (0, 1)}
    assert {case.tensors[2].shape[-1] % 2 for (case, _), w in zip(taken, wide) if not w} == {0, 1}


def _made(data: Weights, scales: tuple[float, ...] = (0.01,)) -> Case:
    filters, n = data.shape
    w = T((filters, n), "int8", scales, (0,) * len(scales), 0, data)
    return one_op(
        "FULLY_CONNECTED", [d.q8((1, n), 0.05, 3), w], d.q8((1, filters), 0.5, -7), "FullyConnectedOptions"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("length", "codewords", "share", "stored"),
    [
        (4, 16, 1, 32 * 16 * 4 + 32 * 96 // 2),
        (4, 16, 8, 4 * 16 * 4 + 32 * 96 // 2),
        (4, 16, 32, 16 * 4 + 32 * 96 // 2),
        (8, 16, 1, 16 * 16 * 8 + 16 * 96 // 2),
        (2, 16, 64, 16 * 2 + 64 * 96 // 2),
        (4, 200, 32, 200 * 4 + 32 * 96),
        (8, 40, 1, 16 * 40 * 8 + 16 * 96),
    ],
)
def test_bytes(length: int, codewords: int, share: int, stored: int) -> None:
    """Books and codes, as the weights were made; a quantization by channel does not matter."""
    data = _weights(96, 128 // length, length, codewords, share, np.random.default_rng(0))
    for scales in ((0.01,), tuple(np.float32(np.linspace(0.01, 0.05, 96)).tolist())):
        case = _made(data, scales)
        graph = import_tflite(case.model, "bytes")
        layer, dense = _layer(case), _layer(case, "speed")
        assert layer.kernel_name == NAMES[8 if codewords > 16 else 4] and dense.kernel_name == "matmul_s8"
        assert layer_weights_bytes(layer, graph) - layer_weights_bytes(dense, graph) == stored - data.size
        assert layer.scratch_bytes == (4 * (codewords + 96) if codewords <= 16 else 0)


def test_what_stays_dense() -> None:
    """Random weights, a prime number of inputs, and what saves too little."""
    generator = np.random.default_rng(1)
    random = generator.integers(-128, 128, (96, 128)).astype(np.int8)
    prime = np.tile(generator.integers(-128, 128, (1, 127)), (96, 1)).astype(np.int8)
    assert products(random) == products(prime) == {}
    assert products(np.zeros((0, 8), np.int8)) == products(np.zeros((8, 0), np.int8)) == {}
    little = _weights(96, 32, 4, 60, 1, generator)
    assert _layer(_made(little)).kernel_name == "matmul_s8"
    assert _layer(_made(little), "size").kernel_name == "matmul_product8_s8"


def test_extreme_weights(tmp_path: Path) -> None:
    """One codeword, all -128, a last book that stands for fewer subspaces, 256 codewords, outputs by the hundred."""
    generator = np.random.default_rng(2)
    kinds = [
        np.full((40, 64), -128, np.int8), _weights(33, 7, 8, 2, 4, generator), _weights(600, 6, 8, 256, 1, generator),
        _weights(65, 5, 5, 16, 2, generator), _weights(257, 3, 8, 16, 3, generator),
    ]  # fmt: skip
    cases = [_made(data) for data in kinds]
    assert compare(cases, tmp_path) == len(cases)
    assert [_kept(data).books.shape[1] for data in kinds] == [1, 2, 256, 16, 16]
    assert _layer(cases[2], "size").kernel_name == "matmul_product8_s8"
    assert _layer(cases[4]).kernel_name == "matmul_product_s8"


@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 9), st.integers(1, 9), st.integers(1, 40))
@settings(max_examples=150, derandomize=True, database=None, deadline=None)
def test_what_is_stored_is_what_was(seed: int, outputs: int, spaces: int, length: int, codewords: int) -> None:
    """Read back by the description in firmware/kernels/matmul_product.h it is the weights, and no larger than they."""
    generator = np.random.default_rng(seed)
    data = _weights(outputs, spaces, length, min(codewords, outputs), int(generator.integers(1, spaces + 1)), generator)
    for bits, kept in products(data).items():
        assert kept.nbytes < data.size
        _, count, size = kept.books.shape
        stored = kept.codes if bits == 8 else np.stack([kept.codes & 15, kept.codes >> 4], axis=1).reshape(-1)
        n = data.shape[1] // size
        codes = stored.reshape(outputs, n).T if bits == 8 else stored.reshape(n, -1)[:, :outputs]
        assert (count > 16) == (bits == 8)
        read = [kept.books[s // kept.share][codes[s]] for s in range(n)]
        np.testing.assert_array_equal(np.concatenate(read, axis=1), data)
