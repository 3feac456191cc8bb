"""CONV_2D: NHWC activations, OHWI weights, per-channel requantization, groups, dilation, fused activation."""

from __future__ import annotations

import math

from ..flatbuffer import Table
from ..graph.ir import Graph, Op, constant
from ._convolution import ConvWindow, bias_of, check_bias, output_shape, window_code
from ._fixed_point import channel_multipliers
from ._matmul import matmul_code
from ._packed_weights import packed_kernels
from ._sums import check_bias_type, check_symmetric, is_wide
from ._window import check_window
from .base import FUSED, Kernel, LayerCode, Operator, Shape, bad_layer

#: The most bytes on any core of the kernels that read compressed weights.
PACKED_BYTES = {"sparse": 600, "lut": 772, "sparse_lut": 836}
POINTWISE_BYTES = {"sparse": 572, "lut": 688, "sparse_lut": 776}


def read(options: Table) -> ConvWindow:
    """Conv2DOptions."""
    return ConvWindow(
        padding=options.int8(0),
        stride_w=options.int32(1),
        stride_h=options.int32(2),
        fused=options.int8(3),
        dilation_w=options.int32(4, 1),
        dilation_h=options.int32(5, 1),
        bias_type=options.int8(6),
    )


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """[N, H', W', O] from input [N, H, W, I] and weights [O, kh, kw, I / groups]."""
    x, w, window = graph.input(op, 0), graph.input(op, 1), op.attrs
    check_window(op, window)
    if len(x.shape) != 4 or len(w.shape) != 4 or w.data is None or w.dtype != "int8":
        raise bad_layer(op, f"needs a 4-D input and constant 4-D int8 weights, has {x.shape} and {w.shape}")
    out_c, kernel_h, kernel_w, in_c = w.shape
    groups = x.shape[3] // in_c
    if x.shape[3] % in_c or out_c % groups:
        raise bad_layer(op, f"weights {w.shape} do not fit {x.shape[3]} input channels")
    check_bias(graph, op, out_c, int16=("int32", "int64"))
    check_bias_type(op, window.bias_type)
    return (output_shape(op, x, kernel_h, kernel_w, out_c),)


def macs(graph: Graph, op: Op) -> int:
    """Multiplications, padding counted as MLPerf counts it: every tap of every output."""
    return graph.output(op).size * math.prod(graph.input(op, 1).shape[1:])


def is_pointwise(graph: Graph, op: Op) -> bool:
    """Whether the layer is a product of matrices: a 1×1 kernel with stride 1 and one group."""
    x, w = graph.input(op, 0), graph.input(op, 1)
    return w.shape[1:3] == (1, 1) and w.shape[3] == x.shape[3] and (op.attrs.stride_h, op.attrs.stride_w) == (1, 1)


def is_general(graph: Graph, op: Op) -> bool:
    """Whether the layer needs a window that slides."""
    return not is_pointwise(graph, op)


def emit_pointwise(graph: Graph, op: Op) -> LayerCode:
    """A 1×1 convolution as rows × weights: no padding, so the input's zero point folds into the bias."""
    x, w, y = graph.input(op, 0), graph.input(op, 1), graph.output(op)
    out_c = w.shape[0]
    multiplier, shift = channel_multipliers(op, x, w, y, out_c, axis=0)
    weights = constant(w).reshape(out_c, -1)
    if x.dtype == "int16":
        check_symmetric(op, x, y)
    return matmul_code(op, x, y, weights, bias_of(graph, op, out_c), multiplier, shift, wide=is_wide(graph, op))


def emit(graph: Graph, op: Op) -> LayerCode:
    """The general convolution: taps outside the image are left out by loop bounds."""
    x, w = graph.input(op, 0), graph.input(op, 1)
    out_c, group_c = w.shape[0], w.shape[3]
    own = [("out_c", out_c), ("group_c", group_c), ("group_filters", out_c // (x.shape[3] // group_c))]
    if x.dtype == "int8":
        own.append(("out_gap", 0))
    return window_code(graph, op, "conv2d", own, axis=0, wide=is_wide(graph, op))


OPERATOR = Operator(
    kind="CONV_2D",
    resolver="AddConv2D",
    fused=FUSED,
    limits="constant weights and bias; stride and dilation up to 65535",
    read=read,
    shapes=shapes,
    macs=macs,
    inputs=(2, 3),
    kernels=(
        Kernel("matmul_s8", "matmul.h", emit_pointwise, supports=is_pointwise),
        Kernel("conv2d_s8", "conv2d.h", emit),
        Kernel("matmul_s16", "matmul_s16.h", emit_pointwise, dtypes=("int16",), supports=is_pointwise),
        Kernel("conv2d_s16", "conv2d_s16.h", emit, dtypes=("int16",)),
        *packed_kernels("pointwise", emit_pointwise, POINTWISE_BYTES, takes=is_pointwise, scratch=2),
        *packed_kernels("conv2d", emit, PACKED_BYTES, takes=is_general, calls="tg_conv2d_s8", scratch=2),
    ),
)
