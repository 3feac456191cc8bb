"""What convolutions share: bias, the fields of the sliding window and of requantization, constants by channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..graph.ir import Array, Graph, Op, Tensor, constant
from ._fixed_point import activation_range, channel_multipliers
from ._sums import Packed, check_symmetric, requantization, sums, weight_sums
from ._window import Window, extent
from .base import Arg, Const, Constant, In, LayerCode, Out, Shape, bad_layer, per_tensor

#: The arguments of a convolution's kernel, in C's order.
ARGUMENTS: tuple[Arg, ...] = (In(), Const("weights"), Const("bias"), Const("multiplier"), Const("shift"), Out())


@dataclass(frozen=True)
class ConvWindow(Window):
    """A window with the type that the file states for a bias, which tells how a layer without one sums."""

    bias_type: int = 0


def check_bias(graph: Graph, op: Op, channels: int, at: int = 2, int16: tuple[str, ...] = ("int64",)) -> None:
    """Refuses a bias, input `at`, that is no constant of one value a channel: int32, or of these types with int16."""
    bias = graph.optional(op, at)
    types = int16 if graph.output(op).dtype == "int16" else ("int32",)
    if bias is not None and (bias.data is None or bias.dtype not in types or bias.size != channels):
        raise bad_layer(op, f"needs a constant {' or '.join(types)} bias of {channels} values")


def bias_of(graph: Graph, op: Op, channels: int, at: int = 2) -> Array:
    """The bias, input `at`, in the file's type; int32 zeros where there is none."""
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


def window_code(
    graph: Graph, op: Op, name: str, own: Sequence[tuple[str, int]], axis: int, *, wide: bool = True
) -> LayerCode:
    """The call of a kernel of the layer <name>; int16 sums in 64 bits where it is `wide`.

    `own` are the fields that only its struct has; the weights' output channels stand along `axis`.
    """
    w = graph.input(op, 1)
    low, high = activation_range(op, op.attrs.fused, graph.output(op))
    found = packed(graph, op, axis, wide=wide)
    return LayerCode(
        function=f"tg_{name}_{found.kernel}",
        struct=f"tg_{name}_{found.struct}",
        params=(*_window(graph, op), *found.fields, ("activation_min", low), ("activation_max", high), *own),
        constants=(Constant("weights", "int8_t", constant(w)), *found.constants),
        args=ARGUMENTS,
    )


def _window(graph: Graph, op: Op) -> tuple[tuple[str, int], ...]:
    """The fields of the sliding window; weights are [_, kh, kw, _]."""
    x, y, window = graph.input(op, 0), graph.output(op), op.attrs
    _, kernel_h, kernel_w, _ = graph.input(op, 1).shape
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
    )


def packed(graph: Graph, op: Op, axis: int, *, wide: bool = True, x_at: int = 0, bias_at: int = 2) -> Packed:
    """Fields and constants of requantization: int8 has zero points, int16 has none and may sum in 64 bits."""
    x, w, y = graph.input(op, x_at), graph.input(op, 1), graph.output(op)
    multiplier, shift = channel_multipliers(op, x, w, y, w.shape[axis], axis)
    bias = bias_of(graph, op, w.shape[axis], bias_at)
    if x.dtype == "int16":
        check_symmetric(op, x, y)
        return sums(op, weight_sums(constant(w), axis), bias, multiplier, shift, wide=wide)
    fields = (("input_offset", -per_tensor(op, x)[1]), ("output_zero_point", per_tensor(op, y)[1]))
    return Packed("s8", fields, requantization(bias, multiplier, shift))
