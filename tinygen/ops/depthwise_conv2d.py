"""DEPTHWISE_CONV_2D: every input channel has `depth multiplier` filters of its own; weights [1, kh, kw, O]."""

from __future__ import annotations

from dataclasses import dataclass

from ..flatbuffer import Table
from ..graph.ir import Graph, Op, constant
from ._fixed_point import activation_range, channel_multipliers
from ._window import Window, check_window, extent
from .base import Const, Constant, In, Kernel, LayerCode, Operator, Out, Shape, bad_layer, per_tensor
from .conv2d import bias_of


@dataclass(frozen=True)
class DepthwiseWindow(Window):
    """A window with the depth multiplier that the file states."""

    depth_multiplier: int = 1


def read(options: Table) -> DepthwiseWindow:
    """DepthwiseConv2DOptions."""
    return DepthwiseWindow(
        padding=options.int8(0),
        stride_w=options.int32(1),
        stride_h=options.int32(2),
        depth_multiplier=options.int32(3),
        fused=options.int8(4),
        dilation_w=options.int32(5, 1),
        dilation_h=options.int32(6, 1),
    )


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """[N, H', W', O] from input [N, H, W, I] and weights [1, kh, kw, O], O a multiple of I."""
    x, w, window = graph.input(op, 0), graph.input(op, 1), op.attrs
    check_window(op, window)
    if len(x.shape) != 4 or len(w.shape) != 4 or w.shape[0] != 1 or w.data is None or w.dtype != "int8":
        raise bad_layer(op, f"needs a 4-D input and constant int8 weights [1, kh, kw, O], has {x.shape} and {w.shape}")
    _, kernel_h, kernel_w, out_c = w.shape
    if out_c != x.shape[3] * window.depth_multiplier:
        raise bad_layer(op, f"{out_c} filters for {x.shape[3]} channels and depth multiplier {window.depth_multiplier}")
    bias = graph.optional(op, 2)
    if bias is not None and (bias.data is None or bias.dtype != "int32" or bias.size != out_c):
        raise bad_layer(op, f"needs a constant int32 bias of {out_c} values")
    height, _ = extent(op, x.shape[1], kernel_h, window.stride_h, window.dilation_h, window.padding)
    width, _ = extent(op, x.shape[2], kernel_w, window.stride_w, window.dilation_w, window.padding)
    return ((x.shape[0], height, width, out_c),)


def macs(graph: Graph, op: Op) -> int:
    """Multiplications: every tap of every output."""
    _, kernel_h, kernel_w, _ = graph.input(op, 1).shape
    return graph.output(op).size * kernel_h * kernel_w


def emit(graph: Graph, op: Op) -> LayerCode:
    """The portable kernel, weights as the file has them."""
    x, w, y, window = graph.input(op, 0), graph.input(op, 1), graph.output(op), op.attrs
    _, kernel_h, kernel_w, out_c = w.shape
    multiplier, shift = channel_multipliers(op, x, w, y, out_c, axis=3)
    low, high = activation_range(op, window.fused, y)
    _, pad_top = extent(op, x.shape[1], kernel_h, window.stride_h, window.dilation_h, window.padding)
    _, pad_left = extent(op, x.shape[2], kernel_w, window.stride_w, window.dilation_w, window.padding)
    return LayerCode(
        function="tg_depthwise_conv2d_s8",
        struct="tg_depthwise_conv2d_params",
        params=(
            ("batches", x.shape[0]),
            ("in_h", x.shape[1]),
            ("in_w", x.shape[2]),
            ("in_c", x.shape[3]),
            ("out_h", y.shape[1]),
            ("out_w", y.shape[2]),
            ("depth_multiplier", window.depth_multiplier),
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
    kind="DEPTHWISE_CONV_2D",
    resolver="AddDepthwiseConv2D",
    read=read,
    shapes=shapes,
    macs=macs,
    inputs=(2, 3),
    kernels=(Kernel("depthwise_conv2d_s8", "depthwise_conv2d.h", emit),),
)
