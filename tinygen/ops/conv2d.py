"""CONV_2D: NHWC activations, OHWI weights, per-channel requantization, groups, dilation, fused activation."""

from __future__ import annotations

import math

import numpy as np

from ..flatbuffer import Table
from ..graph.ir import Array, Graph, Op, constant
from ._fixed_point import activation_range, channel_multipliers
from ._matmul import matmul_code
from ._window import Window, check_window, extent
from .base import Const, Constant, In, Kernel, LayerCode, Operator, Out, Shape, bad_layer, per_tensor


def read(options: Table) -> Window:
    """Conv2DOptions."""
    return Window(
        padding=options.int8(0),
        stride_w=options.int32(1),
        stride_h=options.int32(2),
        fused=options.int8(3),
        dilation_w=options.int32(4, 1),
        dilation_h=options.int32(5, 1),
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
    bias = graph.optional(op, 2)
    if bias is not None and (bias.data is None or bias.dtype != "int32" or bias.size != out_c):
        raise bad_layer(op, f"needs a constant int32 bias of {out_c} values")
    height, _ = extent(op, x.shape[1], kernel_h, window.stride_h, window.dilation_h, window.padding)
    width, _ = extent(op, x.shape[2], kernel_w, window.stride_w, window.dilation_w, window.padding)
    return ((x.shape[0], height, width, out_c),)


def macs(graph: Graph, op: Op) -> int:
    """Multiplications, padding counted as MLPerf counts it: every tap of every output."""
    return graph.output(op).size * math.prod(graph.input(op, 1).shape[1:])


def bias_of(graph: Graph, op: Op, channels: int) -> Array:
    """The int32 bias, zeros where there is none."""
    bias = graph.optional(op, 2)
    return np.zeros(channels, np.int32) if bias is None else constant(bias).reshape(-1)


def is_pointwise(graph: Graph, op: Op) -> bool:
    """Whether the layer is a product of matrices: a 1×1 kernel with stride 1 and one group."""
    x, w = graph.input(op, 0), graph.input(op, 1)
    return w.shape[1:3] == (1, 1) and w.shape[3] == x.shape[3] and (op.attrs.stride_h, op.attrs.stride_w) == (1, 1)


def emit_pointwise(graph: Graph, op: Op) -> LayerCode:
    """A 1×1 convolution as rows × weights: no padding, so the input's zero point folds into the bias."""
    x, w, y = graph.input(op, 0), graph.input(op, 1), graph.output(op)
    out_c = w.shape[0]
    multiplier, shift = channel_multipliers(op, x, w, y, out_c, axis=0)
    weights = constant(w).reshape(out_c, -1)
    return matmul_code(op, x, y, weights, bias_of(graph, op, out_c), multiplier, shift, op.attrs.fused)


def emit(graph: Graph, op: Op) -> LayerCode:
    """The general convolution: taps outside the image are left out by loop bounds."""
    x, w, y, window = graph.input(op, 0), graph.input(op, 1), graph.output(op), op.attrs
    out_c, kernel_h, kernel_w, in_c = w.shape
    multiplier, shift = channel_multipliers(op, x, w, y, out_c, axis=0)
    low, high = activation_range(op, window.fused, y)
    _, pad_top = extent(op, x.shape[1], kernel_h, window.stride_h, window.dilation_h, window.padding)
    _, pad_left = extent(op, x.shape[2], kernel_w, window.stride_w, window.dilation_w, window.padding)
    return LayerCode(
        function="tg_conv2d_s8",
        struct="tg_conv2d_params",
        params=(
            ("batches", x.shape[0]),
            ("in_h", x.shape[1]),
            ("in_w", x.shape[2]),
            ("in_c", x.shape[3]),
            ("out_h", y.shape[1]),
            ("out_w", y.shape[2]),
            ("out_c", out_c),
            ("kernel_h", kernel_h),
            ("kernel_w", kernel_w),
            ("group_c", in_c),
            ("group_filters", out_c // (x.shape[3] // in_c)),
            ("stride_h", window.stride_h),
            ("stride_w", window.stride_w),
            ("dilation_h", window.dilation_h),
            ("dilation_w", window.dilation_w),
            ("pad_top", pad_top),
            ("pad_left", pad_left),
            ("input_offset", -per_tensor(op, x)[1]),
            ("output_zero_point", per_tensor(op, y)[1]),
            ("activation_min", low),
            ("activation_max", high),
        ),
        constants=(
            Constant("weights", "int8_t", constant(w)),
            Constant("bias", "int32_t", bias_of(graph, op, out_c)),
            Constant("multiplier", "int32_t", multiplier),
            Constant("shift", "int8_t", shift),
        ),
        args=(In(), Const("weights"), Const("bias"), Const("multiplier"), Const("shift"), Out()),
    )


OPERATOR = Operator(
    kind="CONV_2D",
    resolver="AddConv2D",
    read=read,
    shapes=shapes,
    macs=macs,
    inputs=(2, 3),
    kernels=(
        Kernel("matmul_s8", "matmul.h", emit_pointwise, supports=is_pointwise),
        Kernel("conv2d_s8", "conv2d.h", emit),
    ),
)
