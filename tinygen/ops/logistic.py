"""LOGISTIC: 1 / (1 + exp(-x)) by a table, in which int16 is interpolated."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._gemmlowp import logistic
from ._lut import lut_code, shapes
from ._sigmoid import saturating
from ._sigmoid16 import interpolated
from .base import Kernel, LayerCode, Operator, bad_layer, per_tensor


def emit(graph: Graph, op: Op) -> LayerCode:
    """The output's scale is taken to be 1/256, as TFLM takes it; its zero point must be the lowest value."""
    x, y = graph.input(op, 0), graph.output(op)
    if per_tensor(op, y)[1] != -128:
        raise bad_layer(op, f"its output has zero point {per_tensor(op, y)[1]}, needed -128")
    return lut_code(graph, op, saturating(op, x, logistic, output_bits=8, zero_point=-128))


def emit_s16(graph: Graph, op: Op) -> LayerCode:
    """The output's scale is 2^-15."""
    return interpolated(graph, op, "tg_logistic_s16", exact_shifts=(0,))


OPERATOR = Operator(
    kind="LOGISTIC",
    resolver="AddLogistic",
    shapes=shapes,
    kernels=(Kernel("lut_s8", "lut.h", emit), Kernel("logistic_s16", "sigmoid.h", emit_s16, dtypes=("int16",))),
)
