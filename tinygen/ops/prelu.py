"""PRELU: negative values times an int8 alpha, which broadcasts; the ratios of the scales are formed in double."""

from __future__ import annotations

from ..graph.ir import Graph, Op, Tensor
from ._broadcast import broadcast_shape, loops
from ._fixed_point import SHORT, checked_multiplier, reach
from .base import In, Kernel, LayerCode, Operator, Out, Shape, bad_layer, per_tensor


def shapes(graph: Graph, op: Op) -> tuple[Shape, ...]:
    """The broadcast shape; alpha is int8 beside int8 and int16, and float in a float island."""
    x, alpha = graph.input(op, 0), graph.input(op, 1)
    wanted = "float32" if x.dtype == "float32" else "int8"
    if alpha.dtype != wanted:
        raise bad_layer(op, f"alpha of type {alpha.dtype}, needed {wanted}")
    return (broadcast_shape(op, x.shape, alpha.shape),)


def _largest(op: Op, x: Tensor, alpha: Tensor) -> tuple[int, int]:
    """The largest positive value, and the largest product of a negative one; those of int8 wrap, as in TFLM."""
    (above, below), (alpha_above, alpha_below) = reach(op, x), reach(op, alpha)
    return above, max((below + 1) * (alpha_below + 1), (below + 1) * alpha_above - 1)


def emit(graph: Graph, op: Op) -> LayerCode:
    """The portable kernel."""
    x, alpha, y = graph.input(op, 0), graph.input(op, 1), graph.output(op)
    (x_scale, x_zero), (alpha_scale, alpha_zero), (y_scale, y_zero) = (per_tensor(op, t) for t in (x, alpha, y))
    positive, negative = (1, 1) if x.dtype == "int8" else _largest(op, x, alpha)
    multiplier, shift = checked_multiplier(op, x_scale / y_scale, positive)
    alpha_multiplier, alpha_shift = checked_multiplier(op, x_scale * alpha_scale / y_scale, negative)
    return LayerCode(
        function=f"tg_prelu_{SHORT[x.dtype]}",
        struct="tg_prelu_params",
        params=(
            *loops(op, x.shape, alpha.shape),
            ("input_offset", -x_zero),
            ("alpha_offset", -alpha_zero),
            ("positive_multiplier", multiplier),
            ("positive_shift", shift),
            ("negative_multiplier", alpha_multiplier),
            ("negative_shift", alpha_shift),
            ("output_zero_point", y_zero),
        ),
        args=(In(0), In(1), Out()),
    )


OPERATOR = Operator(
    kind="PRELU",
    resolver="AddPrelu",
    limits="at most 4 loops over dimensions that broadcast alike",
    shapes=shapes,
    inputs=(2, 2),
    kernels=(Kernel("prelu_s8", "prelu.h", emit), Kernel("prelu_s16", "prelu.h", emit, dtypes=("int16",))),
)
