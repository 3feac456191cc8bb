"""PRELU: negative values times alpha, an operand that broadcasts; the ratios of the scales are formed in double."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._add import shapes
from ._broadcast import loops
from ._fixed_point import checked_multiplier
from .base import In, Kernel, LayerCode, Operator, Out, per_tensor


def emit(graph: Graph, op: Op) -> LayerCode:
    """The portable kernel."""
    x, alpha, y = graph.input(op, 0), graph.input(op, 1), graph.output(op)
    (x_scale, x_zero), (alpha_scale, alpha_zero), (y_scale, y_zero) = (per_tensor(op, t) for t in (x, alpha, y))
    multiplier, shift = checked_multiplier(op, x_scale / y_scale)
    alpha_multiplier, alpha_shift = checked_multiplier(op, x_scale * alpha_scale / y_scale)
    return LayerCode(
        function="tg_prelu_s8",
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
    kernels=(Kernel("prelu_s8", "prelu.h", emit),),
)
