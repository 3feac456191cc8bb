"""RELU: the positive part by a table, rescaled to the output; the ratio of the scales is formed in double."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._fixed_point import checked_multiplier, requantized
from ._lut import lut_code, shapes
from .base import Kernel, LayerCode, Operator, per_tensor


def emit(graph: Graph, op: Op) -> LayerCode:
    """max(output zero point, the rescaled value)."""
    (in_scale, in_zero), (out_scale, out_zero) = (per_tensor(op, t) for t in (graph.input(op, 0), graph.output(op)))
    multiplier, shift = checked_multiplier(op, in_scale / out_scale)
    return lut_code(graph, op, lambda q: min(127, max(out_zero, requantized(q - in_zero, multiplier, shift, out_zero))))


OPERATOR = Operator(kind="RELU", resolver="AddRelu", shapes=shapes, kernels=(Kernel("lut_s8", "lut.h", emit),))
