"""Layers whose weights are stored compressed: the reference's bits, the bytes they take, and when they are taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import draw as d
import numpy as np
import numpy.typing as npt
import pytest
from build_tflite import T
from cases import Case, compare, generate, one_op
from hypothesis import given, settings
from hypothesis import strategies as st
from native import merge
from strategies import cases_of

from tinygen.backends.aot import layer_weights_bytes
from tinygen.frontend.importer import import_tflite
from tinygen.graph.ir import Graph
from tinygen.ops._codes import Table
from tinygen.ops._packing import Packing, packings
from tinygen.ops.lowering import Layer, Optimize, lower

Weights = npt.NDArray[np.int8]
FORMS = ("sparse", "lut", "sparse_lut")


def _zeroed(w: Weights, zeros: float, block: int, generator: np.random.Generator) -> Weights:
    """The weights [O, n] with that share of blocks along n zero; blocks that do not fit are of one weight."""
    size = block if w.shape[1] % block == 0 else 1
    live = generator.random((w.shape[0], w.shape[1] // size)) >= zeros
    return np.where(np.repeat(live, size, axis=1), w, 0).astype(np.int8)


def _values(rows: int, n: int, kinds: int, scales: npt.NDArray[np.float64], generator: np.random.Generator) -> Weights:
    """Weights of so many float values, none of them 0, quantized by rows; more than 256 are any integers."""
    if kinds > 256:
        return generator.integers(-127, 128, (rows, n)).astype(np.int8)
    centers = generator.uniform(-127, 127, kinds)
    centers[0] = 127
    real = generator.choice(centers, (rows, n)) * scales.min()
    return np.clip(np.rint(real / scales[:, None]), -127, 127).astype(np.int8)


@st.composite
def _weights(draw: st.DrawFn, rows: int, n: int, per_channel: bool) -> tuple[Weights, tuple[float, ...]]:
    """Weights [rows, n] that are dense, sparse, of few values or both, and their scales."""
    generator = np.random.default_rng(draw(d.seeds))
    spread = generator.uniform(0, draw(st.sampled_from((0.0, 1.0, 3.0))), rows if per_channel else 1)
    scales = np.float32(draw(d.scales(-10, -2)) * 2.0**spread).astype(np.float64)
    kinds = draw(st.sampled_from((1, 2, 3, 9, 15, 16, 17, 1000)))
    w = _values(rows, n, kinds, np.broadcast_to(scales, rows), generator)
    zeros = draw(st.sampled_from((0.0, 0.0, 0.5, 0.75, 0.75, 0.9, 1.0)))
    w = _zeroed(w, zeros, draw(st.sampled_from((1, 1, 4, 8))), generator)
    return w, tuple(float(s) for s in scales)


@cases_of("FULLY_CONNECTED")
@st.composite
def _dense(draw: st.DrawFn) -> Case:
    depth, filters, rows = draw(st.integers(24, 96)), draw(st.integers(20, 40)), draw(st.sampled_from((1, 1, 2, 3)))
    data, scales = draw(_weights(filters, depth, draw(st.booleans())))
    w = T(data.shape, "int8", scales, (0,) * len(scales), 0, data)
    x = draw(d.activations((rows, depth)))
    y = d.q8((rows, filters), d.output_scale(x, w, depth, draw(st.integers(-6, 4))), draw(d.zero_points))
    inputs = [x, w] + ([d.bias(x, w, filters, draw(d.seeds))] if draw(st.booleans()) else [])
    fields = {"fusedActivationFunction": draw(d.fused)}
    return one_op("FULLY_CONNECTED", inputs, y, "FullyConnectedOptions", draw(d.seeds), **fields)


def _convolution(
    draw: st.DrawFn, kernel: tuple[int, int], group_c: int, groups: int, filters: int, options: dict[str, int]
) -> Case:
    out = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    size = [(o - 1) * options["strideH"] + 1 for o in out]  # padding SAME
    data, scales = draw(_weights(filters, kernel[0] * kernel[1] * group_c, draw(st.booleans())))
    w = T((filters, *kernel, group_c), "int8", scales, (0,) * len(scales), 0, data.reshape(filters, *kernel, group_c))
    batch = draw(st.sampled_from((1, 1, 2)))
    x = draw(d.activations((batch, *size, group_c * groups)))
    scale = d.output_scale(x, w, data.shape[1], draw(st.integers(-8, 4)))
    y = d.q8((batch, *out, filters), scale, draw(d.zero_points))
    inputs = [x, w] + ([d.bias(x, w, filters, draw(d.seeds))] if draw(st.booleans()) else [])
    fields = options | {"padding": 0, "fusedActivationFunction": draw(d.fused)}
    return one_op("CONV_2D", inputs, y, "Conv2DOptions", draw(d.seeds), **fields)


@cases_of("CONV_2D")
@st.composite
def _conv(draw: st.DrawFn) -> Case:
    kernel = draw(st.sampled_from(((3, 3), (1, 5), (2, 3), (1, 1))))
    groups = draw(st.sampled_from((1, 1, 2, 3)))
    stride = 2 if kernel == (1, 1) and groups == 1 else draw(st.sampled_from((1, 1, 2)))
    dilation = draw(st.sampled_from((1, 1, 2))) if stride == 1 else 1
    group_c = draw(st.integers(40, 60)) if kernel == (1, 1) else draw(st.integers(10, 20))
    options = {"strideH": stride, "strideW": stride, "dilationHFactor": dilation, "dilationWFactor": dilation}
    return _convolution(draw, kernel, group_c, groups, groups * draw(st.integers(12, 21)), options)


@cases_of("CONV_2D")
@st.composite
def _pointwise(draw: st.DrawFn) -> Case:
    options = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
    return _convolution(draw, (1, 1), draw(st.integers(30, 90)), 1, draw(st.integers(20, 41)), options)


def _layer(case: Case, optimize: Optimize = "balanced") -> tuple[Layer, Graph]:
    graph = import_tflite(case.model, "packed")
    return lower(graph, frozenset(), optimize)[0], graph


@pytest.mark.parametrize(
    ("strategy", "count", "name"),
    [(_dense(), 120, "matmul"), (_conv(), 100, "conv2d"), (_pointwise(), 100, "pointwise")],
)
def test_compressed_layers_give_the_reference_s_bits(
    tmp_path: Path, strategy: st.SearchStrategy[Case], count: int, name: str
) -> None:
    cases = generate(strategy, count)
    assert compare(cases, tmp_path) == count
    chosen = [_layer(case)[0].kernel_name for case in cases]
    for form in FORMS:
        assert chosen.count(f"{name}_{form}_s8") >= 10


def _made(data: Weights, scales: Sequence[float] = (0.01,), kind: str = "FULLY_CONNECTED") -> Case:
    """A layer of one kind over weights [O, n], a 3x3 convolution of n / 9 channels or a 1x1 one of n."""
    filters, n = data.shape
    zeros = (0,) * len(scales)
    if kind == "FULLY_CONNECTED":
        tensors = [d.q8((1, n), 0.05, 3), T((filters, n), "int8", tuple(scales), zeros, 0, data)]
        return one_op(kind, tensors, d.q8((1, filters), 0.5, -7), "FullyConnectedOptions")
    size, channels = (3, n // 9) if kind == "CONV_2D" else (1, n)
    w = T((filters, size, size, channels), "int8", tuple(scales), zeros, 0, data.reshape(filters, size, size, channels))
    x, y = d.q8((1, 2, 3, channels), 0.05, 3), d.q8((1, 2, 3, filters), 0.5, -7)
    return one_op("CONV_2D", [x, w], y, "Conv2DOptions", padding=0, strideH=1, strideW=1)


def _share(case: Case) -> float:
    """Bytes of the layer's weights as stored, of those that they have dense."""
    packed, graph = _layer(case)
    dense, _ = _layer(case, "speed")
    own = layer_weights_bytes(dense, graph) - graph.tensors[1].nbytes
    return (layer_weights_bytes(packed, graph) - own) / graph.tensors[1].nbytes


KINDS = ("FULLY_CONNECTED", "CONV_2D", "1x1")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("block", "most"), [(1, 0.375), (4, 0.2813), (8, 0.2674)])
def test_three_quarters_of_zeros(kind: str, block: int, most: float) -> None:
    """The bitmap is a bit a block, a quarter of the weights stays."""
    generator = np.random.default_rng(0)
    data = generator.integers(1, 128, (48, 288)).astype(np.int8)
    live = np.stack([generator.permutation(288 // block) < 72 // block for _ in range(48)])
    found = _share(_made(np.where(np.repeat(live, block, axis=1), data, 0).astype(np.int8), kind=kind))
    assert 0.25 < found <= most


@pytest.mark.parametrize("kind", KINDS)
def test_sixteen_values(kind: str) -> None:
    """Codes and one table: a quantization by tensor, or by channel where the integers are the same in all."""
    data = np.random.default_rng(0).choice(np.arange(-120, 120, 15), (48, 144)).astype(np.int8)
    assert len(np.unique(data)) == 16
    assert _share(_made(data, kind=kind)) <= 0.505
    assert _share(_made(data, np.float32(np.linspace(0.01, 0.05, 48)).tolist(), kind)) <= 0.505


@pytest.mark.parametrize("kind", KINDS)
def test_sixteen_values_quantized_by_channel(kind: str) -> None:
    """The values' integers differ from row to row: their centers stand once, and a factor in each row."""
    generator = np.random.default_rng(1)
    real = generator.choice(generator.normal(0, 0.1, 16), (48, 144))
    scales = np.float32(np.abs(real).max(axis=1) / 127 * generator.uniform(1, 3, 48)).astype(np.float64)
    data = np.rint(real / scales[:, None]).astype(np.int8)
    assert len(np.unique(data)) > 100
    assert _share(_made(data, scales.tolist(), kind)) <= 0.55


@pytest.mark.parametrize("kind", KINDS)
def test_values_that_only_rows_have_in_common(kind: str) -> None:
    """Scales that are not the values', as after a batch normalization was folded in: a table a row."""
    generator = np.random.default_rng(2)
    data = np.stack([generator.choice(generator.integers(-127, 128, 16), 288) for _ in range(48)]).astype(np.int8)
    found = _share(_made(data, np.float32(np.linspace(0.01, 0.05, 48)).tolist(), kind))
    assert 0.55 < found < 0.56


@pytest.mark.parametrize("kind", KINDS)
def test_zeros_and_few_values_both_count(kind: str) -> None:
    generator = np.random.default_rng(3)
    data = generator.choice(np.arange(-119, 127, 17), (48, 144)).astype(np.int8)
    data[generator.random(data.shape) < 0.75] = 0
    assert _share(_made(data, kind=kind)) < 0.27


@pytest.mark.parametrize("kind", KINDS)
def test_what_stays_dense(kind: str) -> None:
    """Random weights, 17 values, and zeros that save less than a quarter; the last are compressed for size."""
    generator = np.random.default_rng(4)
    data = generator.integers(1, 128, (48, 144)).astype(np.int8)
    seventeen = (
        generator.permutation(np.resize(np.arange(-128, 127, 15), data.size)).astype(np.int8).reshape(data.shape)
    )
    assert len(np.unique(seventeen)) == 17
    third = np.where(generator.random(data.shape) < 0.34, 0, data).astype(np.int8)
    assert [_share(_made(w, kind=kind)) for w in (data, seventeen, third)] == [1.0, 1.0, 1.0]
    assert "sparse" in _layer(_made(third, kind=kind), "size")[0].kernel_name
    assert "sparse" not in _layer(_made(data, kind=kind), "size")[0].kernel_name


@pytest.mark.parametrize("kind", KINDS)
def test_speed_never_compresses(kind: str) -> None:
    data = np.zeros((48, 144), np.int8)
    assert _layer(_made(data, kind=kind), "speed")[0].kernel_name in ("matmul_s8", "conv2d_s8")
    assert _layer(_made(data, kind=kind))[0].kernel_name not in ("matmul_s8", "conv2d_s8")


def test_the_code_has_to_be_paid() -> None:
    """One small layer beside a dense one is not worth a kernel; several are, and one that replaces the dense kernel.

    Layers that share their weights save them once.
    """
    random = np.random.default_rng(5).integers(1, 128, (9, 8, 36)).astype(np.int8)
    full = import_tflite(_made(random[8]).model, "full")
    sparse = [import_tflite(_made((w * (np.arange(36) % 4 == 0)).astype(np.int8)).model, "sparse") for w in random[:8]]

    def chosen(*graphs: Graph) -> list[str]:
        return [layer.kernel_name for layer in lower(merge(graphs), frozenset())]

    assert chosen(sparse[0], full) == ["matmul_s8"] * 2
    assert chosen(*sparse, full) == ["matmul_sparse_s8"] * 8 + ["matmul_s8"]
    assert chosen(sparse[0]) == ["matmul_sparse_s8"]
    merged = merge([*sparse, full])
    shared = tuple(replace(op, inputs=(op.inputs[0], 1)) for op in merged.ops[:8])
    one_weight = replace(merged, ops=(*shared, merged.ops[8]))
    assert {layer.kernel_name for layer in lower(one_weight, frozenset())} == {"matmul_s8"}


def test_a_filter_is_written_out_in_scratch_and_no_row_of_a_matrix() -> None:
    data = np.zeros((48, 144), np.int8)
    assert [_layer(_made(data, kind=kind))[0].scratch_bytes for kind in KINDS] == [0, 2 * 144, 2 * 144]


def test_extreme_weights(tmp_path: Path) -> None:
    """All zero, all of one value, one non-zero weight, each int8 in some row, scales beyond reason, -128."""
    every = np.arange(-128, 128, dtype=np.int64).astype(np.int8).reshape(16, 16)
    one = np.zeros((64, 99), np.int8)
    one[-1, -1] = -128
    tiny, huge = 1e-30, 1e30
    kinds = [np.zeros((64, 99)), np.full((64, 99), -128), one, np.tile(every, (4, 9)), np.eye(64, 135)]
    cases = [
        _made(w.astype(np.int8), kind=kind) for w in kinds for kind in KINDS if kind == "1x1" or w.shape[1] % 9 == 0
    ]
    rows = np.repeat([[1], [2], [127], [0]], 16, axis=0) * np.resize([1, -1, 0, 1], (64, 99))
    spread = np.float32(np.geomspace(0.001, 0.9, 64)).tolist()
    cases += [_made(rows.astype(np.int8), spread, kind) for kind in KINDS]
    cases.append(_made(np.full((64, 97), -128, np.int8)))  # a prime number of inputs: no sub-vectors
    assert compare(cases, tmp_path) == len(cases)
    assert {_layer(case)[0].kernel_name for case in cases} > {"matmul_lut_s8", "conv2d_lut_s8"}
    assert packings(rows.astype(np.int8), [tiny] * 32 + [huge] * 32).keys() == {"sparse", "lut", "sparse_lut"}
    assert (
        packings(every, [0.0] * 16)
        == packings(np.zeros((0, 9), np.int8), ())
        == packings(np.zeros((9, 0), np.int8), ())
        == {}
    )


@given(st.integers(0, 2**32), st.integers(1, 9), st.integers(1, 50), st.sampled_from((1, 7, 16, 40, 200)))
@settings(max_examples=150, derandomize=True, database=None, deadline=None)
def test_what_is_packed_is_what_was(seed: int, rows: int, n: int, kinds: int) -> None:
    """Every form, read back by the format's description, is the weights themselves, and no larger than they."""
    generator = np.random.default_rng(seed)
    scales = np.float32(2.0 ** generator.uniform(-8, -2, rows)).astype(np.float64)
    data = _values(rows, n, kinds, scales, generator) * (generator.random((rows, n)) < generator.random())
    for packing in packings(data.astype(np.int8), scales.tolist()).values():
        assert packing.nbytes < data.size
        np.testing.assert_array_equal(_unpacked(packing, rows, n), data)


def _unpacked(packing: Packing, rows: int, n: int) -> Weights:
    """The weights, by the description in firmware/kernels/tg_packed.h."""
    stream = iter(packing.data.tolist())
    block, found = 1 << packing.block_log2, []
    for _ in range(rows):
        table = [] if packing.table is None else _row_table(packing.table, stream)
        bits = [True] * n
        if packing.form != "lut":
            octets = [next(stream) for _ in range(-(-(n // block) // 8))]
            bits = [bool(octets[i // block // 8] >> (i // block % 8) & 1) for i in range(n)]
        count = sum(bits)
        if table:
            octets = [next(stream) for _ in range(-(-count // 2))]
            stored = [table[octets[i // 2] >> 4 * (i % 2) & 15] for i in range(count)]
        else:
            stored = [(next(stream) ^ 128) - 128 for _ in range(count)]
        values = iter(stored)
        found.append([next(values) if bit else 0 for bit in bits])
    assert next(stream, None) is None
    return np.array(found, np.int8)


def _row_table(table: Table, stream: Iterator[int]) -> list[int]:
    if table.values is not None:
        return [int(value) for value in table.values]
    assert table.centers is not None
    width, count, *centers = table.centers.tolist()
    if width == 0:
        return [(next(stream) ^ 128) - 128 for _ in range(count)]
    factor = sum(next(stream) << 8 * i for i in range(width))
    return [(center * factor + (1 << 31)) >> 32 for center in centers]
