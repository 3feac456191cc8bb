"""CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED against the reference."""

from __future__ import annotations

from pathlib import Path

import draw as d
from build_tflite import T
from cases import Case, compare, generate, one_op
from hypothesis import strategies as st
from strategies import cases_of


def _extent(size: int, kernel: int, stride: int, dilation: int, padding: int) -> int:
    reach = (kernel - 1) * dilation + 1
    return -(-size // stride) if padding == 0 else (size - reach) // stride + 1


@st.composite
def _window(draw: st.DrawFn) -> tuple[dict[str, int], tuple[int, int], tuple[int, int], tuple[int, int]]:
    """(options, kernel, input extent, output extent)."""
    padding = draw(st.integers(0, 1))
    kernel = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    stride = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    dilation = draw(st.sampled_from((1, 1, 2, 3))), draw(st.sampled_from((1, 1, 2)))
    reach = [(k - 1) * e + 1 for k, e in zip(kernel, dilation)]
    size = tuple(draw(st.integers(1 if padding == 0 else r, r + 6)) for r in reach)
    out = tuple(_extent(*values, padding) for values in zip(size, kernel, stride, dilation))
    options = {
        "padding": padding,
        "strideH": stride[0],
        "strideW": stride[1],
        "dilationHFactor": dilation[0],
        "dilationWFactor": dilation[1],
        "fusedActivationFunction": draw(d.fused),
    }
    return options, kernel, (size[0], size[1]), (out[0], out[1])


@cases_of("CONV_2D")
@st.composite
def _conv(draw: st.DrawFn) -> Case:
    options, kernel, size, out = draw(_window())
    groups = draw(st.sampled_from((1, 1, 1, 2, 3)))
    group_c, filters = draw(st.integers(1, 5)), draw(st.integers(1, 4)) * groups
    if draw(st.integers(0, 4)) == 0:
        kernel, options = (1, 1), options | {"strideH": 1, "strideW": 1}
        out = size
    batch = draw(st.sampled_from((1, 1, 2)))
    x = draw(d.activations((batch, *size, group_c * groups)))
    w = draw(d.weights((filters, *kernel, group_c), draw(st.sampled_from((0, 0, None)))))
    scale = d.output_scale(x, w, kernel[0] * kernel[1] * group_c, draw(st.integers(-14, 6)))
    y = d.q8((batch, *out, filters), scale, draw(d.zero_points))
    inputs = [x, w] + ([d.bias(x, w, filters, draw(d.seeds))] if draw(st.integers(0, 3)) else [])
    return one_op("CONV_2D", inputs, y, "Conv2DOptions", draw(d.seeds), **options)


@cases_of("DEPTHWISE_CONV_2D")
@st.composite
def _depthwise(draw: st.DrawFn) -> Case:
    options, kernel, size, out = draw(_window())
    channels, multiplier = draw(st.integers(1, 5)), draw(st.sampled_from((1, 1, 2, 3)))
    filters = channels * multiplier
    x = draw(d.activations((1, *size, channels)))
    w = draw(d.weights((1, *kernel, filters), draw(st.sampled_from((3, 3, None)))))
    scale = d.output_scale(x, w, kernel[0] * kernel[1], draw(st.integers(-14, 6)))
    y = d.q8((1, *out, filters), scale, draw(d.zero_points))
    inputs = [x, w] + ([d.bias(x, w, filters, draw(d.seeds))] if draw(st.integers(0, 3)) else [])
    return one_op(
        "DEPTHWISE_CONV_2D", inputs, y, "DepthwiseConv2DOptions", draw(d.seeds), depthMultiplier=multiplier, **options
    )


@cases_of("FULLY_CONNECTED")
@st.composite
def _dense(draw: st.DrawFn) -> Case:
    depth, filters, rows = draw(st.integers(1, 40)), draw(st.integers(1, 9)), draw(st.integers(1, 4))
    keep = draw(st.booleans())
    per_channel = filters > 1 and draw(st.integers(0, 2)) == 0
    x = draw(d.activations((rows, 1, depth) if keep else (rows, depth)))
    w = draw(d.weights((filters, depth), 0 if per_channel else None))
    scale = d.output_scale(x, w, depth, draw(st.integers(-8, 6)))
    y = d.q8((rows, 1, filters) if keep else (rows, filters), scale, draw(d.zero_points))
    inputs = [x, w]
    if draw(st.integers(0, 2)):
        limit = draw(st.sampled_from((1 << 10, 1 << 28)))
        inputs.append(d.bias(x, w, filters, draw(d.seeds), limit))
    fields = {"fusedActivationFunction": draw(d.fused), "keepNumDims": keep}
    return one_op("FULLY_CONNECTED", inputs, y, "FullyConnectedOptions", draw(d.seeds), **fields)


def test_conv2d(tmp_path: Path) -> None:
    assert compare(generate(_conv(), 150), tmp_path) > 120


def test_depthwise_conv2d(tmp_path: Path) -> None:
    assert compare(generate(_depthwise(), 120), tmp_path) > 90


def test_fully_connected(tmp_path: Path) -> None:
    assert compare(generate(_dense(), 300), tmp_path) > 250


def test_bias_scale_far_from_the_product_is_refused(tmp_path: Path) -> None:
    x, y = d.q8((1, 4), 0.5, 0), d.q8((1, 2), 0.5, 0)
    w = T((2, 4), "int8", (0.25,), (0,), 0, d.np.ones((2, 4), d.np.int8))
    far = T((2,), "int32", (0.25,), (0,), 0, d.np.ones(2, d.np.int32))
    near = T((2,), "int32", (0.125 + 0.009,), (0,), 0, d.np.ones(2, d.np.int32))
    bare = T((2,), "int32", data=d.np.ones(2, d.np.int32))
    cases = [one_op("FULLY_CONNECTED", [x, w, b], y, "FullyConnectedOptions") for b in (far, near, bare)]
    assert compare(cases, tmp_path) == 1
