"""Layers whose weights are stored compressed: the reference's bits, the bytes they take, and when they are taken."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import draw as d
import numpy as np
import numpy.typing as npt
import pytest
from build_tflite import T
from cases import Case, compare, generate, one_op
from hypothesis import strategies as st
from strategies import cases_of

from tinygen.frontend.importer import import_tflite
from tinygen.ops.lowering import Layer, lower

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


def _kernels(cases: Sequence[Case]) -> list[str]:
    return [_layer(case).kernel_name for case in cases]


def _layer(case: Case, optimize: str = "balanced") -> Layer:
    return lower(import_tflite(case.model, "packed"), frozenset(), optimize)[0]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("strategy", "count", "name"),
    [(_dense(), 120, "matmul"), (_conv(), 100, "conv2d"), (_pointwise(), 100, "pointwise")],
)
def test_compressed_layers_give_the_reference_s_bits(
    tmp_path: Path, strategy: st.SearchStrategy[Case], count: int, name: str
) -> None:
    cases = generate(strategy, count)
    assert compare(cases, tmp_path) == count
    chosen = _kernels(cases)
    print({k: chosen.count(k) for k in sorted(set(chosen))})
    for form in FORMS:
        assert chosen.count(f"{name}_{form}_s8") >= 10
