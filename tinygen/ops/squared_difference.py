"""SQUARED_DIFFERENCE: the square of the difference of two tensors, broadcast."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._add import shapes
from ._broadcast import loops
from ._fixed_point import SHORT, checked_multiplier
from ._mul import LARGEST
from .base import In, Kernel, LayerCode, Operator, Out, bad_layer, per_tensor, symmetric

LEFT_SHIFT = {"int8": 7, "int16": 0}


def emit(graph: Graph, op: Op) -> LayerCode:
    """The portable kernel; the ratios of the scales are formed in double."""
    a, b, y = graph.input(op, 0), graph.input(op, 1), graph.output(op)
    symmetric(op, a, b, y)
    (scale1, zero1), (scale2, zero2), (scale_y, zero_y) = (per_tensor(op, t) for t in (a, b, y))
    twice_max = 2.0 * max(scale1, scale2)
    ratios = (scale1 / twice_max, scale2 / twice_max)
    if not all(0.0 < ratio < 1.0 for ratio in ratios):
        raise bad_layer(op, f"its scales are too far apart: ratios {ratios} must lie between 0 and 1")
    (multiplier1, shift1), (multiplier2, shift2) = (checked_multiplier(op, ratio) for ratio in ratios)
    ratio = twice_max * twice_max / ((1 << 2 * LEFT_SHIFT[y.dtype]) * scale_y)
    multiplier_y, shift_y = checked_multiplier(op, ratio, LARGEST[y.dtype])
    return LayerCode(
        function=f"tg_squared_difference_{SHORT[y.dtype]}",
        struct="tg_squared_difference_params",
        params=(
            *loops(op, a.shape, b.shape),
            ("input1_offset", -zero1),
            ("input2_offset", -zero2),
            ("input1_multiplier", multiplier1),
            ("input2_multiplier", multiplier2),
            ("input1_shift", -shift1),
            ("input2_shift", -shift2),
            ("output_multiplier", multiplier_y),
            ("output_shift", shift_y),
            ("output_zero_point", zero_y),
        ),
        args=(In(0), In(1), Out()),
    )


OPERATOR = Operator(
    kind="SQUARED_DIFFERENCE",
    resolver="AddSquaredDifference",
    limits="at most 4 loops over dimensions that broadcast alike",
    shapes=shapes,
    inputs=(2, 2),
    kernels=(
        Kernel("squared_difference_s8", "squared_difference.h", emit),
        Kernel("squared_difference_s16", "squared_difference.h", emit, dtypes=("int16",)),
    ),
)
