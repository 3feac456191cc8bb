"""Convolutions and products of matrices at the ends of what is defined: every shift, wrapping sums, odd channels."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import draw as d
import draw_ends as ends
import numpy as np
import pytest
from build_tflite import const
from cases import Case, compare, generate, one_op
from hypothesis import strategies as st
from strategies import cases_of

KERNELS = ((1, 1), (5, 5), (1, 7), (7, 1), (3, 3), (1, 2), (2, 1))
MOST_MACS = 12_000


def _fitting(draw: st.DrawFn, kernel: Sequence[int], outputs: int) -> tuple[int, int]:
    """(input channels, output channels) that keep a layer small."""
    filters = draw(st.sampled_from(ends.CHANNELS))
    room = MOST_MACS // (math.prod(kernel) * outputs * filters)
    return draw(st.sampled_from([n for n in ends.CHANNELS if n <= max(1, room)])), filters


@st.composite
def _image(draw: st.DrawFn, kernel: Sequence[int]) -> tuple[dict[str, int], list[int], list[int]]:
    """(options, input extent, output extent): SAME windows may be far larger than the image."""
    padding = draw(st.integers(0, 1))
    stride = [draw(st.integers(1, 2)) for _ in range(2)]
    size = [draw(st.integers(1, 3)) + (k - 1) * padding for k in kernel]
    out = [-(-n // s) if padding == 0 else (n - k) // s + 1 for n, k, s in zip(size, kernel, stride)]
    return {"padding": padding, "strideH": stride[0], "strideW": stride[1]}, size, out


@cases_of("CONV_2D")
@st.composite
def _conv(draw: st.DrawFn) -> Case:
    kernel = draw(st.sampled_from(KERNELS))
    options, size, out = draw(_image(kernel))
    in_c, filters = _fitting(draw, kernel, math.prod(out))
    x = draw(d.activations((1, *size, in_c), -6, 2))
    y, fused = draw(ends.output((1, *out, filters)))
    w = draw(ends.weights(x, y, (filters, *kernel, in_c), draw(st.sampled_from((0, 0, None)))))
    inputs = [x, w, *draw(ends.biases(x, w, filters))]
    return one_op("CONV_2D", inputs, y, "Conv2DOptions", draw(d.seeds), fusedActivationFunction=fused, **options)


@cases_of("DEPTHWISE_CONV_2D")
@st.composite
def _depthwise(draw: st.DrawFn) -> Case:
    kernel = draw(st.sampled_from(KERNELS))
    options, size, out = draw(_image(kernel))
    channels, multiplier = draw(st.sampled_from(ends.CHANNELS)), draw(st.sampled_from((1, 1, 2, 3)))
    filters = channels * multiplier
    x = draw(d.activations((1, *size, channels), -6, 2))
    y, fused = draw(ends.output((1, *out, filters)))
    w = draw(ends.weights(x, y, (1, *kernel, filters), draw(st.sampled_from((3, 3, None)))))
    inputs = [x, w, *draw(ends.biases(x, w, filters))]
    fields = options | {"fusedActivationFunction": fused, "depthMultiplier": multiplier}
    return one_op("DEPTHWISE_CONV_2D", inputs, y, "DepthwiseConv2DOptions", draw(d.seeds), **fields)


@cases_of("FULLY_CONNECTED")
@st.composite
def _dense(draw: st.DrawFn) -> Case:
    depth, filters = draw(st.sampled_from((*ends.CHANNELS, 64, 257))), draw(st.sampled_from(ends.CHANNELS))
    x = d.q8((draw(st.integers(1, 2)), depth), ends.power(draw(st.sampled_from((0, -3, -4.7)))), draw(d.zero_points))
    y, fused = draw(ends.output((x.shape[0], filters)))
    axis = 0 if filters > 1 and draw(st.booleans()) else None
    w = draw(ends.weights(x, y, (filters, depth), axis))
    inputs = [x, w, *draw(ends.biases(x, w, filters))]
    return one_op("FULLY_CONNECTED", inputs, y, "FullyConnectedOptions", draw(d.seeds), fusedActivationFunction=fused)


@cases_of("TRANSPOSE_CONV")
@st.composite
def _transpose_conv(draw: st.DrawFn) -> Case:
    kernel = draw(st.sampled_from(KERNELS))
    padding, stride = draw(st.integers(0, 1)), [draw(st.integers(1, 3)) for _ in range(2)]
    size = [draw(st.integers(1, 3)) for _ in range(2)]
    out = [n * s + padding * max(k - s, 0) for n, k, s in zip(size, kernel, stride)]
    in_c, filters = _fitting(draw, kernel, math.prod(size))
    x = draw(d.activations((1, *size, in_c), -6, 2))
    y, fused = draw(ends.output((1, *out, filters)))
    w = draw(ends.weights(x, y, (filters, *kernel, in_c), draw(st.sampled_from((0, 0, None)))))
    inputs = [const(y.shape), w, x, *draw(ends.biases(x, w, filters))]
    fields = {"padding": padding, "strideH": stride[0], "strideW": stride[1], "fusedActivationFunction": fused}
    return one_op("TRANSPOSE_CONV", inputs, y, "TransposeConvOptions", draw(d.seeds), **fields)


@cases_of("BATCH_MATMUL")
@st.composite
def _batch_matmul(draw: st.DrawFn) -> Case:
    rows, columns = draw(st.integers(1, 3)), draw(st.sampled_from((1, 2, 17)))
    depth = draw(st.sampled_from((*ends.CHANNELS, 64, 257)))
    a, y = draw(d.activations((rows, depth), -6, 2)), d.q8((rows, columns), 1.0, draw(d.zero_points))
    scale = ends.power(draw(ends.exponents) - np.log2(a.scales[0]))
    b = d.q8((columns, depth), scale, draw(d.zero_points))
    if draw(st.booleans()):
        b = d.T(b.shape, "int8", b.scales, b.zero_points, 0, draw(ends.weights(a, y, b.shape, None)).data)
    return one_op("BATCH_MATMUL", [a, b], y, "BatchMatMulOptions", draw(d.seeds), adjY=True)


@pytest.mark.parametrize("cases", [_conv, _depthwise, _dense, _transpose_conv, _batch_matmul])
def test_every_shift_and_wrapping_sums(tmp_path: Path, cases: Callable[[], st.SearchStrategy[Case]]) -> None:
    assert compare(generate(cases(), 100), tmp_path) > 85
