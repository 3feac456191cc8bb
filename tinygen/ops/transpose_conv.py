"""TRANSPOSE_CONV: Conv2DTranspose with OHWI weights, per-channel requantization, optional bias, fused activation."""

from __future__ import annotations

import math

from ..flatbuffer import Table
from ..graph.ir import Graph, Op, constant
from ._convolution import ConvWindow, check_bias, packed
from ._fixed_point import activation_range
from ._move import constant_ints
from ._sums import check_bias_type
from ._window import MAX_REACH, check_window
from .base import FUSED, Const, Constant, In, Kernel, LayerCode, Operator, Out, Shape, bad_layer


def read(options: Table) -> ConvWindow:
    """TransposeConvOptions."""
    return ConvWindow(
        padding=options.int8(0),
        stride_w=options.int32(1),
        stride_h=options.int32(2),
        fused=options.int8(3),
        bias_type=options.int8(4),
    )


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """[N, H', W', O] as input 0 says, from weights [O, kh, kw, I] and input [N, H, W, I].

    TFLM takes H' and W' as they come: outputs that no input reaches are the bias alone.
    """
    w, x, window = graph.input(op, 1), graph.input(op, 2), op.attrs
    check_window(op, window)
    out = constant_ints(graph, op, 0, "output shapes")
    if len(x.shape) != 4 or len(w.shape) != 4 or w.data is None or w.dtype != "int8":
        raise bad_layer(op, f"needs a 4-D input and constant 4-D int8 weights, has {x.shape} and {w.shape}")
    if len(out) != 4 or min(out) < 1 or (out[0], out[3], x.shape[3]) != (x.shape[0], w.shape[0], w.shape[3]):
        raise bad_layer(op, f"output {out} and weights {w.shape} do not fit its input {x.shape}")
    if max(*out, *w.shape) > MAX_REACH:
        raise bad_layer(op, f"output {out} or weights {w.shape} reach over more than {MAX_REACH} values")
    check_bias(graph, op, w.shape[0], at=3, int16=("int16", "int64"))
    check_bias_type(op, window.bias_type)
    return (tuple(out),)


def macs(graph: Graph, op: Op) -> int:
    """Multiplications: every input meets every tap, those that fall outside of the output counted too."""
    return graph.input(op, 2).size * math.prod(graph.input(op, 1).shape[:3])


def padding_before(size: int, kernel: int, stride: int, padding: int) -> int:
    """The padding of a convolution over an image of the output's `size`: TFLM's, its division truncates.

    With VALID it is 0 but where the kernel is larger than the output.
    """
    reached = size + stride - (1 if padding == 0 else kernel)
    windows = int(math.copysign(abs(reached) // stride, reached))
    return max(0, (windows - 1) * stride + kernel - size) // 2


def emit(graph: Graph, op: Op) -> LayerCode:
    """Each output gathers the taps that reach it, so that no accumulators need to be kept; they wrap in any order."""
    w, x, y, window = graph.input(op, 1), graph.input(op, 2), graph.output(op), op.attrs
    out_c, kernel_h, kernel_w, in_c = w.shape
    low, high = activation_range(op, window.fused, y)
    sums = packed(graph, op, axis=0, x_at=2, bias_at=3)
    return LayerCode(
        function=f"tg_transpose_conv_{sums.kernel}",
        struct=f"tg_transpose_conv_{sums.struct}",
        params=(
            ("batches", x.shape[0]),
            ("in_h", x.shape[1]),
            ("in_w", x.shape[2]),
            ("in_c", in_c),
            ("out_h", y.shape[1]),
            ("out_w", y.shape[2]),
            ("out_c", out_c),
            ("kernel_h", kernel_h),
            ("kernel_w", kernel_w),
            ("stride_h", window.stride_h),
            ("stride_w", window.stride_w),
            ("pad_top", padding_before(y.shape[1], kernel_h, window.stride_h, window.padding)),
            ("pad_left", padding_before(y.shape[2], kernel_w, window.stride_w, window.padding)),
            *sums.fields,
            ("activation_min", low),
            ("activation_max", high),
        ),
        constants=(Constant("weights", "int8_t", constant(w)), *sums.constants),
        args=(In(2), Const("weights"), Const("bias"), Const("multiplier"), Const("shift"), Out()),
    )


OPERATOR = Operator(
    kind="TRANSPOSE_CONV",
    resolver="AddTransposeConv",
    fused=FUSED,
    limits="constant weights, bias and output shape",
    read=read,
    shapes=shapes,
    macs=macs,
    inputs=(3, 4),
    data_input=2,
    kernels=(
        Kernel("transpose_conv_s8", "transpose_conv.h", emit),
        Kernel("transpose_conv_s16", "transpose_conv_s16.h", emit, dtypes=("int16",)),
    ),
)
