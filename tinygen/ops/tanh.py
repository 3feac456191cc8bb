"""TANH: the hyperbolic tangent by a table, in which int16 is interpolated."""

from __future__ import annotations

from ..graph.ir import Graph, Op
from ._gemmlowp import tanh
from ._lut import lut_code, shapes
from ._sigmoid import saturating
from ._sigmoid16 import interpolated
from .base import Kernel, LayerCode, Operator, per_tensor


def emit(graph: Graph, op: Op) -> LayerCode:
    """TFLM takes the output's scale to be 1/128 and its zero point 0, whatever the file says."""
    per_tensor(op, graph.output(op))
    return lut_code(graph, op, saturating(op, graph.input(op, 0), tanh, output_bits=7, zero_point=0))


def emit_s16(graph: Graph, op: Op) -> LayerCode:
    """The output's scale is 2^-15."""
    return interpolated(graph, op, "tg_tanh_s16", exact_shifts=(0, 1))


OPERATOR = Operator(
    kind="TANH",
    resolver="AddTanh",
    shapes=shapes,
    kernels=(Kernel("lut_s8", "lut.h", emit), Kernel("tanh_s16", "sigmoid.h", emit_s16, dtypes=("int16",))),
)
