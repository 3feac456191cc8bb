"""DEPTHWISE_CONV_2D: every input channel has `depth multiplier` filters of its own; weights [1, kh, kw, O]."""

from __future__ import annotations

from dataclasses import dataclass

from ..flatbuffer import Table
from ..graph.ir import Graph, Op
from ._convolution import check_bias, output_shape, window_code
from ._window import Window, check_window
from .base import FUSED, Kernel, LayerCode, Operator, Shape, bad_layer


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
    check_bias(graph, op, out_c)
    return (output_shape(op, x, kernel_h, kernel_w, out_c),)


def macs(graph: Graph, op: Op) -> int:
    """Multiplications: every tap of every output."""
    _, kernel_h, kernel_w, _ = graph.input(op, 1).shape
    return graph.output(op).size * kernel_h * kernel_w


def emit(graph: Graph, op: Op) -> LayerCode:
    """The portable kernel, weights as the file has them."""
    return window_code(graph, op, "depthwise_conv2d", (("depth_multiplier", op.attrs.depth_multiplier),), axis=3)


OPERATOR = Operator(
    kind="DEPTHWISE_CONV_2D",
    resolver="AddDepthwiseConv2D",
    fused=FUSED,
    limits="constant weights and bias; stride and dilation up to 65535",
    read=read,
    shapes=shapes,
    macs=macs,
    inputs=(2, 3),
    kernels=(
        Kernel("depthwise_conv2d_s8", "depthwise_conv2d.h", emit),
        Kernel("depthwise_conv2d_s16", "depthwise_conv2d_s16.h", emit, dtypes=("int16",)),
    ),
)
