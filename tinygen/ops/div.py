"""DIV: the quotient of two tensors, broadcast; a division by zero saturates, where the reference stops."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._add import read, shapes
from ._broadcast import loops
from ._fixed_point import activation_range, checked_multiplier
from .base import In, Kernel, LayerCode, Operator, Out, per_tensor


def emit(graph: Graph, op: Op) -> LayerCode:
    """The portable kernel; the ratio of the scales is formed in double."""
    a, b, y = graph.input(op, 0), graph.input(op, 1), graph.output(op)
    (scale1, zero1), (scale2, zero2), (scale_y, zero_y) = (per_tensor(op, t) for t in (a, b, y))
    low, high = activation_range(op, op.attrs.fused, y)
    multiplier, shift = checked_multiplier(op, scale1 / (scale2 * scale_y))
    return LayerCode(
        function="tg_div_s8",
        struct="tg_div_params",
        params=(
            *loops(op, a.shape, b.shape),
            ("input1_offset", -zero1),
            ("input2_offset", -zero2),
            ("output_multiplier", multiplier),
            ("output_shift", shift),
            ("output_zero_point", zero_y),
            ("activation_min", low),
            ("activation_max", high),
        ),
        args=(In(0), In(1), Out()),
    )


OPERATOR = Operator(
    kind="DIV",
    resolver="AddDiv",
    read=read,
    shapes=shapes,
    inputs=(2, 2),
    kernels=(Kernel("div_s8", "div.h", emit),),
)
