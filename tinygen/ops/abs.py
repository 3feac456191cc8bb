"""ABS: magnitudes by a table, rescaled where the output's scale is another."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._fixed_point import checked_multiplier, requantized
from ._lut import lut_code, shapes
from .base import Kernel, LayerCode, Operator, per_tensor


def emit(graph: Graph, op: Op) -> LayerCode:
    """The ratio of the scales is formed in double; equal scales leave the value as it is."""
    (in_scale, in_zero), (out_scale, out_zero) = (per_tensor(op, t) for t in (graph.input(op, 0), graph.output(op)))
    multiplier, shift = checked_multiplier(op, in_scale / out_scale)

    def value(q: int) -> int:
        size = abs(q - in_zero)
        out = size + out_zero if in_scale == out_scale else requantized(size, multiplier, shift, out_zero)
        return max(-128, min(127, out))

    return lut_code(graph, op, value)


OPERATOR = Operator(kind="ABS", resolver="AddAbs", shapes=shapes, kernels=(Kernel("lut_s8", "lut.h", emit),))
