"""ABS: magnitudes, of int8 by a table, rescaled where the output's scale is another."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._fixed_point import checked_multiplier, requantized
from ._lut import lut_code, shapes
from .base import In, Kernel, LayerCode, Operator, Out, per_tensor, symmetric


def emit(graph: Graph, op: Op) -> LayerCode:
    """The ratio of the scales is formed in double; equal scales leave the value as it is."""
    (in_scale, in_zero), (out_scale, out_zero) = (per_tensor(op, t) for t in (graph.input(op, 0), graph.output(op)))
    multiplier, shift = checked_multiplier(op, in_scale / out_scale)

    def value(q: int) -> int:
        size = abs(q - in_zero)
        out = size + out_zero if in_scale == out_scale else requantized(size, multiplier, shift, out_zero)
        return max(-128, min(127, out))

    return lut_code(graph, op, value)


def emit_s16(graph: Graph, op: Op) -> LayerCode:
    """The same, value by value; both zero points are 0, the largest magnitude is 2^15."""
    x, y = graph.input(op, 0), graph.output(op)
    symmetric(op, x, y)
    multiplier, shift = checked_multiplier(op, per_tensor(op, x)[0] / per_tensor(op, y)[0], 1 << 15)
    return LayerCode(
        function="tg_abs_s16",
        struct="tg_abs_params",
        params=(("count", x.size), ("multiplier", multiplier), ("shift", shift)),
        args=(In(), Out()),
    )


OPERATOR = Operator(
    kind="ABS",
    resolver="AddAbs",
    shapes=shapes,
    kernels=(Kernel("lut_s8", "lut.h", emit), Kernel("abs_s16", "abs.h", emit_s16, dtypes=("int16",))),
)
