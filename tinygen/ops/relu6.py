"""RELU6: values held between 0 and 6, int8 by a table; TFLM does not rescale here, input and output have one scale."""

from __future__ import annotations

import numpy as np

from ..graph.ir import Graph, Op
from ._fixed_point import RANGES, round_half_away
from ._lut import lut_code, shapes
from ._requantize import IDENTITY, requantize_code
from .base import Kernel, LayerCode, Operator, bad_layer, per_tensor


def bounds(graph: Graph, op: Op) -> tuple[int, int]:
    """0 and 6 in the input's units."""
    x = graph.input(op, 0)
    scale, zero_point = per_tensor(op, x)
    with np.errstate(over="ignore"):
        steps = float(np.float32(6.0) / np.float32(scale))
    if not steps < 2**30:
        raise bad_layer(op, f"its input scale {scale} is too small")
    return zero_point, min(RANGES[x.dtype][1], round_half_away(steps) + zero_point)


def emit(graph: Graph, op: Op) -> LayerCode:
    """A table of int8."""
    zero, six = bounds(graph, op)
    return lut_code(graph, op, lambda q: min(six, max(zero, q)))


def emit_s16(graph: Graph, op: Op) -> LayerCode:
    """Value by value."""
    return requantize_code(graph.input(op, 0), graph.output(op), IDENTITY, bounds(graph, op))


OPERATOR = Operator(
    kind="RELU6",
    resolver="AddRelu6",
    shapes=shapes,
    kernels=(Kernel("lut_s8", "lut.h", emit), Kernel("requantize", "requantize.h", emit_s16, dtypes=("int16",))),
)
