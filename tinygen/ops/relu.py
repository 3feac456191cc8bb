"""RELU: the positive part, of int8 by a table, rescaled to the output; the ratio of the scales is formed in double."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._fixed_point import RANGES, checked_multiplier, reach, requantized
from ._lut import lut_code, shapes
from ._requantize import requantize_code
from .base import Kernel, LayerCode, Operator, per_tensor, symmetric


def emit(graph: Graph, op: Op) -> LayerCode:
    """max(output zero point, the rescaled value)."""
    (in_scale, in_zero), (out_scale, out_zero) = (per_tensor(op, t) for t in (graph.input(op, 0), graph.output(op)))
    multiplier, shift = checked_multiplier(op, in_scale / out_scale)
    return lut_code(graph, op, lambda q: min(127, max(out_zero, requantized(q - in_zero, multiplier, shift, out_zero))))


def emit_s16(graph: Graph, op: Op) -> LayerCode:
    """The same, value by value; both zero points are 0."""
    x, y = graph.input(op, 0), graph.output(op)
    symmetric(op, x, y)
    ratio = checked_multiplier(op, per_tensor(op, x)[0] / per_tensor(op, y)[0], max(reach(op, x)))
    return requantize_code(x, y, ratio, (0, RANGES["int16"][1]))


OPERATOR = Operator(
    kind="RELU",
    resolver="AddRelu",
    shapes=shapes,
    kernels=(Kernel("lut_s8", "lut.h", emit), Kernel("requantize", "requantize.h", emit_s16, dtypes=("int16",))),
)
