"""What convolutions share: bias, the fields of the sliding window and of requantization, constants by channel."""

from __future__ import annotations

import numpy as np

from ..graph.ir import Array, Graph, Op, Tensor, constant
from ._fixed_point import activation_range, channel_multipliers
from ._window import Window, extent
from .base import Arg, Const, Constant, In, Out, Shape, bad_layer, per_tensor

#: The arguments of a convolution's kernel, in C's order.
ARGUMENTS: tuple[Arg, ...] = (In(), Const("weights"), Const("bias"), Const("multiplier"), Const("shift"), Out())


def check_bias(graph: Graph, op: Op, channels: int, at: int = 2) -> None:
    """Refuses a bias, input `at`, that is no constant int32 of one value a channel."""
    bias = graph.optional(op, at)
    if bias is not None and (bias.data is None or bias.dtype != "int32" or bias.size != channels):
        raise bad_layer(op, f"needs a constant int32 bias of {channels} values")


def bias_of(graph: Graph, op: Op, channels: int, at: int = 2) -> Array:
    """The int32 bias, input `at`, zeros where there is none."""
    bias = graph.optional(op, at)
    return np.zeros(channels, np.int32) if bias is None else constant(bias).reshape(-1)


def output_shape(op: Op, x: Tensor, kernel_h: int, kernel_w: int, channels: int) -> Shape:
    """[N, H', W', channels] of a window over [N, H, W, I]."""
    (height, _), (width, _) = extents(op, x, kernel_h, kernel_w)
    return (x.shape[0], height, width, channels)


def extents(op: Op, x: Tensor, kernel_h: int, kernel_w: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """(output size, padding before) along height and width."""
    w: Window = op.attrs
    return (
        extent(op, x.shape[1], kernel_h, w.stride_h, w.dilation_h, w.padding, w.around_h),
        extent(op, x.shape[2], kernel_w, w.stride_w, w.dilation_w, w.padding, w.around_w),
    )


def fields(graph: Graph, op: Op, kernel_h: int, kernel_w: int) -> tuple[tuple[str, int], ...]:
    """The fields that the kernels' structs have in common."""
    x, y, window = graph.input(op, 0), graph.output(op), op.attrs
    low, high = activation_range(op, window.fused, y)
    (_, pad_top), (_, pad_left) = extents(op, x, kernel_h, kernel_w)
    return (
        ("batches", x.shape[0]),
        ("in_h", x.shape[1]),
        ("in_w", x.shape[2]),
        ("in_c", x.shape[3]),
        ("out_h", y.shape[1]),
        ("out_w", y.shape[2]),
        ("kernel_h", kernel_h),
        ("kernel_w", kernel_w),
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
    )


def constants(graph: Graph, op: Op, channels: int, axis: int) -> tuple[Constant, ...]:
    """Weights as the file has them, and bias, multiplier and shift of each output channel."""
    x, w, y = graph.input(op, 0), graph.input(op, 1), graph.output(op)
    multiplier, shift = channel_multipliers(op, x, w, y, channels, axis)
    return (
        Constant("weights", "int8_t", constant(w)),
        Constant("bias", "int32_t", bias_of(graph, op, channels)),
        Constant("multiplier", "int32_t", multiplier),
        Constant("shift", "int8_t", shift),
    )
